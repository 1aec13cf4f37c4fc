"""One customer-managed key per duty: state, artifacts with their evidence, and what speaks of them.

Administrators are not users: the account administers every key and uses it only through the AWS
service that holds the data. The state key alone is also used directly, by the engine, and then by
named roles only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from delivery.naming import (
    ARTIFACT_KEY,
    BREAK_GLASS_ROLE,
    DELIVERY_KEY,
    DEPLOY,
    PREVIEW,
    PROJECT,
    STATE_KEY,
    Names,
    build_role,
)
from delivery.policy import THIS_KEY, Statement, render, service

ROTATION_DAYS = 365
DELETION_WINDOW_DAYS = 30
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)


@dataclass(frozen=True, kw_only=True)
class KeyClass:
    """`via` are the AWS services that use the key on a caller's behalf."""

    name: str
    protects: str
    via: tuple[str, ...]


CLASSES = (
    KeyClass(name=STATE_KEY, protects="the state of the stacks", via=("s3",)),
    KeyClass(name=ARTIFACT_KEY, protects="artifacts, evidence and images", via=("ecr", "s3")),
    KeyClass(name=DELIVERY_KEY, protects="build logs and notifications", via=("sns",)),
)


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    """`protect` keeps the engine from deleting a key, whatever a preview says."""

    names: Names
    protect: bool


class Keys(pulumi.ComponentResource):
    """`arns[class]` are the keys; roles name the alias."""

    def __init__(self, name: str, args: KeysArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:delivery:Keys", name, None, opts)
        self._args = args
        self.arns = {each.name: self._create(each) for each in CLASSES}
        self.register_outputs({"arns": self.arns})

    def _create(self, key_class: KeyClass) -> pulumi.Output[str]:
        key = aws.kms.Key(
            key_class.name,
            description=f"BudgetBuddy: {key_class.protects}",
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            customer_master_key_spec="SYMMETRIC_DEFAULT",
            key_usage="ENCRYPT_DECRYPT",
            is_enabled=True,
            multi_region=False,
            bypass_policy_lockout_safety_check=False,
            policy=key_policy(key_class, self._args.names),
            opts=ResourceOptions(parent=self, protect=self._args.protect),
        )
        aws.kms.Alias(
            key_class.name,
            name=self._args.names.key_alias(key_class.name),
            target_key_id=key.key_id,
            opts=ResourceOptions(parent=self),
        )
        return key.arn


def key_policy(key_class: KeyClass, names: Names) -> str:
    """The key's whole policy, known before anything exists."""
    return render(
        [
            Statement(
                sid="AdministerOnly",
                principals=_root(names),
                actions=ADMINISTRATION,
                resources=("*",),
                wildcard_reason=THIS_KEY,
            ),
            *_through_services(key_class, names),
            *_own_statements(key_class, names),
        ]
    )


def use_statement(
    key_class: str, names: Names, *, via: str | None, actions: tuple[str, ...] = USE
) -> Statement:
    """What a role needs to use a key through one service, or directly; the alias is its id."""
    conditions: dict[str, dict[str, str | tuple[str, ...]]] = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias(key_class)}
    }
    if via:
        conditions["StringEquals"] = {"kms:ViaService": _endpoint(via, names)}
    return Statement(
        sid=f"Use{key_class.title()}Key{f'Through{via.title()}' if via else ''}",
        actions=actions,
        resources=(names.arn("kms", "key/*"),),
        conditions=conditions,
    )


def _endpoint(name: str, names: Names) -> str:
    return f"{name}.{names.region}.amazonaws.com"


def _root(names: Names) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{names.account_id}:root"}


def _through_services(key_class: KeyClass, names: Names) -> Iterator[Statement]:
    caller: dict[str, str | tuple[str, ...]] = {
        "kms:CallerAccount": names.account_id,
        "kms:ViaService": tuple(_endpoint(name, names) for name in key_class.via),
    }
    yield Statement(
        sid="UseThroughServices",
        principals=_root(names),
        actions=USE,
        resources=("*",),
        conditions={"StringEquals": caller},
        wildcard_reason=THIS_KEY,
    )
    if "ecr" in key_class.via:
        # ECR works with the key later on, by grants that belong to the repository.
        yield Statement(
            sid="GrantToRegistry",
            principals=_root(names),
            actions=("kms:CreateGrant", "kms:RetireGrant"),
            resources=("*",),
            conditions={"StringEquals": caller, "Bool": {"kms:GrantIsForAWSResource": "true"}},
            wildcard_reason=THIS_KEY,
        )


def _own_statements(key_class: KeyClass, names: Names) -> Iterator[Statement]:
    if key_class.name == STATE_KEY:
        yield _engine(names)
    if key_class.name == DELIVERY_KEY:
        yield _log_groups(names)
        yield _notifiers(names)


def _engine(names: Names) -> Statement:
    """The engine opens the stacks' data keys itself, for whoever may read a stack at all."""
    roles = (
        names.delivery_role_arn(build_role(PREVIEW)),
        names.delivery_role_arn(build_role(DEPLOY)),
        names.platform_role_arn(BREAK_GLASS_ROLE),
    )
    return Statement(
        sid="OpenStackSecrets",
        principals=_root(names),
        actions=USE,
        resources=("*",),
        conditions={
            "StringEquals": {"kms:CallerAccount": names.account_id},
            "ArnEquals": {"aws:PrincipalArn": roles},
        },
        wildcard_reason=THIS_KEY,
    )


def _log_groups(names: Names) -> Statement:
    group = names.arn("logs", f"log-group:/{PROJECT}/codebuild/*")
    return Statement(
        sid="EncryptLogGroups",
        principals={"Service": _endpoint("logs", names)},
        actions=USE,
        resources=("*",),
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": group}},
        wildcard_reason=THIS_KEY,
    )


def _notifiers(names: Names) -> Statement:
    return Statement(
        sid="PublishNotifications",
        principals=service("cloudwatch", "codestar-notifications", "events"),
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        resources=("*",),
        conditions={"StringEquals": {"aws:SourceAccount": names.account_id}},
        wildcard_reason=THIS_KEY,
    )
