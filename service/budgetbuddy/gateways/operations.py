"""The state of the system as its operator asks: alarms, metrics, pipeline, dependencies."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from budgetbuddy import contract
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.evidence import Alarm, Dependency, Series, Stage
from budgetbuddy.domain.ports import Clock
from budgetbuddy.gateways.evidence import AwsEvidence, Clients
from budgetbuddy.gateways.resilience import DependencyFailed, Guard, Guards, Timeout

T = TypeVar("T")

PIPELINE: Final = "budgetbuddy"
LONGEST_REASON: Final = 500
_SPECS: Final = {str(spec.metric): spec for spec in contract.METRICS}
# What adds up is summed; of what is measured the worst of each period is shown.
_ADDS_UP: Final = frozenset({"Count"})
_SEARCH: Final = (
    "SEARCH('{{{schema}}} MetricName=\"{metric}\" Environment=\"{where}\"', '{stat}', {period})"
)


class AwsOperations:
    """Implements `domain.evidence.Operations`."""

    def __init__(  # noqa: PLR0913 - everything it looks at
        self,
        evidence: AwsEvidence,
        clients: Clients,
        guards: Guards,
        guard: Guard,
        *,
        environment: str,
        clock: Clock,
    ) -> None:
        self._evidence = evidence
        self._clients = clients
        self._guards = guards
        self._guard = guard
        self._environment = environment
        self._clock = clock

    def alarms(self) -> Sequence[Alarm]:
        """Our own, by name."""
        found = [
            Alarm(
                name=told["AlarmName"],
                state=told["StateValue"],
                since=format_instant(told["StateUpdatedTimestamp"]),
                reason=str(told.get("StateReason", ""))[:LONGEST_REASON],
            )
            for told in self._evidence.described_alarms()
        ]
        return sorted(found, key=lambda alarm: alarm.name)

    def series(self, name: str, *, period_seconds: int, hours: int) -> Sequence[Series]:
        """One search finds every value of the metric's dimension."""
        spec, end = _SPECS[name], self._clock()
        dimensions = ["Environment", *([str(spec.dimension)] if spec.dimension else [])]
        search = _SEARCH.format(
            schema=",".join([contract.NAMESPACE, *dimensions]),
            metric=name,
            where=self._environment,
            stat="Sum" if spec.unit in _ADDS_UP else "Maximum",
            period=period_seconds,
        )
        told = self._ask(
            lambda: self._clients.of("cloudwatch").get_metric_data(
                MetricDataQueries=[{"Id": "series", "Expression": search, "ReturnData": True}],
                StartTime=end - timedelta(hours=hours),
                EndTime=end,
                ScanBy="TimestampAscending",
            )
        )
        return [_series(result, name) for result in told["MetricDataResults"]]

    def pipeline(self) -> Sequence[Stage]:
        """None of them where there is no pipeline of this name."""
        told = self._ask(self._pipeline_state)
        return [_stage(stage) for stage in told]

    def dependencies(self) -> Sequence[Dependency]:
        """Of this process."""
        return self._guards.conditions()

    def _pipeline_state(self) -> list[dict[str, Any]]:
        try:
            told = self._clients.of("codepipeline").get_pipeline_state(name=PIPELINE)
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "PipelineNotFoundException":
                return []
            raise
        stages: list[dict[str, Any]] = told["stageStates"]
        return stages

    def _ask(self, ask: Callable[[], T]) -> T:
        def attempt(_: Timeout) -> T:
            try:
                return ask()
            except (BotoCoreError, ClientError) as exc:
                raise DependencyFailed from exc

        return self._guard.call(attempt)


def _series(result: dict[str, Any], name: str) -> Series:
    """CloudWatch labels a found series by what tells it from the others, else by its metric."""
    label = re.sub(rf"^(?:{re.escape(name)}|series)$", "", result.get("Label", ""))
    pairs = zip(result["Timestamps"], result["Values"], strict=True)
    points = [(format_instant(at), float(value)) for at, value in pairs]
    return Series(group=label or None, points=points)


def _stage(stage: dict[str, Any]) -> Stage:
    actions = stage.get("actionStates", [])
    changes = [
        action["latestExecution"]["lastStatusChange"]
        for action in actions
        if "lastStatusChange" in action.get("latestExecution", {})
    ]
    return Stage(
        name=stage["stageName"],
        status=stage.get("latestExecution", {}).get("status"),
        changed_at=format_instant(max(changes)) if changes else None,
    )
