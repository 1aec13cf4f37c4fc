"""A release is asked before a client meets it: a function that ECS calls during a deployment."""

import json
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.identity import RoleArgs, ServiceRole
from infra.log_group import ArchivedLogGroup
from infra.naming import RELEASE_CHECK_FUNCTION, RELEASE_CHECK_LOGS, Names
from infra.network import Network
from infra.policy import Statement
from infra.security_groups import SecurityGroups

SOURCE = Path(__file__).parent / "lambdas" / "release_check.py"
RUNTIME = "python3.13"
TIMEOUT_SECONDS = 60
MEMORY_MIB = 128
STAGE = "POST_TEST_TRAFFIC_SHIFT"
CHECK_ROLE = "release-check"
HOOK_ROLE = "ecs-hook"
STAND_IN_VPC = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


@dataclass(frozen=True, kw_only=True)
class ReleaseCheckArgs:
    """Where it runs and logs; `host` and `test_port` are what it asks."""

    names: Names
    network: Network
    groups: SecurityGroups
    logs: ArchivedLogGroup
    host: str
    test_port: int
    boundary_arn: str | None


class ReleaseCheck(pulumi.ComponentResource):
    """`hook(release)` is what a deployment names; the check creates no data."""

    def __init__(
        self, name: str, args: ReleaseCheckArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:compute:ReleaseCheck", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        # Known before the function is, so that a preview shows whom a deployment calls.
        self._arn = args.names.arn("lambda", f"function:{RELEASE_CHECK_FUNCTION}")
        function = self._create(self._check_role())
        self._caller = self._hook_role()
        self.register_outputs({"functionName": function.name})

    def hook(self, release: str) -> aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs:
        """Call the check once the test port leads to the new tasks."""
        details = {"host": self._args.host, "port": self._args.test_port, "release": release}
        return aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs(
            hook_target_arn=self._arn,
            role_arn=self._caller.arn,
            lifecycle_stages=[STAGE],
            hook_details=json.dumps(details),
        )

    def _create(self, role: ServiceRole) -> aws.lambda_.Function:
        args = self._args
        return aws.lambda_.Function(
            "release-check",
            name=RELEASE_CHECK_FUNCTION,
            description="Asks a release through the test port before clients meet it",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=f"{SOURCE.stem}.handler",
            # The text, not the file: the same program on another path deploys the same code.
            code=pulumi.AssetArchive({SOURCE.name: pulumi.StringAsset(SOURCE.read_text())}),
            role=role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=MEMORY_MIB,
            reserved_concurrent_executions=1,
            vpc_config={
                "subnet_ids": args.network.private_subnet_ids,
                "security_group_ids": [args.groups.release_check],
            },
            logging_config={"log_format": "JSON", "log_group": args.logs.name},
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )

    def _check_role(self) -> ServiceRole:
        """In a VPC a function makes its own network interfaces, wherever Lambda puts it."""
        names = self._args.names
        role = self._role(CHECK_ROLE, "lambda", "Asks a release before clients meet it")
        role.allow(
            Statement(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(f"{names.log_group_arn(RELEASE_CHECK_LOGS)}:log-stream:*",),
            ),
            Statement(
                sid="StandInTheVpc",
                actions=STAND_IN_VPC,
                resources=("*",),
                wildcard_reason="Lambda is refused at creation when these name a resource",
            ),
            # The calls are Lambda's own; code of ours never makes them.
            Statement(
                sid="NotByTheCode",
                effect="Deny",
                actions=STAND_IN_VPC,
                resources=("*",),
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": self._arn}},
            ),
        )
        role.seal()
        return role

    def _hook_role(self) -> ServiceRole:
        role = self._role(HOOK_ROLE, "ecs", "ECS calls the check of a release")
        role.allow(
            Statement(
                sid="CallCheck",
                actions=("lambda:InvokeFunction",),
                resources=(self._arn,),
            )
        )
        role.seal()
        return role

    def _role(self, name: str, service: str, description: str) -> ServiceRole:
        args = RoleArgs(
            names=self._args.names,
            service=service,
            description=description,
            source_arn=self._args.names.arn("ecs", "*") if service == "ecs" else None,
            boundary_arn=self._args.boundary_arn,
        )
        return ServiceRole(name, args, self._child)
