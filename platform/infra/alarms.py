"""The README's four alarms as data: CPU, memory, error rate, throttled tables.

Each tells the topic of its severity when it starts and when it is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.cloudwatch import MetricAlarmMetricQueryArgsDict

from infra.metrics import Metric, balancer_metric, service_metric, table_metric
from infra.naming import PROJECT
from infra.settings import AlarmSettings
from infra.topics import Topics

PERIOD_SECONDS = 60
WINDOW = 5
RUNBOOK = "docs/OPERATIONAL_RUNBOOK.md"


@dataclass(frozen=True, kw_only=True)
class AlarmSpec:
    """Fires when `datapoints` of the last `window` periods lie beyond `threshold`.

    `expression` is metric math over the ids of `metrics`; without it the one metric is compared.
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
    severity: str = "critical"


def service_alarms(settings: AlarmSettings, service: pulumi.Input[str]) -> list[AlarmSpec]:
    """Alarms that need running tasks."""
    return [
        AlarmSpec(
            name="api-cpu-high",
            meaning="Tasks are short of CPU although scaling should have added some",
            metrics={"cpu": service_metric("CPUUtilization", service)},
            threshold=settings.cpu_percent,
            datapoints=5,
        ),
        AlarmSpec(
            name="api-memory-high",
            meaning="Tasks are short of memory and may be killed",
            metrics={"memory": service_metric("MemoryUtilization", service)},
            threshold=settings.memory_percent,
            datapoints=5,
        ),
    ]


def error_rate_alarm(settings: AlarmSettings, balancer: pulumi.Input[str]) -> AlarmSpec:
    """Percent of requests that ended in a 5xx, of the tasks or of the load balancer itself.

    Below `min_requests` a minute the rate reads 0, or one failed request would page at night.
    """
    return AlarmSpec(
        name="api-error-rate",
        meaning="Clients see server errors",
        metrics={
            "req": balancer_metric("RequestCount", balancer),
            "t": balancer_metric("HTTPCode_Target_5XX_Count", balancer),
            "e": balancer_metric("HTTPCode_ELB_5XX_Count", balancer),
        },
        expression=f"IF(req >= {settings.min_requests}, 100*(FILL(t,0)+FILL(e,0))/req, 0)",
        threshold=settings.error_rate_percent,
        datapoints=3,
    )


def throttle_alarm(short: str, table: pulumi.Input[str]) -> AlarmSpec:
    """Requests DynamoDB refused on one table, reads and writes together."""
    return AlarmSpec(
        name=f"ddb-throttles-{short.lower()}",
        meaning=f"Table {short} refuses requests; clients retry or fail",
        metrics={
            "r": table_metric("ReadThrottleEvents", table),
            "w": table_metric("WriteThrottleEvents", table),
        },
        expression="FILL(r,0)+FILL(w,0)",
        threshold=0,
        datapoints=2,
    )


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """The alarms of one area and who hears of them."""

    specs: list[AlarmSpec]
    topics: Topics


class Alarms(pulumi.ComponentResource):
    """`names[spec name]` waits for the alarm, so that nothing refers to one that is missing."""

    def __init__(self, name: str, args: AlarmsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:alarms:Alarms", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self.names = {spec.name: self._create(spec, args.topics) for spec in args.specs}
        self.register_outputs({"names": self.names})

    def _create(self, spec: AlarmSpec, topics: Topics) -> pulumi.Output[str]:
        single = next(iter(spec.metrics.values()))
        math = spec.expression is not None
        alarm = aws.cloudwatch.MetricAlarm(
            spec.name,
            name=f"{PROJECT}-{spec.name}",
            alarm_description=f"{spec.meaning}. {RUNBOOK}#{spec.name}",
            namespace=None if math else single.namespace,
            metric_name=None if math else single.name,
            dimensions=None if math else single.dimensions,
            statistic=None if math else single.stat,
            period=None if math else spec.period,
            metric_queries=_queries(spec) if math else None,
            evaluation_periods=spec.window,
            datapoints_to_alarm=spec.datapoints,
            threshold=spec.threshold,
            comparison_operator=spec.comparison,
            treat_missing_data="notBreaching",
            actions_enabled=True,
            alarm_actions=[topics.arns[spec.severity]],
            ok_actions=[topics.arns[spec.severity]],
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
