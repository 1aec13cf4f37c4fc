"""The signing key replaces itself: a function that Secrets Manager calls, and nobody else may."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.identity import RoleArgs, ServiceRole
from infra.key_policies import use_statement
from infra.log_group import ArchivedLogGroup
from infra.naming import (
    CLUSTER,
    JWT_SECRET,
    ROTATION_FUNCTION,
    ROTATION_LOGS,
    ROTATION_ROLE,
    SERVICE,
    Names,
)
from infra.policy import Statement
from infra.secrets import Secrets

SOURCE = Path(__file__).parent / "lambdas" / "rotate_jwt.py"
RUNTIME = "python3.13"
TIMEOUT_SECONDS = 30
MEMORY_MIB = 128


@dataclass(frozen=True, kw_only=True)
class JwtRotationArgs:
    """`days` between two rotations; the key before verifies for as long again."""

    names: Names
    secrets: Secrets
    logs: ArchivedLogGroup
    days: int
    boundary_arn: str | None


class JwtRotation(pulumi.ComponentResource):
    """The first rotation replaces the bootstrap value at once: the state never holds a live key."""

    def __init__(
        self, name: str, args: JwtRotationArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:secrets:JwtRotation", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        function = self._function(self._role())
        self.function_name = function.name
        self._schedule(function, self._permission(function))
        self.register_outputs({"functionName": self.function_name})

    def _role(self) -> ServiceRole:
        names = self._args.names
        role = ServiceRole(
            ROTATION_ROLE,
            RoleArgs(
                names=names,
                service="lambda",
                description="Rotates the token signing key and has the tasks read it again",
                boundary_arn=self._args.boundary_arn,
            ),
            self._child,
        )
        role.allow(*rotation_statements(names))
        role.seal()
        return role

    def _function(self, role: ServiceRole) -> aws.lambda_.Function:
        return aws.lambda_.Function(
            "rotate-jwt",
            name=ROTATION_FUNCTION,
            description="Rotates the token signing key",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=f"{SOURCE.stem}.handler",
            # The text, not the file: the same program on another path deploys the same code.
            code=pulumi.AssetArchive({SOURCE.name: pulumi.StringAsset(SOURCE.read_text())}),
            role=role.arn,
            timeout=TIMEOUT_SECONDS,
            memory_size=MEMORY_MIB,
            reserved_concurrent_executions=1,
            logging_config={"log_format": "JSON", "log_group": self._args.logs.name},
            tags={"data-class": "credential"},
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )

    def _permission(self, function: aws.lambda_.Function) -> aws.lambda_.Permission:
        return aws.lambda_.Permission(
            "rotate-jwt",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="secretsmanager.amazonaws.com",
            source_account=self._args.names.account_id,
            source_arn=self._args.secrets.arns[JWT_SECRET],
            opts=self._child,
        )

    def _schedule(self, function: aws.lambda_.Function, permission: aws.lambda_.Permission) -> None:
        aws.secretsmanager.SecretRotation(
            "jwt",
            secret_id=self._args.secrets.arns[JWT_SECRET],
            rotation_lambda_arn=function.arn,
            rotate_immediately=True,
            rotation_rules={"automatically_after_days": self._args.days},
            # The first rotation needs the bootstrap value to follow on.
            opts=ResourceOptions(parent=self, depends_on=[permission, self._args.secrets]),
        )


def rotation_statements(names: Names) -> list[Statement]:
    """One secret, its key, one service, one log group."""
    secret = names.secret_arn_pattern(JWT_SECRET)
    function = names.arn("lambda", f"function:{ROTATION_FUNCTION}")
    return [
        Statement(
            sid="RotateSecret",
            actions=(
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ),
            resources=(secret,),
            # Only while the secret says that this function rotates it.
            conditions={
                "StringEquals": {"secretsmanager:resource/AllowRotationLambdaArn": function}
            },
        ),
        use_statement(
            "secrets",
            "secretsmanager",
            names,
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            context={"kms:EncryptionContext:SecretARN": (secret,)},
        ),
        Statement(
            sid="RestartTasks",
            actions=("ecs:UpdateService",),
            resources=(names.arn("ecs", f"service/{CLUSTER}/{SERVICE}"),),
        ),
        Statement(
            sid="WriteLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(f"{names.log_group_arn(ROTATION_LOGS)}:log-stream:*",),
        ),
    ]
