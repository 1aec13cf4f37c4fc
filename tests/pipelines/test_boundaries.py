"""The boundary of what runs, held against every role the platform really makes."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from permissions import allowed, as_list, statements  # type: ignore[import-not-found] # beside this file

from delivery.boundaries import boundaries
from delivery.deployment import DEPLOY_POLICIES
from delivery.naming import DEPLOY_BOUNDARY, EMERGENCY_BOUNDARY, RUNTIME_BOUNDARY, Names
from delivery.policy import Statement, render
from localcloud import stack as stacks
from localcloud.stack import Stack

pytestmark = pytest.mark.engine

NAMES = Names(account_id="210987654321", region="us-east-1", backup_region="us-west-2")
LIMITS = boundaries(NAMES, "budgetbuddy/platform")
RELEASED = {
    "budgetbuddy:imageDigest": "sha256:" + "a" * 64,
    "budgetbuddy:release": "0123abc",
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> list[Mapping[str, Any]]:
    """Every resource of the platform in staging, as the engine would create it."""
    directory = tmp_path_factory.mktemp("platform")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacks, "EVIDENCE", directory / "evidence")
        stack = Stack(name="staging", packs=(), directory=directory, stand_ins=True)
        stack.prepare(RELEASED)
        assert stack.preview() == []
        events = (stack.evidence / "events.jsonl").read_text().splitlines()
    found = (json.loads(line).get("resourcePreEvent", {}).get("metadata") for line in events)
    return [each["new"] for each in found if each and each.get("new")]


def of(resources: list[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    return (each["inputs"] for each in resources if each["type"] == kind)


def document(statements_: list[Statement]) -> list[dict[str, Any]]:
    return list(statements(render(statements_)))


def requests(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What a statement is for: action, resource, and a request that meets its conditions."""
    met = {"aws:RequestedRegion": NAMES.region}
    for operator, keys in statement.get("Condition", {}).items():
        if operator != "Null":
            met |= {key: as_list(value)[0] for key, value in keys.items()}
    for action in as_list(statement["Action"]):
        for resource in as_list(statement["Resource"]):
            yield action, resource, met


def test_the_boundary_leaves_every_role_of_the_platform_what_it_needs(
    platform: list[Mapping[str, Any]],
) -> None:
    boundary = document(LIMITS[RUNTIME_BOUNDARY])
    needed = [
        request
        for policy in of(platform, "aws:iam/rolePolicy:RolePolicy")
        for statement in statements(policy["policy"])
        if statement["Effect"] == "Allow"
        for request in requests(statement)
    ]

    assert len(needed) > 50
    assert [one for one in needed if not allowed(boundary, *one)] == []


def test_the_roles_of_the_platform_carry_that_boundary(platform: list[Mapping[str, Any]]) -> None:
    carried = {role["permissionsBoundary"] for role in of(platform, "aws:iam/role:Role")}

    assert carried == {NAMES.policy_arn(RUNTIME_BOUNDARY)}


@pytest.mark.parametrize(
    "request_",
    [
        ("iam:CreateRole", NAMES.platform_role_arn("x")),
        ("iam:PassRole", NAMES.platform_role_arn("task-api")),
        ("sts:AssumeRole", NAMES.platform_role_arn("break-glass")),
        ("dynamodb:Scan", NAMES.arn("dynamodb", "table/BudgetBuddy-Ledger")),
        ("kms:ScheduleKeyDeletion", NAMES.arn("kms", "key/1")),
        ("cloudtrail:StopLogging", NAMES.arn("cloudtrail", "trail/budgetbuddy")),
        ("s3:DeleteObject", f"{NAMES.bucket_arn('audit')}/x"),
        ("ec2:RunInstances", NAMES.arn("ec2", "instance/i-1")),
    ],
    ids=lambda request: request[0],
)
def test_what_runs_gains_no_rights_whatever_its_documents_say(request_: tuple[str, str]) -> None:
    assert not allowed(document(LIMITS[RUNTIME_BOUNDARY]), *request_, {})


@pytest.mark.parametrize("alias", ["ledger", "audit"])
def test_a_table_is_read_through_the_table_not_by_opening_its_key(alias: str) -> None:
    boundary = document(LIMITS[RUNTIME_BOUNDARY])
    key = {"kms:ResourceAliases": f"alias/budgetbuddy-{alias}"}
    through = {**key, "kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}

    assert not allowed(boundary, "kms:Decrypt", NAMES.arn("kms", "key/1"), key)
    assert allowed(boundary, "kms:Decrypt", NAMES.arn("kms", "key/1"), through)


def test_people_in_an_emergency_are_kept_from_what_cannot_be_undone() -> None:
    boundary = document(LIMITS[EMERGENCY_BOUNDARY])
    evidence = f"{NAMES.bucket_arn('evidence')}/deploy/x"

    assert allowed(
        boundary, "cloudtrail:UpdateTrail", NAMES.arn("cloudtrail", "trail/budgetbuddy"), {}
    )
    for action, resource in (
        ("s3:BypassGovernanceRetention", evidence),
        ("backup:DeleteRecoveryPoint", NAMES.arn("backup", "recovery-point:1")),
        ("iam:CreatePolicyVersion", NAMES.policy_arn(RUNTIME_BOUNDARY)),
        ("iam:CreateUser", "arn:aws:iam::210987654321:user/x"),
    ):
        assert not allowed(boundary, action, resource, {})


def test_a_deployment_may_work_on_everything_the_platform_names(
    platform: list[Mapping[str, Any]],
) -> None:
    """One verb for each kind of resource that has a name of its own."""
    verbs = {
        "aws:s3/bucket:Bucket": ("s3:PutBucketPolicy", "arn:aws:s3:::{bucket}"),
        "aws:dynamodb/table:Table": ("dynamodb:UpdateTable", NAMES.arn("dynamodb", "table/{name}")),
        "aws:cloudwatch/logGroup:LogGroup": (
            "logs:PutRetentionPolicy",
            NAMES.arn("logs", "log-group:{name}"),
        ),
        "aws:cloudwatch/metricAlarm:MetricAlarm": (
            "cloudwatch:PutMetricAlarm",
            NAMES.arn("cloudwatch", "alarm:{name}"),
        ),
        "aws:sns/topic:Topic": ("sns:SetTopicAttributes", NAMES.arn("sns", "{name}")),
        "aws:secretsmanager/secret:Secret": (
            "secretsmanager:PutSecretValue",
            NAMES.arn("secretsmanager", "secret:{name}-AbCdEf"),
        ),
        "aws:iam/role:Role": ("iam:GetRole", "arn:aws:iam::210987654321:role{path}{name}"),
        "aws:ecs/cluster:Cluster": ("ecs:UpdateCluster", NAMES.arn("ecs", "cluster/{name}")),
        "aws:lambda/function:Function": (
            "lambda:UpdateFunctionCode",
            NAMES.arn("lambda", "function:{name}"),
        ),
        "aws:backup/vault:Vault": (
            "backup:PutBackupVaultAccessPolicy",
            NAMES.arn("backup", "backup-vault:{name}"),
        ),
        "aws:kms/alias:Alias": ("kms:CreateAlias", NAMES.arn("kms", "{name}")),
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("cloudwatch:PutCompositeAlarm", "*"),
        "aws:cloudwatch/dashboard:Dashboard": (
            "cloudwatch:PutDashboard",
            "arn:aws:cloudwatch::210987654321:dashboard/{dashboardName}",
        ),
        "aws:budgets/budget:Budget": (
            "budgets:ModifyBudget",
            "arn:aws:budgets::210987654321:budget/{name}",
        ),
        "aws:ecs/service:Service": (
            "ecs:UpdateService",
            NAMES.arn("ecs", "service/budgetbuddy-cluster/{name}"),
        ),
        "aws:wafv2/webAcl:WebAcl": (
            "wafv2:UpdateWebACL",
            NAMES.arn("wafv2", "global/webacl/{name}/1"),
        ),
        "aws:wafv2/ipSet:IpSet": (
            "wafv2:UpdateIPSet",
            NAMES.arn("wafv2", "regional/ipset/{name}/1"),
        ),
        "aws:cloudfront/distribution:Distribution": (
            "cloudfront:UpdateDistribution",
            "arn:aws:cloudfront::210987654321:distribution/E1",
        ),
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
            "cloudfront:UpdateResponseHeadersPolicy",
            "arn:aws:cloudfront::210987654321:response-headers-policy/1",
        ),
        "aws:cloudwatch/logDeliverySource:LogDeliverySource": (
            "logs:PutDeliverySource",
            NAMES.arn("logs", "delivery-source:{name}"),
        ),
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
            "logs:PutDeliveryDestination",
            NAMES.arn("logs", "delivery-destination:{name}"),
        ),
        "aws:sqs/queue:Queue": ("sqs:SetQueueAttributes", NAMES.arn("sqs", "{name}")),
    }
    own = [each for grant in DEPLOY_POLICIES.values() for each in document(grant(NAMES))]
    wanted = [
        (action, pattern.format(**inputs))
        for kind, (action, pattern) in verbs.items()
        for inputs in of(platform, kind)
    ]

    limit = document(LIMITS[DEPLOY_BOUNDARY])
    home = {"aws:RequestedRegion": NAMES.region}
    assert len(wanted) > 40
    assert [case for case in wanted if not allowed(own, *case, {})] == []
    unlimited = [case for case in wanted if not case[0].startswith(("iam:", "kms:"))]
    assert [case for case in unlimited if not allowed(limit, *case, home)] == []
