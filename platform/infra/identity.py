"""Roles with one inline document each.

Components grant by appending statements; `seal` renders them into a single policy. A role that is
never sealed, or granted to afterwards, is a programming error and says so.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.naming import PROJECT, ROLE_PATH, Names
from infra.policy import VERSION, Statement, render

INLINE_POLICY = "inline"
MAX_SESSION_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class RoleArgs:
    """`service` assumes the role, for sources in this account that match `source_arn` only."""

    names: Names
    service: str
    description: str
    source_arn: str | None = None
    boundary_arn: str | None


class ServiceRole(pulumi.ComponentResource):
    """A role for one AWS service. `arn` is known before the role exists; `name` waits for it."""

    def __init__(self, name: str, args: RoleArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:identity:ServiceRole", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._statements: list[Statement] = []
        self._sealed = False
        self.role = aws.iam.Role(
            name,
            name=f"{PROJECT}-{name}",
            path=ROLE_PATH,
            description=args.description,
            assume_role_policy=trust_policy(args),
            permissions_boundary=args.boundary_arn,
            max_session_duration=MAX_SESSION_SECONDS,
            opts=self._child,
        )
        self.arn = self.role.arn
        self.register_outputs({"arn": self.arn})

    def allow(self, *statements: Statement) -> None:
        """Add statements, Deny ones included. Raises RuntimeError once the role is sealed."""
        if self._sealed:
            raise RuntimeError(f"role {self.pulumi_resource_name} is sealed")
        self._statements += statements

    def seal(self) -> aws.iam.RolePolicy:
        """Write the one document. Raises on a second call, on no statement, on a repeated sid."""
        if self._sealed or not self._statements:
            raise RuntimeError(f"role {self.pulumi_resource_name} is sealed or has no statement")
        self._sealed = True
        name = f"{self.pulumi_resource_name}-{INLINE_POLICY}"
        policy = aws.iam.RolePolicy(
            name,
            name=INLINE_POLICY,
            role=self.role.name,
            policy=render(self._statements),
            opts=self._child,
        )
        # Removes any inline policy somebody added by hand.
        aws.iam.RolePoliciesExclusive(
            f"{self.pulumi_resource_name}-only",
            role_name=self.role.name,
            policy_names=[policy.name],
            opts=self._child,
        )
        return policy


def trust_policy(args: RoleArgs) -> str:
    """Who may assume the role; the source conditions keep other accounts' services out."""
    conditions = {"StringEquals": {"aws:SourceAccount": args.names.account_id}}
    if args.source_arn:
        conditions["ArnLike"] = {"aws:SourceArn": args.source_arn}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{args.service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": conditions,
    }
    return json.dumps({"Version": VERSION, "Statement": [statement]})
