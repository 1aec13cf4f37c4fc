"""Policies of the customer-managed keys: administrators are not users.

The account root administers but cannot decrypt; data is used through the one AWS service that holds
it, or with the service's encryption context.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from budgetbuddy import contract
from infra.naming import CLUSTER, INSIGHTS_LOGS, PROJECT, TASK_ROLE, TRAIL, WORKER_ROLE, Names
from infra.policy import THIS_KEY, Statement, render, service

ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
# Services that keep working with the key after the call that set them up do so with a grant.
GRANT_HOLDERS = frozenset({"backup", "dynamodb"})


@dataclass(frozen=True, kw_only=True)
class KeyClass:
    """One key per class of data. `via` are the AWS services that use it on a caller's behalf."""

    name: str
    protects: str
    data_class: str
    via: tuple[str, ...] = ()


BACKUP_KEY = KeyClass(
    name="backup",
    protects="recovery points",
    data_class="financial",
    via=("backup", "dynamodb"),
)

CLASSES: tuple[KeyClass, ...] = (
    KeyClass(
        name="ledger",
        protects="table Ledger",
        data_class="financial",
        via=("backup", "dynamodb"),
    ),
    KeyClass(name="runtime", protects="table Runtime", data_class="credential", via=("dynamodb",)),
    KeyClass(
        name="audit",
        protects="table Audit, the trail and the record of configuration",
        data_class="audit",
        via=("backup", "dynamodb", "s3"),
    ),
    KeyClass(
        name=contract.ENVELOPE_KEY_CLASS,
        protects="the users' data keys, wrapped by the service itself",
        data_class="credential",
    ),
    KeyClass(
        name="secrets", protects="Secrets Manager", data_class="credential", via=("secretsmanager",)
    ),
    KeyClass(
        name="logs",
        protects="log groups and their archive",
        data_class="log",
        via=("firehose", "s3"),
    ),
    KeyClass(
        name="messaging",
        protects="alarm topics and queues",
        data_class="internal",
        via=("sns", "sqs"),
    ),
    KeyClass(
        name="compute",
        protects="task storage and ECS Exec output",
        data_class="internal",
        via=("ecs",),
    ),
)


def key_policy(key: KeyClass, names: Names) -> str:
    """The key's whole policy, known before anything exists."""
    return render(
        [
            _administration(names),
            *_use_through_services(key, names),
            *_own_statements(key, names),
        ]
    )


def use_statement(
    key_class: str,
    via: str,
    names: Names,
    actions: tuple[str, ...] = USE,
    context: Mapping[str, tuple[str, ...]] | None = None,
) -> Statement:
    """What a role needs to use a key through one service; the alias stands for the key's id."""
    return Statement(
        sid=f"Use{key_class.title()}KeyThrough{via.title()}",
        actions=actions,
        resources=(names.arn("kms", "key/*"),),
        conditions={
            "ForAnyValue:StringEquals": {"kms:ResourceAliases": names.key_alias(key_class)},
            "StringEquals": {"kms:ViaService": _endpoint(via, names)},
            **({"StringLike": context} if context else {}),
        },
    )


def envelope_statement(names: Names) -> Statement:
    """What the service needs to wrap and unwrap the users' data keys, and nothing else."""
    return Statement(
        sid="WrapUserKeys",
        actions=contract.ENVELOPE_ACTIONS,
        resources=(names.arn("kms", "key/*"),),
        conditions={
            "ForAnyValue:StringEquals": {
                "kms:ResourceAliases": names.key_alias(contract.ENVELOPE_KEY_CLASS)
            },
            "StringEquals": {"kms:EncryptionContext:purpose": contract.ENVELOPE_PURPOSE},
        },
    )


def _endpoint(name: str, names: Names) -> str:
    return f"{name}.{names.region}.amazonaws.com"


def _root(names: Names) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{names.account_id}:root"}


def _administration(names: Names) -> Statement:
    return Statement(
        sid="AdministerOnly",
        principals=_root(names),
        actions=ADMINISTRATION,
        resources=("*",),
        wildcard_reason=THIS_KEY,
    )


def _use_through_services(key: KeyClass, names: Names) -> Iterator[Statement]:
    if not key.via:
        return
    caller: dict[str, str | tuple[str, ...]] = {
        "kms:CallerAccount": names.account_id,
        "kms:ViaService": tuple(_endpoint(name, names) for name in key.via),
    }
    yield Statement(
        sid="UseThroughServices",
        principals=_root(names),
        actions=USE,
        resources=("*",),
        conditions={"StringEquals": caller},
        wildcard_reason=THIS_KEY,
    )
    if GRANT_HOLDERS.intersection(key.via):
        yield Statement(
            sid="GrantToServices",
            principals=_root(names),
            actions=("kms:CreateGrant",),
            resources=("*",),
            conditions={
                "StringEquals": caller,
                "Bool": {"kms:GrantIsForAWSResource": "true"},
            },
            wildcard_reason=THIS_KEY,
        )


def _own_statements(key: KeyClass, names: Names) -> Iterator[Statement]:
    match key.name:
        case contract.ENVELOPE_KEY_CLASS:
            yield _envelope(names)
        case "audit":
            yield _trail_service(names)
            yield _config_service(names)
        case "logs":
            yield _logs_service(names)
        case "messaging":
            yield _alarms_service(names)
        case "compute":
            yield from _fargate_service(names)


def _envelope(names: Names) -> Statement:
    """Direct use, for two roles and one purpose. The condition names them before they exist."""
    return Statement(
        sid="WrapUserKeys",
        principals=_root(names),
        actions=contract.ENVELOPE_ACTIONS,
        resources=("*",),
        conditions={
            "StringEquals": {
                "kms:CallerAccount": names.account_id,
                "kms:EncryptionContext:purpose": contract.ENVELOPE_PURPOSE,
            },
            "ArnEquals": {
                "aws:PrincipalArn": (names.role_arn(TASK_ROLE), names.role_arn(WORKER_ROLE))
            },
        },
        wildcard_reason=THIS_KEY,
    )


def _trail_service(names: Names) -> Statement:
    trail = names.arn("cloudtrail", f"trail/{TRAIL}")
    return Statement(
        sid="EncryptTrail",
        principals=service("cloudtrail"),
        actions=("kms:DescribeKey", "kms:GenerateDataKey"),
        resources=("*",),
        conditions={"StringEquals": {"aws:SourceArn": trail}},
        wildcard_reason=THIS_KEY,
    )


def _config_service(names: Names) -> Statement:
    return Statement(
        sid="EncryptConfig",
        principals=service("config"),
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        resources=("*",),
        conditions={"StringEquals": {"aws:SourceAccount": names.account_id}},
        wildcard_reason=THIS_KEY,
    )


def _logs_service(names: Names) -> Statement:
    groups = (f"/{PROJECT}/*", INSIGHTS_LOGS, f"aws-waf-logs-{PROJECT}-*")
    return Statement(
        sid="EncryptLogGroups",
        principals={"Service": _endpoint("logs", names)},
        actions=USE,
        resources=("*",),
        conditions={
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": tuple(map(names.log_group_arn, groups))
            }
        },
        wildcard_reason=THIS_KEY,
    )


def _alarms_service(names: Names) -> Statement:
    return Statement(
        sid="PublishAlarms",
        principals=service("backup", "budgets", "cloudwatch", "events"),
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        resources=("*",),
        conditions={"StringEquals": {"aws:SourceAccount": names.account_id}},
        wildcard_reason=THIS_KEY,
    )


def _fargate_service(names: Names) -> Iterator[Statement]:
    # AWS documentation: "Customer managed keys for Fargate ephemeral storage".
    context = {
        "kms:EncryptionContext:aws:ecs:clusterAccount": names.account_id,
        "kms:EncryptionContext:aws:ecs:clusterName": CLUSTER,
    }
    yield Statement(
        sid="EncryptTaskStorage",
        principals=service("fargate"),
        actions=("kms:GenerateDataKeyWithoutPlaintext",),
        resources=("*",),
        conditions={"StringEquals": context},
        wildcard_reason=THIS_KEY,
    )
    yield Statement(
        sid="GrantTaskStorage",
        principals=service("fargate"),
        actions=("kms:CreateGrant",),
        resources=("*",),
        conditions={
            "StringEquals": context,
            "ForAllValues:StringEquals": {"kms:GrantOperations": ("Decrypt",)},
        },
        wildcard_reason=THIS_KEY,
    )
