"""From a push to a verified release: source, test, build, preview, approval, deploy, verify."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.codepipeline import PipelineStageActionArgsDict, PipelineStageArgsDict

from delivery.naming import PIPELINE, Names
from delivery.stages import AFTER_APPROVAL, BEFORE_APPROVAL, NO_DIGEST, SOURCE, BuildStage


@dataclass(frozen=True, kw_only=True)
class Approval:
    """Who is asked, and for how long."""

    topic_arn: pulumi.Input[str]
    timeout_minutes: int


@dataclass(frozen=True, kw_only=True)
class DeliveryPipelineArgs:
    """`projects[build]` are the build projects; without `approval` nobody is asked."""

    names: Names
    role_arn: pulumi.Input[str]
    connection_name: str
    repository: str
    branch: str
    artifact_bucket: pulumi.Input[str]
    artifact_key_arn: pulumi.Input[str]
    projects: Mapping[str, pulumi.Input[str]]
    approval: Approval | None


class DeliveryPipeline(pulumi.ComponentResource):
    """`name` and `arn` wait for the pipeline; the connection waits for a person, once."""

    def __init__(
        self, name: str, args: DeliveryPipelineArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:DeliveryPipeline", name, None, opts)
        child = ResourceOptions(parent=self)
        connection = aws.codeconnections.Connection(
            "source", name=args.connection_name, provider_type="GitHub", opts=child
        )
        pipeline = aws.codepipeline.Pipeline(
            "pipeline",
            name=PIPELINE,
            pipeline_type="V2",
            # A newer push must not overtake a half-done deployment.
            execution_mode="QUEUED",
            role_arn=args.role_arn,
            artifact_stores=[
                {
                    "type": "S3",
                    "location": args.artifact_bucket,
                    "encryption_key": {"id": args.artifact_key_arn, "type": "KMS"},
                }
            ],
            triggers=[
                {
                    "provider_type": "CodeStarSourceConnection",
                    "git_configuration": {
                        "source_action_name": "Source",
                        "pushes": [{"branches": {"includes": [args.branch]}}],
                    },
                }
            ],
            variables=[
                {
                    "name": "IMAGE_DIGEST",
                    "default_value": NO_DIGEST,
                    "description": "An image in the registry to deploy again, instead of a new one",
                }
            ],
            stages=stages(args, connection.arn),
            opts=child,
        )
        self.name, self.arn = pipeline.name, pipeline.arn
        self.connection_arn = connection.arn
        self.register_outputs({"name": self.name, "arn": self.arn})


def stages(
    args: DeliveryPipelineArgs, connection_arn: pulumi.Input[str]
) -> Sequence[PipelineStageArgsDict]:
    """Every stage in order; what fails before the deployment changes nothing."""
    asked: list[PipelineStageArgsDict] = []
    if args.approval:
        asked = [{"name": "Approve", "actions": [_approve(args.approval)]}]
    return [
        {"name": "Source", "actions": [_source(args, connection_arn)]},
        *(_build_stage(stage, args, fail_fast=True) for stage in BEFORE_APPROVAL),
        *asked,
        *(_build_stage(stage, args, fail_fast=False) for stage in AFTER_APPROVAL),
    ]


def _source(
    args: DeliveryPipelineArgs, connection_arn: pulumi.Input[str]
) -> PipelineStageActionArgsDict:
    return {
        "name": "Source",
        "category": "Source",
        "owner": "AWS",
        "provider": "CodeStarSourceConnection",
        "version": "1",
        "namespace": "Source",
        "output_artifacts": [SOURCE],
        "configuration": {
            "ConnectionArn": connection_arn,
            "FullRepositoryId": args.repository,
            "BranchName": args.branch,
            "OutputArtifactFormat": "CODE_ZIP",
            "DetectChanges": "false",  # the trigger above decides
        },
    }


def _build_stage(
    stage: BuildStage, args: DeliveryPipelineArgs, *, fail_fast: bool
) -> PipelineStageArgsDict:
    variables = [
        {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in stage.variables
    ]
    configuration: dict[str, pulumi.Input[str]] = {
        "ProjectName": args.projects[stage.project],
        "EnvironmentVariables": json.dumps(variables),
    }
    if len(stage.inputs) > 1:
        configuration["PrimarySource"] = stage.inputs[0]
    action: PipelineStageActionArgsDict = {
        "name": stage.name,
        "category": "Test" if stage.output is None else "Build",
        "owner": "AWS",
        "provider": "CodeBuild",
        "version": "1",
        "namespace": stage.name,
        "input_artifacts": list(stage.inputs),
        "output_artifacts": [stage.output] if stage.output else [],
        "configuration": configuration,
    }
    made: PipelineStageArgsDict = {"name": stage.name, "actions": [action]}
    if fail_fast:
        made["on_failure"] = {"result": "FAIL"}
    return made


def _approve(approval: Approval) -> PipelineStageActionArgsDict:
    return {
        "name": "Approve",
        "category": "Approval",
        "owner": "AWS",
        "provider": "Manual",
        "version": "1",
        "timeout_in_minutes": approval.timeout_minutes,
        "configuration": {
            "CustomData": "#{Preview.SUMMARY}",
            "ExternalEntityLink": "#{Preview.EVIDENCE_URL}",
            "NotificationArn": approval.topic_arn,
        },
    }
