"""Log groups that keep their events for a month and hand every one of them to the archive."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.keys import KeyRing
from infra.log_archive import LogArchive
from infra.naming import (
    API_LOGS,
    CDN_FIREWALL_LOGS,
    EXEC_LOGS,
    FIREWALL_LOGS,
    FLOW_LOGS,
    INSIGHTS_LOGS,
    RELEASE_CHECK_LOGS,
    ROTATION_LOGS,
    SUBSCRIPTION,
    TRAIL_LOGS,
    WORKER_LOGS,
    Names,
)
from infra.policy import Statement, render, service

GROUPS: Mapping[str, str] = {
    "api": API_LOGS,
    "worker": WORKER_LOGS,
    "ecs-exec": EXEC_LOGS,
    # Declared here, or ECS creates it without key and retention.
    "container-insights": INSIGHTS_LOGS,
    "vpc-flow": FLOW_LOGS,
    "trail": TRAIL_LOGS,
    "firewall": FIREWALL_LOGS,
    "firewall-cdn": CDN_FIREWALL_LOGS,
    "rotate-jwt": ROTATION_LOGS,
    "release-check": RELEASE_CHECK_LOGS,
}


@dataclass(frozen=True, kw_only=True)
class LogGroupsArgs:
    """`retention_days` in CloudWatch, before only the archive has the events."""

    names: Names
    keys: KeyRing
    archive: LogArchive
    retention_days: int
    protect: bool


class ArchivedLogGroup(pulumi.ComponentResource):
    """One group and its subscription. The empty pattern forwards every event."""

    def __init__(
        self, name: str, group: str, args: LogGroupsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:logs:ArchivedLogGroup", name, None, opts)
        child = ResourceOptions(parent=self)
        log_group = aws.cloudwatch.LogGroup(
            name,
            name=group,
            retention_in_days=args.retention_days,
            kms_key_id=args.keys.arns["logs"],
            deletion_protection_enabled=args.protect,
            skip_destroy=args.protect,
            tags={"data-class": "log"},
            opts=child,
        )
        aws.cloudwatch.LogSubscriptionFilter(
            f"{name}-archive",
            name=SUBSCRIPTION,
            log_group=log_group.name,
            destination_arn=args.archive.stream_arn,
            role_arn=args.archive.role_arn,
            filter_pattern="",
            distribution="ByLogStream",
            opts=child,
        )
        self.name, self.arn = log_group.name, log_group.arn
        self.register_outputs({"name": self.name, "arn": self.arn})


class LogGroups(pulumi.ComponentResource):
    """Every log group of the stack, by short name: `groups["api"]`."""

    def __init__(self, name: str, args: LogGroupsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:logs:LogGroups", name, None, opts)
        child = ResourceOptions(parent=self)
        self.groups = {
            short: ArchivedLogGroup(f"logs-{short}", group, args, child)
            for short, group in GROUPS.items()
        }
        aws.cloudwatch.LogResourcePolicy(
            "log-delivery",
            policy_name="budgetbuddy-log-delivery",
            policy_document=firewall_delivery_policy(args.names),
            opts=child,
        )
        self.names = {short: group.name for short, group in self.groups.items()}
        self.register_outputs({"names": self.names})

    def __getitem__(self, short: str) -> ArchivedLogGroup:
        return self.groups[short]


def firewall_delivery_policy(names: Names) -> str:
    """The firewalls' log delivery may write into their groups, for this account only."""
    return render(
        [
            Statement(
                sid="FirewallLogs",
                principals=service("delivery.logs"),
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=tuple(
                    f"{names.log_group_arn(group)}:log-stream:*"
                    for group in (FIREWALL_LOGS, CDN_FIREWALL_LOGS)
                ),
                conditions={
                    "StringEquals": {"aws:SourceAccount": names.account_id},
                    "ArnLike": {"aws:SourceArn": names.arn("logs", "*")},
                },
            )
        ]
    )
