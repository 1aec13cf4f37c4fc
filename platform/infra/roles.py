"""Roles of API and worker: what the code may do, what starts it, what shifts its traffic."""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from infra.evidence import evidence_statements
from infra.identity import RoleArgs, ServiceRole
from infra.keys import KeyRing
from infra.mail import Mail
from infra.naming import (
    API_LOGS,
    EXECUTION_ROLE,
    LOAD_BALANCER,
    PROJECT,
    TASK_ROLE,
    WORKER_LOGS,
    WORKER_ROLE,
    Names,
)
from infra.policy import Statement
from infra.queues import Queues
from infra.secrets import Secrets
from infra.tables import Tables


@dataclass(frozen=True, kw_only=True)
class ServiceRolesArgs:
    """What the roles are granted access to."""

    names: Names
    boundary_arn: str | None
    repository: str
    table_prefix: str
    keys: KeyRing
    tables: Tables
    secrets: Secrets
    mail: Mail
    queues: Queues


class ServiceRoles(pulumi.ComponentResource):
    """`task`, `worker`: the code's; `execution` starts containers; `traffic` is ECS's own."""

    def __init__(
        self, name: str, args: ServiceRolesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:identity:ServiceRoles", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.task = self._task_role()
        self.worker = self._worker_role()
        self.execution = self._execution_role()
        self.traffic = self._traffic_role()
        self.register_outputs({"taskRoleArn": self.task.arn})

    def _role(self, name: str, service: str, description: str) -> ServiceRole:
        args = RoleArgs(
            names=self._args.names,
            service=service,
            description=description,
            source_arn=self._args.names.arn("ecs", "*"),
            boundary_arn=self._args.boundary_arn,
        )
        return ServiceRole(name, args, self._child)

    def _task_role(self) -> ServiceRole:
        role = self._role(TASK_ROLE, "ecs-tasks", "The API itself: what the contract lists")
        self._grant_contract(role)
        role.allow(*evidence_statements(self._args.names, self._args.table_prefix))
        role.seal()
        return role

    def _worker_role(self) -> ServiceRole:
        role = self._role(WORKER_ROLE, "ecs-tasks", "The worker: the API's, and its queue")
        self._grant_contract(role)
        self._args.queues.grant_consume(role)
        role.seal()
        return role

    def _grant_contract(self, role: ServiceRole) -> None:
        """What both processes do with data, keys, mail and queues."""
        self._args.tables.grant_contract(role)
        self._args.keys.grant_envelope(role)
        self._args.mail.grant_send(role)
        self._args.queues.grant_send(role)

    def _execution_role(self) -> ServiceRole:
        names = self._args.names
        role = self._role(EXECUTION_ROLE, "ecs-tasks", "Pulls the image, injects the secrets")
        role.allow(
            Statement(
                sid="RegistryToken",
                actions=("ecr:GetAuthorizationToken",),
                resources=("*",),
                wildcard_reason="the token belongs to the registry, which is no resource",
            ),
            Statement(
                sid="PullImage",
                actions=(
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ),
                resources=(names.arn("ecr", f"repository/{self._args.repository}"),),
            ),
            Statement(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=tuple(
                    f"{names.log_group_arn(group)}:log-stream:*"
                    for group in (API_LOGS, WORKER_LOGS)
                ),
            ),
        )
        self._args.secrets.grant_read(role)
        role.seal()
        return role

    def _traffic_role(self) -> ServiceRole:
        """The verbs of AWS's managed policy for blue/green, held to one load balancer."""
        names = self._args.names
        arn = names.arn
        balancer = f"app/{LOAD_BALANCER}/*"
        role = self._role("ecs-traffic", "ecs", "ECS shifts traffic between blue and green")
        role.allow(
            Statement(
                sid="Look",
                actions=(
                    "elasticloadbalancing:DescribeListeners",
                    "elasticloadbalancing:DescribeRules",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                ),
                resources=("*",),
                wildcard_reason="AWS offers no resource for these read-only actions",
            ),
            Statement(
                sid="Register",
                actions=(
                    "elasticloadbalancing:DeregisterTargets",
                    "elasticloadbalancing:RegisterTargets",
                ),
                resources=(
                    arn("elasticloadbalancing", f"targetgroup/{PROJECT}-api-blue/*"),
                    arn("elasticloadbalancing", f"targetgroup/{PROJECT}-api-green/*"),
                ),
            ),
            Statement(
                sid="Shift",
                actions=(
                    "elasticloadbalancing:ModifyListener",
                    "elasticloadbalancing:ModifyRule",
                ),
                resources=(
                    arn("elasticloadbalancing", f"listener/{balancer}"),
                    arn("elasticloadbalancing", f"listener-rule/{balancer}"),
                ),
            ),
        )
        role.seal()
        return role
