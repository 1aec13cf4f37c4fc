"""What ECS starts: one unprivileged container on Fargate, as the API or as the worker."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.container import TMP_VOLUME, Process, container_definition, image_reference
from infra.log_group import ArchivedLogGroup
from infra.naming import Names
from infra.secrets import Secrets
from infra.settings import Settings


@dataclass(frozen=True, kw_only=True)
class TaskArgs:
    """`family` is also the service's name; sizes as Fargate takes them, CPU units and MiB."""

    family: str
    process: Process
    cpu: int
    memory: int
    settings: Settings
    names: Names
    environment: Mapping[str, str]
    logs: ArchivedLogGroup
    secrets: Secrets
    execution_role: pulumi.Input[str]
    task_role: pulumi.Input[str]


def task_definition(name: str, args: TaskArgs, opts: ResourceOptions) -> aws.ecs.TaskDefinition:
    """A new revision for each release. Raises ValueError without a digest."""
    image = image_reference(args.settings)
    container = pulumi.Output.all(args.secrets.arns, args.logs.name).apply(
        lambda known: container_definition(
            image, args.environment, known[0], known[1], args.names.region, args.process
        )
    )
    return aws.ecs.TaskDefinition(
        name,
        family=args.family,
        cpu=str(args.cpu),
        memory=str(args.memory),
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        runtime_platform={"cpu_architecture": "ARM64", "operating_system_family": "LINUX"},
        execution_role_arn=args.execution_role,
        task_role_arn=args.task_role,
        volumes=[{"name": TMP_VOLUME}],
        skip_destroy=True,  # a rollback needs the revision before
        track_latest=False,
        container_definitions=pulumi.Output.json_dumps([container]),
        tags={"release": args.settings.release or "none"},
        opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[args.logs])),
    )
