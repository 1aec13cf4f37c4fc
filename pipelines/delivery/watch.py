"""Who hears of a release: every step to people, every failure as an alarm."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from delivery.naming import DEPLOY, METRIC_NAMESPACE, PIPELINE, PROJECT, Names
from delivery.policy import Statement, render, service

SIGNATURE_SHA256 = 2
PERIOD_SECONDS = 300
SLOW_DEPLOYMENT_SECONDS = 3300  # a role session, and with it a deployment, ends after an hour
RUNBOOK = "docs/DELIVERY.md"
EVENTS = (
    "codepipeline-pipeline-manual-approval-failed",
    "codepipeline-pipeline-manual-approval-needed",
    "codepipeline-pipeline-manual-approval-succeeded",
    "codepipeline-pipeline-pipeline-execution-canceled",
    "codepipeline-pipeline-pipeline-execution-failed",
    "codepipeline-pipeline-pipeline-execution-succeeded",
)


@dataclass(frozen=True, kw_only=True)
class NotificationsArgs:
    """One topic, encrypted with a key that its publishers may use, and one reader."""

    names: Names
    key_arn: pulumi.Output[str]
    email: str


class Notifications(pulumi.ComponentResource):
    """`topic_arn` is what pipeline, alarms and events publish to."""

    def __init__(
        self, name: str, args: NotificationsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:Notifications", name, None, opts)
        child = ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            "pipeline",
            name=args.names.topic(),
            kms_master_key_id=args.key_arn,
            signature_version=SIGNATURE_SHA256,
            opts=child,
        )
        policy = aws.sns.TopicPolicy(
            "pipeline", arn=topic.arn, policy=topic_policy(args.names), opts=child
        )
        aws.sns.TopicSubscription(
            "pipeline", topic=topic.arn, protocol="email", endpoint=args.email, opts=child
        )
        # Publishers check the policy when they are told of the topic.
        self.topic_arn = pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))
        self.topic = topic
        self.register_outputs({"topicArn": self.topic_arn})


def topic_policy(names: Names) -> str:
    """AWS's own services publish what happens to our resources; nobody does without TLS."""
    topic = names.topic_arn()
    publishers = {
        "cloudwatch": names.arn("cloudwatch", f"alarm:{PROJECT}-*"),
        "codestar-notifications": names.arn("codestar-notifications", "notificationrule/*"),
        "events": names.arn("events", f"rule/{PROJECT}-*"),
    }
    allowed = [
        Statement(
            sid=f"Allow{publisher.title().replace('-', '')}",
            principals=service(publisher),
            actions=("sns:Publish",),
            resources=(topic,),
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account_id},
                "ArnLike": {"aws:SourceArn": source},
            },
        )
        for publisher, source in publishers.items()
    ]
    refused = Statement(
        sid="DenyWithoutTls",
        effect="Deny",
        principals="*",
        actions=("sns:Publish",),
        resources=(topic,),
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
    return render([*allowed, refused])


@dataclass(frozen=True, kw_only=True)
class PipelineWatchArgs:
    """`projects[build]` are the names of the build projects."""

    notifications: Notifications
    pipeline_name: pulumi.Output[str]
    pipeline_arn: pulumi.Output[str]
    projects: Mapping[str, pulumi.Output[str]]
    stack: str


@dataclass(frozen=True, kw_only=True)
class AlarmSpec:
    """Fires on one period at or above `threshold`."""

    name: str
    meaning: str
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str = "Sum"
    threshold: float = 1


class PipelineWatch(pulumi.ComponentResource):
    """`alarm_names` are the alarms; an event rule tells of a failed execution at once."""

    def __init__(
        self, name: str, args: PipelineWatchArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:PipelineWatch", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self._notify()
        self._tell_of_failures()
        self.alarm_names = [self._alarm(spec) for spec in alarm_specs(args)]
        self.register_outputs({"alarmNames": self.alarm_names})

    def _notify(self) -> None:
        aws.codestarnotifications.NotificationRule(
            "pipeline",
            name=f"{PROJECT}-pipeline",
            resource=self._args.pipeline_arn,
            event_type_ids=list(EVENTS),
            detail_type="FULL",
            status="ENABLED",
            targets=[{"address": self._args.notifications.topic_arn, "type": "SNS"}],
            opts=self._child,
        )

    def _tell_of_failures(self) -> None:
        rule = aws.cloudwatch.EventRule(
            "pipeline-failed",
            name=f"{PROJECT}-pipeline-failed",
            description=f"An execution of {PIPELINE} failed. {RUNBOOK}#when-a-stage-fails",
            event_pattern=self._args.pipeline_name.apply(failure_pattern),
            state="ENABLED",
            opts=self._child,
        )
        aws.cloudwatch.EventTarget(
            "pipeline-failed",
            rule=rule.name,
            arn=self._args.notifications.topic_arn,
            opts=self._child,
        )

    def _alarm(self, spec: AlarmSpec) -> pulumi.Output[str]:
        topic = self._args.notifications.topic.arn
        alarm = aws.cloudwatch.MetricAlarm(
            spec.name,
            name=f"{PROJECT}-{spec.name}",
            alarm_description=f"{spec.meaning}. {RUNBOOK}#{spec.name}",
            namespace=spec.namespace,
            metric_name=spec.metric,
            dimensions=spec.dimensions,
            statistic=spec.statistic,
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            datapoints_to_alarm=1,
            threshold=spec.threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            actions_enabled=True,
            alarm_actions=[topic],
            ok_actions=[topic],
            opts=self._child,
        )
        return alarm.name


def failure_pattern(pipeline: str) -> str:
    """Failed executions of one pipeline, as EventBridge matches them."""
    return json.dumps(
        {
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Pipeline Execution State Change"],
            "detail": {"pipeline": [pipeline], "state": ["FAILED"]},
        },
        separators=(",", ":"),
    )


def alarm_specs(args: PipelineWatchArgs) -> list[AlarmSpec]:
    """A failed pipeline, a failed build, a deployment near the end of its session."""
    failed_builds = [
        AlarmSpec(
            name=f"build-failed-{build}",
            meaning=f"Build project {build} failed",
            namespace="AWS/CodeBuild",
            metric="FailedBuilds",
            dimensions={"ProjectName": project},
        )
        for build, project in args.projects.items()
    ]
    return [
        AlarmSpec(
            name="pipeline-failed",
            meaning="A release did not reach its end; the version before it serves",
            namespace="AWS/CodePipeline",
            metric="FailedPipelineExecutions",
            dimensions={"PipelineName": args.pipeline_name},
        ),
        *failed_builds,
        AlarmSpec(
            name="release-failed",
            meaning="A release reached deployment and did not stay",
            namespace=METRIC_NAMESPACE,
            metric="FailedReleases",
            dimensions={"Stack": args.stack},
        ),
        AlarmSpec(
            name="deploy-slow",
            meaning="A deployment took so long that its credentials nearly ended",
            namespace="AWS/CodeBuild",
            metric="Duration",
            dimensions={"ProjectName": args.projects[DEPLOY]},
            statistic="Maximum",
            threshold=SLOW_DEPLOYMENT_SECONDS,
        ),
    ]
