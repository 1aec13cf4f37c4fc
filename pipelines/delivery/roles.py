"""The roles of delivery: one for the pipeline, four for the builds, one for people in an emergency.

Each has one inline document and a boundary; foreign policies are removed from it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from delivery.boundaries import boundaries
from delivery.deployment import DEPLOY_POLICIES
from delivery.emergency import emergency_statements
from delivery.grants import BUILD_GRANTS, pipeline_statements, state_statements
from delivery.naming import (
    BREAK_GLASS_ROLE,
    BUILD_BOUNDARY,
    DELIVERY_PATH,
    DEPLOY,
    DEPLOY_BOUNDARY,
    EMERGENCY_BOUNDARY,
    PIPELINE_ROLE,
    PLATFORM_PATH,
    PROJECT,
    Names,
    build_role,
)
from delivery.policy import VERSION, Statement, render

INLINE_POLICY = "inline"
SESSION_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class RoleSpec:
    """One role as data. `managed` are names of our managed policies."""

    name: str
    path: str
    description: str
    trust: str
    boundary: str
    statements: list[Statement]
    managed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DeliveryRolesArgs:
    """`repository` is `owner/repository`; `people` may assume the emergency role."""

    names: Names
    repository: str
    people: tuple[str, ...]
    protect: bool


class DeliveryRoles(pulumi.ComponentResource):
    """`arns[role]` wait for the roles and for what they may do."""

    def __init__(
        self, name: str, args: DeliveryRolesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:DeliveryRoles", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self._boundaries = self._create_boundaries()
        self._managed = self._create_managed()
        specs = role_specs(args.names, args.repository, args.people)
        self.arns = {spec.name: self._create(spec) for spec in specs}
        self.register_outputs({"arns": self.arns})

    def _create_boundaries(self) -> dict[str, aws.iam.Policy]:
        kept = ResourceOptions(parent=self, protect=self._args.protect)
        limits = boundaries(self._args.names, self._args.repository)
        return {
            name: aws.iam.Policy(
                name,
                name=name,
                path=PLATFORM_PATH,
                description="The most its roles can do, whatever their own policies say",
                policy=render(statements),
                opts=kept,
            )
            for name, statements in limits.items()
        }

    def _create_managed(self) -> dict[str, aws.iam.Policy]:
        return {
            area: aws.iam.Policy(
                f"deploy-{area}",
                name=f"{PROJECT}-deploy-{area}",
                path=PLATFORM_PATH,
                description=f"Deployment of the platform: {area}",
                policy=render(statements(self._args.names)),
                opts=self._child,
            )
            for area, statements in DEPLOY_POLICIES.items()
        }

    def _create(self, spec: RoleSpec) -> pulumi.Output[str]:
        role = aws.iam.Role(
            spec.name,
            name=f"{PROJECT}-{spec.name}",
            path=spec.path,
            description=spec.description,
            assume_role_policy=spec.trust,
            permissions_boundary=self._arn(self._boundaries[spec.boundary]),
            max_session_duration=SESSION_SECONDS,
            opts=self._child,
        )
        inline = aws.iam.RolePolicy(
            f"{spec.name}-{INLINE_POLICY}",
            name=INLINE_POLICY,
            role=role.name,
            policy=render(spec.statements),
            opts=self._child,
        )
        attached = [self._attach(spec.name, area, role) for area in spec.managed]
        self._allow_no_other(spec, role, inline)
        return pulumi.Output.all(role.arn, inline.id, *(each.id for each in attached)).apply(
            lambda known: str(known[0])
        )

    def _arn(self, policy: aws.iam.Policy) -> pulumi.Output[str]:
        """Known before the policy exists, and waits for it all the same."""
        return policy.name.apply(self._args.names.policy_arn)

    def _attach(self, label: str, area: str, role: aws.iam.Role) -> aws.iam.RolePolicyAttachment:
        return aws.iam.RolePolicyAttachment(
            f"{label}-{area}",
            role=role.name,
            policy_arn=self._arn(self._managed[area]),
            opts=self._child,
        )

    def _allow_no_other(
        self, spec: RoleSpec, role: aws.iam.Role, inline: aws.iam.RolePolicy
    ) -> None:
        """Removes any policy that somebody added by hand."""
        aws.iam.RolePoliciesExclusive(
            f"{spec.name}-only",
            role_name=role.name,
            policy_names=[inline.name],
            opts=self._child,
        )
        aws.iam.RolePolicyAttachmentsExclusive(
            f"{spec.name}-only",
            role_name=role.name,
            policy_arns=[self._arn(self._managed[area]) for area in spec.managed],
            opts=self._child,
        )


def role_specs(names: Names, repository: str, people: tuple[str, ...]) -> list[RoleSpec]:
    """Every role of delivery; the documents are known before anything exists."""
    pipeline = RoleSpec(
        name=PIPELINE_ROLE,
        path=DELIVERY_PATH,
        description="Fetches the source, starts builds, hands artifacts on",
        trust=service_trust("codepipeline", names.pipeline_arn(), names),
        boundary=BUILD_BOUNDARY,
        statements=pipeline_statements(names, repository),
    )
    emergency = RoleSpec(
        name=BREAK_GLASS_ROLE,
        path=PLATFORM_PATH,
        description="People in an emergency and on a first deployment; every use is an alarm",
        trust=people_trust(people),
        boundary=EMERGENCY_BOUNDARY,
        statements=[*state_statements(names), *emergency_statements(names)],
        managed=tuple(DEPLOY_POLICIES),
    )
    return [pipeline, *(_build_spec(build, names) for build in BUILD_GRANTS), emergency]


def _build_spec(build: str, names: Names) -> RoleSpec:
    deploys = build == DEPLOY
    return RoleSpec(
        name=build_role(build),
        path=DELIVERY_PATH,
        description=f"Build project {build}",
        trust=service_trust("codebuild", names.build_project_arn("*"), names),
        boundary=DEPLOY_BOUNDARY if deploys else BUILD_BOUNDARY,
        statements=BUILD_GRANTS[build](names),
        managed=tuple(DEPLOY_POLICIES) if deploys else (),
    )


def service_trust(service: str, source_arn: str, names: Names) -> str:
    """A service assumes the role, and only on behalf of our own resource in this account."""
    return _trust(
        {"Service": f"{service}.amazonaws.com"},
        {
            "StringEquals": {"aws:SourceAccount": names.account_id},
            "ArnLike": {"aws:SourceArn": source_arn},
        },
    )


def people_trust(people: tuple[str, ...]) -> str:
    """Named people who have shown a second factor within the hour."""
    return _trust(
        {"AWS": sorted(people)},
        {
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
            "NumericLessThan": {"aws:MultiFactorAuthAge": str(SESSION_SECONDS)},
        },
    )


def _trust(
    principal: Mapping[str, str | list[str]], conditions: Mapping[str, Mapping[str, str]]
) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "sts:AssumeRole",
        "Condition": conditions,
    }
    return json.dumps({"Version": VERSION, "Statement": [statement]}, separators=(",", ":"))
