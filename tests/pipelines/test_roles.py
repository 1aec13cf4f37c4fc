"""Least privilege, computed from the documents that AWS would be given."""

import json
from typing import Any

import pytest
from permissions import Identity, as_list  # type: ignore[import-not-found] # beside this file

from delivery.boundaries import boundaries
from delivery.deployment import DEPLOY_POLICIES
from delivery.naming import Names
from delivery.policy import INLINE_POLICY_SIZE, MANAGED_POLICY_SIZE, Statement, render
from delivery.roles import role_specs

pytestmark = pytest.mark.engine

BUILD_ROLES = ("codebuild-test", "codebuild-build", "codebuild-preview", "codebuild-deploy")
BEFORE_APPROVAL = ("codebuild-test", "codebuild-build", "codebuild-preview")
SERVICE_ROLES = ("pipeline", *BUILD_ROLES)


@pytest.fixture
def account(stack: str) -> str:
    return {"staging": "210987654321", "production": "123456789012"}[stack]


@pytest.fixture
def arns(account: str) -> dict[str, str]:
    """One resource of every kind that nobody may touch, or that somebody must."""

    def regional(service: str, rest: str) -> str:
        return f"arn:aws:{service}:us-east-1:{account}:{rest}"

    def bucket(use: str) -> str:
        return f"arn:aws:s3:::budgetbuddy-{use}-{account}-us-east-1"

    iam = f"arn:aws:iam::{account}:"
    return {
        "boundary": f"{iam}policy/budgetbuddy/budgetbuddy-boundary",
        "deploy boundary": f"{iam}policy/budgetbuddy/budgetbuddy-deploy-boundary",
        "deploy policy": f"{iam}policy/budgetbuddy/budgetbuddy-deploy-data",
        "pipeline role": f"{iam}role/budgetbuddy/delivery/budgetbuddy-pipeline",
        "deploy role": f"{iam}role/budgetbuddy/delivery/budgetbuddy-codebuild-deploy",
        "break-glass": f"{iam}role/budgetbuddy/budgetbuddy-break-glass",
        "foreign role": f"{iam}role/OrganizationAccountAccessRole",
        "task role": f"{iam}role/budgetbuddy/budgetbuddy-task-api",
        "user": f"{iam}user/alice",
        "trail": regional("cloudtrail", "trail/budgetbuddy"),
        "trail log": regional("logs", "log-group:/budgetbuddy/trail"),
        "build log": regional("logs", "log-group:/budgetbuddy/codebuild/deploy"),
        "evidence": bucket("evidence"),
        "evidence object": f"{bucket('evidence')}/deploy/abc.json",
        "audit": bucket("audit"),
        "audit object": f"{bucket('audit')}/AWSLogs/x.json.gz",
        "state": bucket("pulumi-state"),
        "state object": f"{bucket('pulumi-state')}/.pulumi/stacks/budgetbuddy-platform/x.json",
        "state lock": f"{bucket('pulumi-state')}/.pulumi/locks/x.json",
        "key": regional("kms", "key/0123"),
        "project": regional("codebuild", "project/budgetbuddy-deploy"),
        "pipeline": regional("codepipeline", "budgetbuddy"),
        "approval": regional("codepipeline", "budgetbuddy/Approve/Approve"),
        "repository": regional("ecr", "repository/budgetbuddy-backend"),
        "vault": regional("backup", "backup-vault:budgetbuddy-vault"),
        "recovery point": regional("backup", "recovery-point:1"),
        "table": regional("dynamodb", "table/BudgetBuddy-Ledger"),
        "service": regional("ecs", "service/budgetbuddy-cluster/budgetbuddy-backend"),
        "flow log": regional("ec2", "vpc-flow-log/fl-1"),
    }


# What nobody who delivers may ever do: action and the name of a resource above.
FORBIDDEN = [
    # policies and limits
    ("iam:CreatePolicyVersion", "boundary"),
    ("iam:SetDefaultPolicyVersion", "boundary"),
    ("iam:DeletePolicy", "boundary"),
    ("iam:CreatePolicyVersion", "deploy boundary"),
    ("iam:CreatePolicyVersion", "deploy policy"),
    ("iam:PutRolePolicy", "pipeline role"),
    ("iam:PutRolePolicy", "deploy role"),
    ("iam:AttachRolePolicy", "deploy role"),
    ("iam:UpdateAssumeRolePolicy", "deploy role"),
    ("iam:PutRolePermissionsBoundary", "deploy role"),
    ("iam:DeleteRolePermissionsBoundary", "deploy role"),
    ("iam:DeleteRolePermissionsBoundary", "task role"),
    ("iam:PassRole", "deploy role"),
    ("iam:UpdateAssumeRolePolicy", "break-glass"),
    ("iam:PutRolePolicy", "break-glass"),
    ("iam:PassRole", "break-glass"),
    ("iam:PutRolePolicy", "foreign role"),
    ("iam:UpdateAssumeRolePolicy", "foreign role"),
    ("iam:CreateUser", "user"),
    ("iam:CreateAccessKey", "user"),
    ("iam:CreateLoginProfile", "user"),
    ("sts:AssumeRole", "break-glass"),
    ("sts:AssumeRole", "foreign role"),
    # the trail and other records
    ("cloudtrail:StopLogging", "trail"),
    ("cloudtrail:DeleteTrail", "trail"),
    ("cloudtrail:UpdateTrail", "trail"),
    ("cloudtrail:PutEventSelectors", "trail"),
    ("logs:DeleteLogGroup", "trail log"),
    ("logs:DeleteSubscriptionFilter", "trail log"),
    ("logs:DeleteLogStream", "build log"),
    ("ec2:DeleteFlowLogs", "flow log"),
    ("s3:DeleteObject", "audit object"),
    ("s3:DeleteObjectVersion", "audit object"),
    ("s3:PutBucketObjectLockConfiguration", "audit"),
    # the evidence
    ("s3:DeleteObject", "evidence object"),
    ("s3:DeleteObjectVersion", "evidence object"),
    ("s3:BypassGovernanceRetention", "evidence object"),
    ("s3:PutObjectRetention", "evidence object"),
    ("s3:PutObjectLegalHold", "evidence object"),
    ("s3:PutBucketObjectLockConfiguration", "evidence"),
    ("s3:PutBucketVersioning", "evidence"),
    ("s3:PutBucketPolicy", "evidence"),
    ("s3:PutLifecycleConfiguration", "evidence"),
    ("s3:PutEncryptionConfiguration", "evidence"),
    ("s3:DeleteBucket", "evidence"),
    ("s3:DeleteBucketPolicy", "evidence"),
    ("s3:PutBucketPolicy", "state"),
    ("s3:PutBucketVersioning", "state"),
    # the pipeline itself, and its approval
    ("codepipeline:UpdatePipeline", "pipeline"),
    ("codepipeline:PutApprovalResult", "approval"),
    ("codepipeline:OverrideStageCondition", "pipeline"),
    ("codebuild:UpdateProject", "project"),
    ("codebuild:CreateProject", "project"),
    ("ecr:PutImageTagMutability", "repository"),
    ("ecr:SetRepositoryPolicy", "repository"),
    ("ecr:BatchDeleteImage", "repository"),
    ("ecr:DeleteRepository", "repository"),
    # keys, backups and what customers own
    ("kms:ScheduleKeyDeletion", "key"),
    ("kms:DisableKey", "key"),
    ("kms:PutKeyPolicy", "key"),
    ("backup:DeleteRecoveryPoint", "recovery point"),
    ("backup:DeleteBackupVault", "vault"),
    ("backup:PutBackupVaultLockConfiguration", "vault"),
    ("dynamodb:GetItem", "table"),
    ("dynamodb:Scan", "table"),
    ("dynamodb:Query", "table"),
    ("dynamodb:PutItem", "table"),
]
# What the boundaries keep even from a role whose own documents allow everything.
BOUNDED = (
    "backup:Delete",
    "backup:PutBackupVaultLock",
    "cloudtrail:",
    "codepipeline:P",
    "ec2:DeleteFlowLogs",
    "iam:",
    "kms:Disable",
    "kms:Schedule",
    "logs:Delete",
    "s3:Bypass",
    "s3:Delete",
    "s3:PutBucketObjectLock",
)
CHANGES_BEFORE_APPROVAL = [
    ("ecs:UpdateService", "service"),
    ("iam:CreateRole", "task role"),
    ("dynamodb:UpdateTable", "table"),
    ("s3:PutObject", "state object"),
    ("s3:DeleteObject", "state object"),
    ("s3:PutBucketPolicy", "audit"),
]
# Role, action, resource: what the stages are there for.
NEEDED = [
    ("codebuild-build", "ecr:PutImage", "repository"),
    ("codebuild-preview", "s3:GetObject", "state object"),
    ("codebuild-preview", "s3:PutObject", "state lock"),
    ("codebuild-deploy", "s3:PutObject", "state object"),
    ("codebuild-deploy", "s3:PutObject", "evidence object"),
    ("codebuild-deploy", "ecs:UpdateService", "service"),
    ("codebuild-deploy", "iam:CreateRole", "task role"),
    ("codebuild-deploy", "iam:PassRole", "task role"),
    ("pipeline", "codebuild:StartBuild", "project"),
    ("break-glass", "cloudtrail:UpdateTrail", "trail"),
    ("break-glass", "ecs:UpdateService", "service"),
    ("break-glass", "s3:PutBucketObjectLockConfiguration", "audit"),
]


@pytest.mark.parametrize("role", SERVICE_ROLES)
def test_who_delivers_cannot_change_limits_records_evidence_or_approval(
    identities: dict[str, Identity], arns: dict[str, str], role: str
) -> None:
    possible = [
        (action, resource)
        for action, resource in FORBIDDEN
        if identities[role].may(action, arns[resource])
    ]

    assert possible == []


@pytest.mark.parametrize("role", BUILD_ROLES)
def test_its_own_documents_alone_do_not_allow_it(
    identities: dict[str, Identity], arns: dict[str, str], role: str
) -> None:
    identity = identities[role]
    unlimited = Identity(
        name=role,
        documents=identity.documents,
        boundary=[{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    )

    assert [case for case in FORBIDDEN if unlimited.may(case[0], arns[case[1]])] == []


@pytest.mark.parametrize("role", SERVICE_ROLES)
def test_the_boundary_alone_keeps_identities_records_and_locks(
    identities: dict[str, Identity], arns: dict[str, str], role: str
) -> None:
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    unscoped = Identity(name=role, documents=(everything,), boundary=identities[role].boundary)
    watched = [case for case in FORBIDDEN if case[0].startswith(BOUNDED)]

    assert len(watched) > 30
    assert [case for case in watched if unscoped.may(case[0], arns[case[1]])] == []


@pytest.mark.parametrize("role", BEFORE_APPROVAL)
def test_what_runs_before_the_approval_changes_nothing(
    identities: dict[str, Identity], arns: dict[str, str], role: str
) -> None:
    possible = [
        case for case in CHANGES_BEFORE_APPROVAL if identities[role].may(case[0], arns[case[1]])
    ]

    assert possible == []


@pytest.mark.parametrize(("role", "action", "resource"), NEEDED)
def test_each_role_can_do_its_work(
    identities: dict[str, Identity], arns: dict[str, str], role: str, action: str, resource: str
) -> None:
    assert identities[role].may(action, arns[resource], {"kms:ViaService": "s3"})


def test_a_role_of_what_runs_is_made_within_its_boundary_only(
    identities: dict[str, Identity], arns: dict[str, str]
) -> None:
    deploy = identities["codebuild-deploy"]

    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        bounded = {"iam:PermissionsBoundary": arns["boundary"]}
        unbounded = {"iam:PermissionsBoundary": arns["deploy boundary"]}
        assert deploy.may(action, arns["task role"], bounded)
        assert not deploy.may(action, arns["task role"], unbounded)


def test_a_role_is_passed_to_the_services_that_run_it_only(
    identities: dict[str, Identity], arns: dict[str, str]
) -> None:
    deploy = identities["codebuild-deploy"]

    def may_pass_to(service: str) -> bool:
        context = {"iam:PassedToService": f"{service}.amazonaws.com"}
        return deploy.may("iam:PassRole", arns["task role"], context)

    assert may_pass_to("ecs-tasks")
    assert not any(may_pass_to(each) for each in ("codebuild", "ec2", "sagemaker", "glue"))


def test_the_state_is_opened_directly_and_data_only_where_it_lies(
    identities: dict[str, Identity], arns: dict[str, str]
) -> None:
    preview = identities["codebuild-preview"]

    def may_decrypt(alias: str, **context: str) -> bool:
        known = {"kms:ResourceAliases": f"alias/budgetbuddy-{alias}", **context}
        return preview.may("kms:Decrypt", arns["key"], known)

    assert may_decrypt("state")
    assert may_decrypt("artifacts", **{"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not may_decrypt("artifacts")
    assert not may_decrypt("ledger", **{"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"})


def test_nothing_is_done_in_another_region(
    identities: dict[str, Identity], arns: dict[str, str]
) -> None:
    deploy = identities["codebuild-deploy"]

    def may_update_in(region: str) -> bool:
        context = {"aws:RequestedRegion": region}
        return deploy.may("ecs:UpdateService", arns["service"], context)

    assert may_update_in("us-east-1")
    assert not may_update_in("eu-west-1")


def test_every_role_has_a_boundary_one_document_and_no_foreign_policy(plan: Any) -> None:
    roles = plan.of("aws:iam/role:Role")
    assert {role.name for role in roles} == {*SERVICE_ROLES, "break-glass"}
    for role in roles:
        assert role.inputs["permissionsBoundary"].split("/")[1] == "budgetbuddy"
        assert role.inputs["maxSessionDuration"] <= 3600
    for kind in (
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
        "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    ):
        assert len(plan.of(kind)) == len(roles)


def test_a_service_acts_for_our_own_resources_only(plan: Any, account: str) -> None:
    for role in plan.of("aws:iam/role:Role"):
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        if "Service" in trust["Principal"]:
            condition = trust["Condition"]
            assert condition["StringEquals"] == {"aws:SourceAccount": account}
            assert f":us-east-1:{account}:" in condition["ArnLike"]["aws:SourceArn"]


def test_break_glass_is_for_named_people_with_a_second_factor(plan: Any, account: str) -> None:
    role = plan.one("aws:iam/role:Role", "break-glass")
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]

    assert trust["Principal"] == {"AWS": [f"arn:aws:iam::{account}:role/operators"]}
    assert trust["Condition"]["Bool"] == {"aws:MultiFactorAuthPresent": "true"}
    assert trust["Condition"]["NumericLessThan"] == {"aws:MultiFactorAuthAge": "3600"}


# --- Documents -----------------------------------------------------------------------------------

# The longest names of regions there are: limits of size must hold everywhere.
FAR = Names(account_id="123456789012", region="ap-southeast-1", backup_region="ap-southeast-2")


def size(statements: list[Statement]) -> int:
    return len(render(statements))


@pytest.mark.parametrize("name", boundaries(FAR, "o/r"))
def test_a_boundary_fits_into_a_managed_policy(name: str) -> None:
    assert size(boundaries(FAR, "owner/repository")[name]) <= MANAGED_POLICY_SIZE


@pytest.mark.parametrize("area", DEPLOY_POLICIES)
def test_a_deploy_policy_fits_into_a_managed_policy(area: str) -> None:
    assert size(DEPLOY_POLICIES[area](FAR)) <= MANAGED_POLICY_SIZE


@pytest.mark.parametrize("spec", role_specs(FAR, "o/r", ("p",)), ids=lambda spec: spec.name)
def test_an_inline_document_fits_into_its_role(spec: Any) -> None:
    assert size(spec.statements) <= INLINE_POLICY_SIZE


def test_no_document_allows_a_whole_service_or_everything(identities: dict[str, Identity]) -> None:
    for identity in identities.values():
        for statement in identity.allows:
            for action in as_list(statement["Action"]):
                assert not action.endswith(":*")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"actions": ()}, "no action"),
        ({"resources": ()}, "no action or no resource"),
        ({"actions": ("s3:*",)}, "a whole service"),
        ({"actions": ("*",)}, "a whole service"),
        ({"resources": ("*",)}, "does not say why"),
        ({"resources": (), "except_resources": ("a",)}, "everything but"),
    ],
    ids=["action", "resource", "service", "all", "reason", "exclusion"],
)
def test_a_statement_that_allows_too_much_is_refused(fields: dict[str, Any], words: str) -> None:
    valid: dict[str, Any] = {"sid": "S", "actions": ("s3:GetObject",), "resources": ("a",)}

    with pytest.raises(ValueError, match=words):
        Statement(**{**valid, **fields})


def test_a_repeated_sid_is_refused() -> None:
    same = Statement(sid="Same", actions=("s3:GetObject",), resources=("a",))

    with pytest.raises(ValueError, match="share a sid"):
        render([same, same])
