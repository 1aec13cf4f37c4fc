"""How fast the error budget burns, and what several alarms mean together.

The target is a design target, measured by these alarms; it is no promise to anybody. Factors and
pairs of windows are those of the SRE Workbook, chapter 5 ("Alerting on SLOs"): the long window says
that it matters, the short one that it still goes on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.alarms import RUNBOOK, AlarmSpec
from infra.metrics import balancer_metric
from infra.naming import PROJECT
from infra.settings import AlarmSettings
from infra.topics import Topics

Name = pulumi.Input[str]
# Below this a single failed request would exceed the factor at 99.99 %.
FEWEST_REQUESTS = 100
FAST, SLOW, TREND = 14.4, 6.0, 3.0
BURN_WINDOWS: Mapping[str, tuple[int, float]] = {
    "slo-burn-1h": (3600, FAST),
    "slo-burn-5m": (300, FAST),
    "slo-burn-6h": (21_600, SLOW),
    "slo-burn-30m": (1800, SLOW),
    "slo-trend": (86_400, TREND),
}
SUPPRESSOR_WAIT_SECONDS = 60
SUPPRESSOR_EXTENSION_SECONDS = 120


def burn_alarms(settings: AlarmSettings, balancer: Name) -> list[AlarmSpec]:
    """One alarm per window; only the day's trend speaks for itself."""
    return [
        AlarmSpec(
            name=name,
            family="slo-burn" if name != "slo-trend" else "",
            meaning=f"The error budget burns {factor:g} times too fast",
            metrics={
                "req": balancer_metric("RequestCount", balancer),
                "t": balancer_metric("HTTPCode_Target_5XX_Count", balancer),
                "e": balancer_metric("HTTPCode_ELB_5XX_Count", balancer),
            },
            expression=(
                f"IF(req >= {FEWEST_REQUESTS},"
                f" (FILL(t,0)+FILL(e,0))/req/{error_budget(settings.slo_percent)}, 0)"
            ),
            threshold=factor,
            period=seconds,
            datapoints=1,
            window=1,
            severity="warning",
            tells=name == "slo-trend",
        )
        for name, (seconds, factor) in BURN_WINDOWS.items()
    ]


def error_budget(slo_percent: float) -> str:
    """The share of requests that may fail, as text without an exponent."""
    return f"{1 - slo_percent / 100:.6f}".rstrip("0")


@dataclass(frozen=True, kw_only=True)
class CompositeSpec:
    """Fires when `together` ("AND" or "OR") holds of `members`, names of other alarms.

    While `suppressor` (a name) fires, this one stays silent: its cause is known.
    """

    name: str
    meaning: str
    members: Sequence[str]
    together: str
    severity: str = "critical"
    suppressor: str | None = None


BUDGET_COMPOSITES = (
    CompositeSpec(
        name="slo-fast",
        meaning="In a day or two the error budget of the month would be gone",
        members=("slo-burn-1h", "slo-burn-5m"),
        together="AND",
    ),
    CompositeSpec(
        name="slo-slow",
        meaning="Before the month ends its error budget would be gone",
        members=("slo-burn-6h", "slo-burn-30m"),
        together="AND",
        severity="warning",
    ),
)
DATA_COMPOSITE = "data-at-risk"
# What each means, as far as the stack has the alarm; a stack without CloudFront has fewer.
DOWN = ("endpoint-down", "api-no-healthy-host", "metrics-silent")
DEGRADED = ("api-error-rate", "api-p95-latency", "cdn-5xx")


def service_composites(alarms: Collection[str]) -> tuple[CompositeSpec, CompositeSpec]:
    """Down, and degraded, over those of `alarms` (names) that say so."""
    return (
        CompositeSpec(
            name="service-down",
            meaning="The API does not answer",
            members=[name for name in DOWN if name in alarms],
            together="OR",
        ),
        CompositeSpec(
            name="service-degraded",
            meaning="The API answers with errors, or too late",
            members=[name for name in DEGRADED if name in alarms],
            together="OR",
            suppressor="service-down",
        ),
    )


def data_composite(members: Sequence[str]) -> CompositeSpec:
    """Any table whose storage fails by itself."""
    return CompositeSpec(
        name=DATA_COMPOSITE,
        meaning="Money or evidence may not be stored",
        members=members,
        together="OR",
    )


@dataclass(frozen=True, kw_only=True)
class CompositesArgs:
    """`alarms` maps the names of the members to the alarms that exist."""

    specs: Sequence[CompositeSpec]
    alarms: Mapping[str, pulumi.Output[str]]
    topics: Topics


class Composites(pulumi.ComponentResource):
    """`names[spec name]`, in the order of the specs: a suppressor comes before whom it silences."""

    def __init__(
        self, name: str, args: CompositesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:alarms:Composites", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.names: dict[str, pulumi.Output[str]] = {}
        for spec in args.specs:
            self.names[spec.name] = self._create(spec)
        self.register_outputs({"names": self.names})

    def _create(self, spec: CompositeSpec) -> pulumi.Output[str]:
        members = [self._args.alarms[member] for member in spec.members]
        topic = self._args.topics.arns[spec.severity]
        alarm = aws.cloudwatch.CompositeAlarm(
            spec.name,
            alarm_name=f"{PROJECT}-{spec.name}",
            alarm_description=f"{spec.meaning}. {RUNBOOK}#{spec.name}",
            alarm_rule=pulumi.Output.all(*members).apply(
                lambda names: alarm_rule(names, spec.together)
            ),
            actions_enabled=True,
            alarm_actions=[topic],
            ok_actions=[topic],
            actions_suppressor=self._suppressor(spec),
            opts=self._child,
        )
        return alarm.alarm_name

    def _suppressor(
        self, spec: CompositeSpec
    ) -> aws.cloudwatch.CompositeAlarmActionsSuppressorArgs | None:
        if spec.suppressor is None:
            return None
        return aws.cloudwatch.CompositeAlarmActionsSuppressorArgs(
            alarm=self.names[spec.suppressor],
            wait_period=SUPPRESSOR_WAIT_SECONDS,
            extension_period=SUPPRESSOR_EXTENSION_SECONDS,
        )


def alarm_rule(names: Sequence[str], together: str) -> str:
    """`ALARM("a") AND ALARM("b")`."""
    return f" {together} ".join(f'ALARM("{name}")' for name in names)
