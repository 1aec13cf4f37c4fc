"""What watches the service and its data."""

from dataclasses import dataclass

import pulumi

from infra.alarms import Alarms, AlarmsArgs, error_rate_alarm, throttle_alarm
from infra.areas.data import Data
from infra.areas.edge import Edge
from infra.areas.foundation import Foundation
from infra.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Oversight:
    """`rollback_alarms` end a bad release; `alarm_names` are all alarms of this area."""

    alarm_names: list[pulumi.Output[str]]
    rollback_alarms: tuple[pulumi.Output[str], ...]


def build_oversight(stack: Stack, base: Foundation, data: Data, edge: Edge) -> Oversight:
    """Alarms that need no running task."""
    error_rate = error_rate_alarm(stack.settings.alarms, edge.balancer.arn_suffix)
    throttles = [throttle_alarm(short, name) for short, name in data.tables.names.items()]
    specs = AlarmsArgs(specs=[error_rate, *throttles], topics=base.topics)
    alarms = Alarms("alarms", specs, stack.opts)
    return Oversight(
        alarm_names=list(alarms.names.values()), rollback_alarms=(alarms.names[error_rate.name],)
    )
