"""Who hears about an alarm: one encrypted topic per severity, each with a subscriber."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.keys import KeyRing
from infra.naming import PROJECT, Names
from infra.policy import Statement, render, service

SIGNATURE_SHA256 = 2


@dataclass(frozen=True, kw_only=True)
class TopicsArgs:
    """`subscribers` maps each severity to an e-mail address, or to None for nobody."""

    names: Names
    keys: KeyRing
    subscribers: Mapping[str, str | None]


class Topics(pulumi.ComponentResource):
    """`arns[severity]` is what an alarm acts on."""

    def __init__(self, name: str, args: TopicsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:messaging:Topics", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.arns = {severity: self._create(severity) for severity in args.subscribers}
        self.names = {severity: args.names.topic(severity) for severity in args.subscribers}
        self.register_outputs({"arns": self.arns})

    def _create(self, severity: str) -> pulumi.Output[str]:
        args = self._args
        topic = aws.sns.Topic(
            severity,
            name=args.names.topic(severity),
            kms_master_key_id=args.keys.arns["messaging"],
            signature_version=SIGNATURE_SHA256,
            opts=self._child,
        )
        aws.sns.TopicPolicy(
            severity, arn=topic.arn, policy=topic_policy(args.names, severity), opts=self._child
        )
        if email := args.subscribers[severity]:
            aws.sns.TopicSubscription(
                severity, topic=topic.arn, protocol="email", endpoint=email, opts=self._child
            )
        return topic.arn


def topic_policy(names: Names, severity: str) -> str:
    """Our alarms, event rules, backups and budget publish; nobody does without TLS."""
    topic = names.arn("sns", names.topic(severity))
    return render(
        [
            Statement(
                sid="AllowAlarms",
                principals=service("cloudwatch"),
                actions=("sns:Publish",),
                resources=(topic,),
                conditions={
                    "StringEquals": {"aws:SourceAccount": names.account_id},
                    "ArnLike": {"aws:SourceArn": names.arn("cloudwatch", f"alarm:{PROJECT}-*")},
                },
            ),
            Statement(
                sid="AllowBackup",
                principals=service("backup"),
                actions=("sns:Publish",),
                resources=(topic,),
                conditions={"StringEquals": {"aws:SourceAccount": names.account_id}},
            ),
            Statement(
                sid="AllowBudgets",
                principals=service("budgets"),
                actions=("sns:Publish",),
                resources=(topic,),
                conditions={"StringEquals": {"aws:SourceAccount": names.account_id}},
            ),
            Statement(
                sid="AllowEvents",
                principals=service("events"),
                actions=("sns:Publish",),
                resources=(topic,),
                conditions={
                    "StringEquals": {"aws:SourceAccount": names.account_id},
                    "ArnLike": {"aws:SourceArn": names.arn("events", f"rule/{PROJECT}-*")},
                },
            ),
            Statement(
                sid="DenyWithoutTls",
                effect="Deny",
                principals="*",
                actions=("sns:Publish",),
                resources=(topic,),
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            ),
        ]
    )
