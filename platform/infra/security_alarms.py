"""A filter on the trail and an alarm for every security event."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.alarms import Alarms, AlarmsArgs, AlarmSpec
from infra.log_group import ArchivedLogGroup
from infra.metrics import SECURITY_EVENTS_NAMESPACE, event_metric
from infra.security_events import SECURITY_EVENTS, SecurityEvent
from infra.topics import Topics

PERIOD_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class SecurityAlarmsArgs:
    """The log group the trail writes to, and who hears of it."""

    trail_logs: ArchivedLogGroup
    topics: Topics


class SecurityAlarms(pulumi.ComponentResource):
    """`names[event]` are the alarms."""

    def __init__(
        self, name: str, args: SecurityAlarmsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:alarms:SecurityAlarms", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        specs = [self._spec(event) for event in SECURITY_EVENTS]
        alarms = Alarms("security-events", AlarmsArgs(specs=specs, topics=args.topics), self._child)
        self.names = alarms.names
        self.register_outputs({"names": self.names})

    def _spec(self, event: SecurityEvent) -> AlarmSpec:
        counter = aws.cloudwatch.LogMetricFilter(
            event.name,
            name=event.name,
            log_group_name=self._args.trail_logs.name,
            pattern=event.pattern,
            metric_transformation={
                "name": event.name,
                "namespace": SECURITY_EVENTS_NAMESPACE,
                "value": "1",
                "default_value": "0",
            },
            opts=self._child,
        )
        return AlarmSpec(
            name=event.name,
            meaning=event.meaning,
            metrics={"events": event_metric(counter.metric_transformation.name)},
            threshold=event.threshold,
            comparison="GreaterThanOrEqualToThreshold",
            period=PERIOD_SECONDS,
            window=1,
            datapoints=1,
            severity=event.severity,
        )
