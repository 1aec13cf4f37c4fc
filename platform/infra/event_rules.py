"""Events that AWS itself sends, as data, and the topic that hears of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.naming import CLUSTER, PROJECT, SERVICE, WORKER, Names
from infra.topics import Topics

GUARDDUTY_MEDIUM = 4  # severities are 1 to 10, medium starts here
NOT_DONE = ("ABORTED", "EXPIRED", "FAILED", "PARTIAL")


@dataclass(frozen=True, kw_only=True)
class EventSpec:
    """`detail` narrows `kind` (the event's detail-type) of `source`, in EventBridge's patterns."""

    name: str
    meaning: str
    source: str
    kind: str
    detail: Mapping[str, Any]
    severity: str = "security"

    @property
    def rule_name(self) -> str:
        """Physical name of the rule."""
        return f"{PROJECT}-{self.name}"


# Findings of the detectors; releases and restores that did not end well.
EVENTS: tuple[EventSpec, ...] = (
    EventSpec(
        name="guardduty-finding",
        meaning="GuardDuty sees an attack or a compromised resource",
        source="aws.guardduty",
        kind="GuardDuty Finding",
        detail={"severity": [{"numeric": [">=", GUARDDUTY_MEDIUM]}]},
    ),
    EventSpec(
        name="security-hub-finding",
        meaning="Security Hub sees a setting that breaks a standard, for the first time",
        source="aws.securityhub",
        kind="Security Hub Findings - Imported",
        detail={
            "findings": {
                # GuardDuty's own findings come by their own rule.
                "ProductName": [{"anything-but": "GuardDuty"}],
                "RecordState": ["ACTIVE"],
                "Severity": {"Label": ["HIGH", "CRITICAL"]},
                "Workflow": {"Status": ["NEW"]},
            }
        },
    ),
    EventSpec(
        name="external-access-finding",
        meaning="A resource can be reached from outside the account",
        source="aws.access-analyzer",
        kind="Access Analyzer Finding",
        detail={"status": ["ACTIVE"]},
    ),
    EventSpec(
        name="deployment-failed",
        meaning="A release was rolled back, or could not be",
        source="aws.ecs",
        kind="ECS Deployment State Change",
        detail={"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        severity="critical",
    ),
    EventSpec(
        name="restore-failed",
        meaning="A restore, or the weekly test of one, did not end well",
        source="aws.backup",
        kind="Restore Job State Change",
        detail={"status": list(NOT_DONE)},
        severity="critical",
    ),
)


def event_pattern(spec: EventSpec, names: Names) -> str:
    """The rule's pattern; events of ECS carry the service they are about."""
    pattern: dict[str, Any] = {
        "account": [names.account_id],
        "source": [spec.source],
        "detail-type": [spec.kind],
        "detail": dict(spec.detail),
    }
    if spec.source == "aws.ecs":
        pattern["resources"] = [
            names.arn("ecs", f"service/{CLUSTER}/{service}") for service in (SERVICE, WORKER)
        ]
    return json.dumps(pattern, sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class EventRulesArgs:
    """Who hears of the events."""

    names: Names
    topics: Topics


class EventRules(pulumi.ComponentResource):
    """`names[event]` are the rules; each tells one topic."""

    def __init__(
        self, name: str, args: EventRulesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:security:EventRules", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.names = {spec.name: self._create(spec) for spec in EVENTS}
        self.register_outputs({"names": self.names})

    def _create(self, spec: EventSpec) -> pulumi.Output[str]:
        rule = aws.cloudwatch.EventRule(
            spec.name,
            name=spec.rule_name,
            description=spec.meaning,
            event_pattern=event_pattern(spec, self._args.names),
            state="ENABLED",
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            spec.name,
            rule=rule.name,
            target_id="topic",
            arn=self._args.topics.arns[spec.severity],
            opts=self._child,
        )
        return rule.name
