"""Who did what in the account: what is recorded, and who hears of it."""

from dataclasses import dataclass

import pulumi

from infra.account import AccountBaseline
from infra.areas.data import Data
from infra.areas.foundation import Foundation
from infra.bucket import ObjectLock
from infra.security_alarms import SecurityAlarms, SecurityAlarmsArgs
from infra.stack import Stack
from infra.trail import AuditTrail, AuditTrailArgs


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The trail, and the alarms on events in it."""

    trail: AuditTrail
    alarm_names: list[pulumi.Output[str]]


def build_audit(stack: Stack, base: Foundation, data: Data) -> Audit:
    """Account-wide: one trail, one baseline."""
    AccountBaseline("account", stack.opts)
    trail = _trail(stack, base, data)
    events = SecurityAlarms(
        "security-alarms",
        SecurityAlarmsArgs(trail_logs=base.logs["trail"], topics=base.topics),
        stack.opts,
    )
    return Audit(trail=trail, alarm_names=list(events.names.values()))


def _trail(stack: Stack, base: Foundation, data: Data) -> AuditTrail:
    logs = stack.settings.logs
    args = AuditTrailArgs(
        names=stack.names,
        keys=base.keys,
        access_logs=base.access_logs,
        archive=base.archive,
        logs=base.logs["trail"],
        tables=data.tables,
        lock=ObjectLock(mode=logs.lock_mode, days=logs.audit_days),
        protect=stack.settings.protect,
        boundary_arn=stack.boundary_arn,
    )
    return AuditTrail("trail", args, stack.opts)
