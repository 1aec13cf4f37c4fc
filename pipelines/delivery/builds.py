"""The five build projects: native ARM64, each with its own role, log group and time limit."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.codebuild import ProjectEnvironmentEnvironmentVariableArgsDict

from delivery.naming import BUILD, DEPLOY, PREVIEW, TEST, VERIFY, Names, build_role

IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
SMALL, LARGE = "BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_LARGE"
QUEUED_MINUTES = 480
LOG_DAYS = 400


@dataclass(frozen=True, kw_only=True)
class BuildSpec:
    """`privileged` runs Docker. One at a time where two would work on the same stack."""

    name: str
    description: str
    minutes: int
    compute: str = SMALL
    privileged: bool = False
    serial: bool = False
    reports: bool = False


SPECS: tuple[BuildSpec, ...] = (
    BuildSpec(
        name=TEST, description="Lint, types, tests, audits", minutes=60, compute=LARGE, reports=True
    ),
    BuildSpec(
        name=BUILD,
        description="Image, bill of materials, scan gate",
        minutes=60,
        compute=LARGE,
        privileged=True,
    ),
    BuildSpec(name=PREVIEW, description="What would change, under every control", minutes=30),
    BuildSpec(
        name=DEPLOY, description="The approved change, and no other", minutes=120, serial=True
    ),
    BuildSpec(
        name=VERIFY, description="Smoke test, or back", minutes=120, serial=True, reports=True
    ),
)


@dataclass(frozen=True, kw_only=True)
class BuildProjectsArgs:
    """`variables` are given to every build; none is a secret."""

    names: Names
    role_arns: Mapping[str, pulumi.Output[str]]
    artifact_key_arn: pulumi.Output[str]
    log_key_arn: pulumi.Output[str]
    variables: Mapping[str, pulumi.Input[str]]
    protect: bool


class BuildProjects(pulumi.ComponentResource):
    """`names[build]` wait for the projects."""

    def __init__(
        self, name: str, args: BuildProjectsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:BuildProjects", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.names = {spec.name: self._create(spec) for spec in SPECS}
        self.register_outputs({"names": self.names})

    def _create(self, spec: BuildSpec) -> pulumi.Output[str]:
        args = self._args
        if spec.reports:
            aws.codebuild.ReportGroup(
                spec.name,
                name=args.names.build_project(spec.name),
                type="TEST",
                export_config={"type": "NO_EXPORT"},
                opts=self._child,
            )
        project = aws.codebuild.Project(
            spec.name,
            name=args.names.build_project(spec.name),
            description=spec.description,
            service_role=args.role_arns[build_role(spec.name)],
            source={
                "type": "CODEPIPELINE",
                "buildspec": f"pipelines/buildspecs/{spec.name}.yml",
            },
            artifacts={"type": "CODEPIPELINE", "encryption_disabled": False},
            encryption_key=args.artifact_key_arn,
            environment={
                "type": "ARM_CONTAINER",
                "compute_type": spec.compute,
                "image": IMAGE,
                "image_pull_credentials_type": "CODEBUILD",
                "privileged_mode": spec.privileged,
                "environment_variables": self._variables(),
            },
            build_timeout=spec.minutes,
            queued_timeout=QUEUED_MINUTES,
            concurrent_build_limit=1 if spec.serial else None,
            project_visibility="PRIVATE",
            logs_config={
                "cloudwatch_logs": {"status": "ENABLED", "group_name": self._log_group(spec.name)}
            },
            cache={"type": "NO_CACHE"},
            tags={"builds": "images"} if spec.privileged else None,
            opts=self._child,
        )
        return project.name

    def _log_group(self, build: str) -> pulumi.Output[str]:
        group = aws.cloudwatch.LogGroup(
            build,
            name=self._args.names.build_log_group(build),
            retention_in_days=LOG_DAYS,
            kms_key_id=self._args.log_key_arn,
            skip_destroy=self._args.protect,
            tags={"data-class": "log"},
            opts=self._child,
        )
        return group.name

    def _variables(self) -> list[ProjectEnvironmentEnvironmentVariableArgsDict]:
        return [
            {"name": name, "value": value, "type": "PLAINTEXT"}
            for name, value in self._args.variables.items()
        ]
