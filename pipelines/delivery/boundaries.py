"""The most a role can ever do, whatever its own policies say.

Four boundaries: for what runs (the platform's roles), for what builds, for what deploys, and for
people in an emergency. Each allows the services its roles work with, in this account, and denies
what would undo the limits themselves.
"""

import re
from collections.abc import Iterable

from delivery.deployment import DEPLOY_POLICIES
from delivery.emergency import emergency_statements
from delivery.grants import BUILD_GRANTS, pipeline_statements, state_statements
from delivery.naming import (
    BREAK_GLASS_ROLE,
    BUILD,
    BUILD_BOUNDARY,
    DEPLOY,
    DEPLOY_BOUNDARY,
    EMERGENCY_BOUNDARY,
    PREVIEW,
    RUNTIME_BOUNDARY,
    STATE_BUCKET,
    STATE_KEY,
    TEST,
    Names,
)
from delivery.policy import Statement, everywhere
from delivery.running import RUNTIME_ACTIONS, RUNTIME_UNSCOPED

# Services whose ARNs carry no account or no region.
GLOBAL_ARNS = {
    "route53": "arn:aws:route53:::*",
    "s3": "arn:aws:s3:::budgetbuddy-*",
}
# Listed beside the account's own: prefix lists belong to AWS.
FOREIGN_ARNS = {"ec2": "arn:aws:ec2:*:aws:prefix-list/*"}
# Where services without a region answer.
GLOBAL_REGION = "us-east-1"
# Whose verb alone would mean more: a project or an event source runs code, a group is a record.
EXACT = frozenset({"codebuild:CreateReport", "lambda:CreateFunction", "logs:DeleteMetricFilter"})
VERB = re.compile(r"[A-Z][a-z]+")
# Recovery points are what a vault is for, groups what logs are in: the verb alone says too much.
VERB_AND_OBJECT = re.compile(r"[A-Z][a-z]+[A-Z][a-z]+")


def boundaries(names: Names, repository: str) -> dict[str, list[Statement]]:
    """Every boundary by its name; `repository` is `owner/repository`."""
    building = [
        *pipeline_statements(names, repository),
        *(each for build in (TEST, BUILD, PREVIEW) for each in BUILD_GRANTS[build](names)),
    ]
    deploying = [each for grant in DEPLOY_POLICIES.values() for each in grant(names)]
    limits = [_use_keys_through_services(names), _stay_in_regions(names)]
    records = _keep_records(names)
    identities = _bounded_identities(names)
    emergency = [*deploying, *state_statements(names), *emergency_statements(names)]
    return {
        RUNTIME_BOUNDARY: [*_running(names), _no_identities(), *limits, *records],
        BUILD_BOUNDARY: [*ceiling(building, names), _no_identities(), *limits, *records],
        DEPLOY_BOUNDARY: [
            *ceiling([*deploying, *BUILD_GRANTS[DEPLOY](names)], names),
            *identities,
            *limits,
            *records,
        ],
        EMERGENCY_BOUNDARY: [*ceiling(emergency, names), *identities, *limits],
    }


def _running(names: Names) -> list[Statement]:
    allowed = Statement(
        sid="Use",
        actions=RUNTIME_ACTIONS,
        resources=_account_arns({_service(each) for each in RUNTIME_ACTIONS}, names),
    )
    return [allowed, everywhere("UseUnscoped", *RUNTIME_UNSCOPED)]


def ceiling(statements: Iterable[Statement], names: Names) -> list[Statement]:
    """The verbs of `statements` by service, on anything of the account; identities are left out.

    Wider than the statements, because the size of a boundary is limited, and harmless so: what a
    role may do is the part that its own policies allow as well.
    """
    allowed = [each for each in statements if each.effect == "Allow"]
    scoped = {
        action
        for each in allowed
        if "*" not in each.resources
        for action in each.actions
        if _service(action) != "iam"
    }
    unscoped = {a for each in allowed if "*" in each.resources for a in each.actions}
    return [
        Statement(
            sid="Use",
            actions=tuple(sorted({_verb(action) for action in scoped})),
            resources=_account_arns({_service(action) for action in scoped}, names),
        ),
        everywhere("UseUnscoped", *sorted(unscoped)),
    ]


def _service(action: str) -> str:
    return action.partition(":")[0]


def _verb(action: str) -> str:
    """`ecs:CreateService` is `ecs:Create*`; whatever is about tags is one pattern of its own."""
    if action in EXACT:
        return action
    service, _, name = action.partition(":")
    if "Tag" in name or name.startswith("Untag"):  # AWS compares actions without case
        return f"{service}:*Tag*"
    by_object = action.startswith(("backup:Delete", "logs:DeleteDelivery"))
    pattern = VERB_AND_OBJECT if by_object else VERB
    found = pattern.match(name)
    return f"{service}:{found.group() if found else name}*"


def _account_arns(services: Iterable[str], names: Names) -> tuple[str, ...]:
    """Whatever of those services is this account's: the actions beside it say which services."""
    own = {GLOBAL_ARNS.get(each, f"arn:aws:*:*:{names.account_id}:*") for each in services}
    foreign = [FOREIGN_ARNS[each] for each in services if each in FOREIGN_ARNS]
    return tuple(sorted([*own, *foreign]))


def _no_identities() -> Statement:
    """What runs and what builds has no business with identities at all."""
    return Statement(sid="DenyIdentities", effect="Deny", actions=("iam:*",), resources=("*",))


def _bounded_identities(names: Names) -> list[Statement]:
    """Roles of what runs, each under its boundary; no user, key, policy or role of delivery."""
    ours = names.platform_role_arn("*")
    linked = f"arn:aws:iam::{names.account_id}:role/aws-service-role/*"
    boundary = names.policy_arn(RUNTIME_BOUNDARY)
    changes = (
        "AttachRolePolicy CreateRole DeleteRolePolicy DetachRolePolicy PutRolePermissionsBoundary"
        " PutRolePolicy UpdateAssumeRolePolicy"
    )
    return [
        Statement(
            sid="ChangeBounded",
            actions=tuple(f"iam:{each}" for each in changes.split()),
            resources=(ours,),
            conditions={"StringEquals": {"iam:PermissionsBoundary": boundary}},
        ),
        Statement(
            sid="KeepRoles",
            actions=(
                "iam:*agRole",
                "iam:DeleteRole",
                "iam:GetRole*",
                "iam:ListAttachedRole*",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRole*",
                "iam:UpdateRole*",
            ),
            resources=(ours,),
        ),
        Statement(
            sid="PassRoles",
            actions=("iam:PassRole",),
            resources=(ours,),
            conditions={"StringLike": {"iam:PassedToService": "*.amazonaws.com"}},
        ),
        Statement(sid="LinkRoles", actions=("iam:CreateServiceLinkedRole",), resources=(linked,)),
        Statement(
            sid="DenyBreakGlass",
            effect="Deny",
            actions=("iam:*",),
            resources=(names.platform_role_arn(BREAK_GLASS_ROLE),),
        ),
    ]


def _keep_records(names: Names) -> list[Statement]:
    """(c), (d) and (e): records, keys and backups outlive whoever wants them gone."""
    return [
        Statement(
            sid="DenyTampering",
            effect="Deny",
            actions=(
                "backup:DeleteBackupVault",
                "backup:DeleteBackupVaultLockConfiguration",
                "backup:DeleteRecoveryPoint",
                "backup:PutBackupVaultLockConfiguration",
                "cloudtrail:*",
                "config:*",
                "ec2:DeleteFlowLogs",
                "guardduty:*",
                "iam:DeleteRolePermissionsBoundary",
                "kms:Disable*",
                "kms:ScheduleKeyDeletion",
                "logs:DeleteLog*",
                "s3:BypassGovernanceRetention",
                "s3:DeleteObjectVersion",
                "s3:PutBucketObjectLockConfiguration",
                "securityhub:*",
            ),
            resources=("*",),
        ),
        Statement(
            sid="DenyRemovalOfRecords",
            effect="Deny",
            actions=("s3:DeleteBucket*", "s3:DeleteObject"),
            # The engine removes its locks and rotates its backups of the state.
            except_resources=(f"{names.bucket_arn(STATE_BUCKET)}/.pulumi/*",),
        ),
    ]


def _use_keys_through_services(names: Names) -> Statement:
    """(f): data is opened where it lies; the two exceptions are opened by their owners' code."""
    direct = (names.key_alias("tokens"), names.key_alias(STATE_KEY))
    return Statement(
        sid="DenyDirectDecryption",
        effect="Deny",
        actions=("kms:Decrypt",),
        resources=("*",),
        conditions={
            "Null": {"kms:ViaService": "true"},
            "ForAllValues:StringNotEquals": {"kms:ResourceAliases": direct},
        },
    )


def _stay_in_regions(names: Names) -> Statement:
    """(g): home and backup region, and the one in which services without a region answer."""
    regions = tuple(sorted({names.region, names.backup_region, GLOBAL_REGION}))
    return Statement(
        sid="DenyOtherRegions",
        effect="Deny",
        actions=("*",),
        resources=("*",),
        conditions={"StringNotEquals": {"aws:RequestedRegion": regions}},
    )
