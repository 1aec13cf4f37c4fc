"""Who did what in the account: what is recorded, and who hears of it."""

from dataclasses import dataclass

import pulumi

from infra.account import AccountBaseline
from infra.areas.data import Data
from infra.areas.foundation import Foundation
from infra.bucket import ObjectLock
from infra.config_recorder import ConfigRecorder, ConfigRecorderArgs
from infra.detection import ThreatDetection, ThreatDetectionArgs
from infra.event_rules import EventRules, EventRulesArgs
from infra.security_alarms import SecurityAlarms, SecurityAlarmsArgs
from infra.stack import Stack
from infra.trail import AuditTrail, AuditTrailArgs


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The trail, the alarms on events in it, the rules on events that AWS sends."""

    trail: AuditTrail
    rules: EventRules
    alarm_names: list[pulumi.Output[str]]


def build_audit(stack: Stack, base: Foundation, data: Data) -> Audit:
    """Account-wide: one baseline, one trail, one recorder, one set of detectors."""
    AccountBaseline("account", stack.opts)
    trail = _trail(stack, base, data)
    if stack.settings.security.config_recorder:
        _config_recorder(stack, base)
    detection = ThreatDetectionArgs(names=stack.names, settings=stack.settings.security)
    ThreatDetection("detection", detection, stack.opts)
    rules = EventRules("events", EventRulesArgs(names=stack.names, topics=base.topics), stack.opts)
    events = SecurityAlarms(
        "security-alarms",
        SecurityAlarmsArgs(trail_logs=base.logs["trail"], topics=base.topics),
        stack.opts,
    )
    return Audit(trail=trail, rules=rules, alarm_names=list(events.names.values()))


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


def _config_recorder(stack: Stack, base: Foundation) -> None:
    args = ConfigRecorderArgs(
        names=stack.names,
        keys=base.keys,
        access_logs=base.access_logs,
        frequency=stack.settings.security.config_mode,
        days=stack.settings.logs.audit_days,
        protect=stack.settings.protect,
    )
    ConfigRecorder("config-recorder", args, stack.opts)
