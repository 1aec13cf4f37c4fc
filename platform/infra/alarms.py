"""An alarm as data, and as a resource that tells the topic of its severity when it starts and ends.

Which alarms there are stands in `alarms_service.py`, `alarms_platform.py`, `security_alarms.py` and
`slo.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.cloudwatch import MetricAlarmMetricQueryArgsDict

from infra.metrics import Metric
from infra.naming import PROJECT
from infra.topics import Topics

PERIOD_SECONDS = 60
WINDOW = 5
RUNBOOK = "docs/OPERATIONAL_RUNBOOK.md"


@dataclass(frozen=True, kw_only=True)
class AlarmSpec:
    """Fires when `datapoints` of the last `window` periods lie beyond `threshold`.

    `expression` is metric math over the ids of `metrics`; without it the one metric is compared.
    `missing` is breaching or notBreaching. `family` is the runbook's section, where several alarms
    share one. With `tells` False only a composite alarm acts on it.
    """

    name: str
    meaning: str
    metrics: Mapping[str, Metric]
    expression: str | None = None
    threshold: float
    datapoints: int
    window: int = WINDOW
    period: int = PERIOD_SECONDS
    comparison: str = "GreaterThanThreshold"
    missing: str = "notBreaching"
    severity: str = "critical"
    family: str = ""
    tells: bool = True

    @property
    def section(self) -> str:
        """Anchor of the runbook's section."""
        return self.family or self.name


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """The alarms of one area and who hears of them."""

    specs: Sequence[AlarmSpec]
    topics: Topics


class Alarms(pulumi.ComponentResource):
    """`names[spec name]` waits for the alarm, so that nothing refers to one that is missing."""

    def __init__(self, name: str, args: AlarmsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:alarms:Alarms", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self.names = {spec.name: self._create(spec, args.topics) for spec in args.specs}
        self.register_outputs({"names": self.names})

    def _create(self, spec: AlarmSpec, topics: Topics) -> pulumi.Output[str]:
        single = None if spec.expression else next(iter(spec.metrics.values()))
        percentile = single is not None and single.stat.startswith("p")
        actions = [topics.arns[spec.severity]] if spec.tells else None
        alarm = aws.cloudwatch.MetricAlarm(
            spec.name,
            name=f"{PROJECT}-{spec.name}",
            alarm_description=f"{spec.meaning}. {RUNBOOK}#{spec.section}",
            namespace=single.namespace if single else None,
            metric_name=single.name if single else None,
            dimensions=single.dimensions if single else None,
            statistic=single.stat if single and not percentile else None,
            extended_statistic=single.stat if single and percentile else None,
            # A percentile of a handful of requests says nothing.
            evaluate_low_sample_count_percentiles="ignore" if percentile else None,
            period=spec.period if single else None,
            metric_queries=None if single else _queries(spec),
            evaluation_periods=spec.window,
            datapoints_to_alarm=spec.datapoints,
            threshold=spec.threshold,
            comparison_operator=spec.comparison,
            treat_missing_data=spec.missing,
            actions_enabled=True,
            alarm_actions=actions,
            ok_actions=actions,
            opts=self._child,
        )
        return alarm.name


def _queries(spec: AlarmSpec) -> list[MetricAlarmMetricQueryArgsDict]:
    inputs = [
        MetricAlarmMetricQueryArgsDict(
            id=query_id,
            metric={
                "namespace": metric.namespace,
                "metric_name": metric.name,
                "dimensions": metric.dimensions,
                "stat": metric.stat,
                "period": spec.period,
            },
            return_data=False,
        )
        for query_id, metric in spec.metrics.items()
    ]
    result = MetricAlarmMetricQueryArgsDict(
        id="result", expression=str(spec.expression), label=spec.meaning, return_data=True
    )
    return [*inputs, result]
