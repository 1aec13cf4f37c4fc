"""One resource at a time: at a threshold, one below, one above, and the branches beside it."""

import json
from typing import Any

import pytest

from guardrails.verdicts import Verdict, merged

TABLE = "aws:dynamodb/table:Table"
KEY = "aws:kms/key:Key"
ROLE = "aws:iam/role:Role"
BUCKET = "aws:s3/bucket:Bucket"
LISTENER = "aws:lb/listener:Listener"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
GROUP = "aws:cloudwatch/logGroup:LogGroup"
PIPELINE = "aws:codepipeline/pipeline:Pipeline"
TRAIL = "aws:cloudtrail/trail:Trail"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
PARAMETER = "aws:ssm/parameter:Parameter"
ACL = "aws:ec2/networkAcl:NetworkAcl"
PASSWORDS = "aws:iam/accountPasswordPolicy:AccountPasswordPolicy"
PASS, FAIL, NOT_APPLICABLE = Verdict.PASS, Verdict.FAIL, Verdict.NOT_APPLICABLE

STRONG = {
    "minimumPasswordLength": 14, "passwordReusePrevention": 4, "maxPasswordAge": 90,
    "requireLowercaseCharacters": True, "requireUppercaseCharacters": True, "requireNumbers": True,
    "requireSymbols": True,
}  # fmt: skip


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in STRONG.items() if key != name}


def trusting(*statements: dict[str, Any], **props: Any) -> dict[str, Any]:
    whole = [{"Effect": "Allow", "Action": "sts:AssumeRole", **each} for each in statements]
    return {"assumeRolePolicy": json.dumps({"Statement": whole}), **props}


SERVICE_TRUST = {"Principal": {"Service": "ecs-tasks.amazonaws.com"}}
BUILDS = {"Principal": {"Service": "codebuild.amazonaws.com"}}
PERSON = {"Principal": {"AWS": "arn:aws:iam::111122223333:user/a"},
          "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}  # fmt: skip
TOKENS = {"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/ci.example"}}


def containers(**props: Any) -> dict[str, Any]:
    return {"containerDefinitions": json.dumps([{"name": "app", **props}])}


def origin(*protocols: str) -> dict[str, Any]:
    custom = {"originProtocolPolicy": "https-only", "originSslProtocols": list(protocols)}
    return {"origins": [{"s3OriginConfig": {}}, {"customOriginConfig": custom}]}


def stages(*actions: tuple[str, str, int | None]) -> dict[str, Any]:
    """A pipeline of one stage: category, name and run order of its actions."""
    listed = [
        {"category": category, "name": name, **({"runOrder": order} if order else {})}
        for category, name, order in actions
    ]
    return {"stages": [{"name": "all", "actions": listed}]}


def locked(**retention: Any) -> dict[str, Any]:
    return {
        "tags": {"data-class": "audit"},
        "objectLockConfiguration": {"rule": {"defaultRetention": retention}},
    }


def selecting(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"advancedEventSelectors": [{"fieldSelectors": list(fields)}]}


MANAGEMENT = {"field": "eventCategory", "equals": ["Management"]}
CASES: list[tuple[str, str, dict[str, Any], Verdict]] = [
    ("IAM-14", PASSWORDS, STRONG, PASS),
    *(("IAM-14", PASSWORDS, without(name), FAIL) for name in STRONG),
    ("IAM-14", PASSWORDS, STRONG | {"minimumPasswordLength": 13}, FAIL),
    ("IAM-14", PASSWORDS, STRONG | {"minimumPasswordLength": 15}, PASS),
    ("IAM-14", PASSWORDS, STRONG | {"passwordReusePrevention": 3}, FAIL),
    ("IAM-14", PASSWORDS, STRONG | {"passwordReusePrevention": 5}, PASS),
    ("IAM-14", PASSWORDS, STRONG | {"maxPasswordAge": 0}, FAIL),
    ("IAM-14", PASSWORDS, STRONG | {"maxPasswordAge": 1}, PASS),
    ("IAM-14", PASSWORDS, STRONG | {"maxPasswordAge": 91}, FAIL),
    ("IAM-14", PASSWORDS, STRONG | {"requireNumbers": False}, FAIL),
    ("KMS-03", KEY, {}, PASS),
    ("KMS-03", KEY, {"deletionWindowInDays": 29}, FAIL),
    ("KMS-03", KEY, {"deletionWindowInDays": 30}, PASS),
    ("KMS-03", KEY, {"deletionWindowInDays": 14, "tags": {"env": "dev"}}, PASS),
    ("KMS-03", KEY, {"deletionWindowInDays": 13, "tags": {"env": "dev"}}, FAIL),
    ("IAM-13", ROLE, trusting(PERSON), PASS),
    ("IAM-13", ROLE, trusting(PERSON, maxSessionDuration=14400), PASS),
    ("IAM-13", ROLE, trusting(PERSON, maxSessionDuration=14401), FAIL),
    ("IAM-13", ROLE, trusting(SERVICE_TRUST), NOT_APPLICABLE),
    ("IAM-13", ROLE, trusting(TOKENS), NOT_APPLICABLE),
    ("IAM-12", ROLE, trusting(SERVICE_TRUST), NOT_APPLICABLE),
    ("IAM-12", ROLE, trusting(SERVICE_TRUST, TOKENS), FAIL),
    ("IAM-09", ROLE, trusting(PERSON), NOT_APPLICABLE),
    ("IAM-09", ROLE, trusting(PERSON, BUILDS), FAIL),
    ("IAM-08", ROLE, trusting(SERVICE_TRUST | {"Effect": "Deny"}, {"Principal": "*"}), FAIL),
    ("IAM-08", ROLE, trusting({"Principal": {"AWS": "111122223333"}}), FAIL),
    ("IAM-08", ROLE, trusting({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}), FAIL),
    ("IAM-08", ROLE, trusting({"Principal": {"AWS": "arn:aws:iam::111122223333:role/r"}}), PASS),
    ("IAM-07", ROLE, trusting({"NotPrincipal": {"AWS": "111122223333"}}), FAIL),
    ("LB-01", LISTENER, {"protocol": "HTTPS"}, PASS),
    ("LB-01", LISTENER, {"protocol": "TLS"}, PASS),
    ("LB-01", LISTENER, {"protocol": "TCP"}, NOT_APPLICABLE),
    ("CF-03", DISTRIBUTION, {"origins": [{"s3OriginConfig": {}}]}, NOT_APPLICABLE),
    ("CF-03", DISTRIBUTION, origin("TLSv1.2"), PASS),
    ("CF-03", DISTRIBUTION, origin("TLSv1.2", "TLSv1.3"), PASS),
    ("CF-03", DISTRIBUTION, origin("TLSv1.1", "TLSv1.2"), FAIL),
    ("CF-03", DISTRIBUTION, origin(), FAIL),
    ("ECS-08", TASK, containers(user="0:1000"), FAIL),
    ("ECS-08", TASK, containers(user="root"), FAIL),
    ("ECS-08", TASK, containers(), FAIL),
    ("ECS-08", TASK, containers(user="1000:0"), PASS),
    ("ECS-08", TASK, containers(user="app"), PASS),
    ("ECS-14", TASK, {"volumes": [{"name": "a"}]}, NOT_APPLICABLE),
    ("ECS-14", TASK, {"volumes": [{"name": "a"}, {"efsVolumeConfiguration": {"x": 1}}]}, FAIL),
    ("DDB-01", TABLE, {"pointInTimeRecovery": {"enabled": True}}, PASS),
    ("DDB-01", TABLE, {"pointInTimeRecovery": {"enabled": True}, "replicas": [{}]}, FAIL),
    ("DDB-06", TABLE, {}, NOT_APPLICABLE),
    ("CW-01", GROUP, {"retentionInDays": 364}, FAIL),
    ("CW-01", GROUP, {"retentionInDays": 365}, PASS),
    ("S3-09", BUCKET, locked(mode="COMPLIANCE", days=364), FAIL),
    ("S3-09", BUCKET, locked(mode="COMPLIANCE", days=365), PASS),
    ("S3-09", BUCKET, locked(mode="GOVERNANCE", years=1), PASS),
    ("S3-09", BUCKET, locked(mode="GOVERNANCE"), FAIL),
    ("S3-09", BUCKET, locked(years=1), FAIL),
    ("S3-10", BUCKET, {"lifecycleRules": [{"abortIncompleteMultipartUploadDays": 1}]}, FAIL),
    ("S3-07", "aws:s3/bucketAcl:BucketAcl", {"acl": "private"}, PASS),
    ("S3-07", "aws:s3/bucketAcl:BucketAcl", {"acl": "public-read"}, FAIL),
    ("SEC-03", "aws:secretsmanager/secret:Secret", {}, NOT_APPLICABLE),
    ("SEC-04", PARAMETER, {"type": "String", "value": "x"}, NOT_APPLICABLE),
    ("SEC-04", PARAMETER, {"type": "SecureString", "value": "x"}, FAIL),
    ("SEC-04", PARAMETER, {"type": "SecureString"}, NOT_APPLICABLE),
    ("CT-06", TRAIL, selecting(MANAGEMENT), PASS),
    ("CT-06", TRAIL, selecting(MANAGEMENT, {"field": "readOnly", "equals": ["true"]}), FAIL),
    ("CT-06", TRAIL, selecting({"field": "eventCategory", "equals": ["Data"]}), FAIL),
    ("CP-04", PIPELINE, stages(("Source", "code", 1), ("Deploy", "go", 2)), FAIL),
    ("CP-04", PIPELINE, stages(("Test", "t", 2), ("Deploy", "go", 2)), FAIL),
    ("CP-04", PIPELINE, stages(("Test", "t", None), ("Deploy", "go", 1)), FAIL),
    ("CP-04", PIPELINE, stages(("Test", "t", 3), ("Deploy", "go", 2)), FAIL),
    ("CB-01", "aws:codebuild/project:Project", {"environment": {"environmentVariables": [
        {"name": "A", "type": "PARAMETER_STORE", "value": "/a"},
        {"name": "PASSWORD", "value": "correct horse battery"}]}}, FAIL),
    ("VPC-09", ACL, {"subnetIds": ["s"]}, PASS),
    ("VPC-11", "aws:lb/loadBalancer:LoadBalancer", {}, NOT_APPLICABLE),
    ("ECR-01", "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
     {"rules": [{"scanFrequency": "MANUAL"}, {"scanFrequency": "SCAN_ON_PUSH"}]}, PASS),
    ("ECR-01", "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
     {"rules": [{"scanFrequency": "MANUAL"}]}, FAIL),
]  # fmt: skip


@pytest.mark.parametrize(("control", "kind", "props", "expected"), CASES)
def test_one_resource_is_judged_by_its_settings(
    harness: Any, control: str, kind: str, props: dict[str, Any], expected: Verdict
) -> None:
    one = harness.Declared(kind, "one", props)
    records = merged(harness.Bench([harness.controls[control]]).run([one]))

    assert [record.verdict for record in records if record.urn == one.urn] == [expected]


@pytest.mark.parametrize(
    ("ignored", "expected"),
    [
        ([], PASS),
        (["description"], PASS),
        (["policy"], FAIL),
        (["policy.Statement"], FAIL),
        (["policy[0]"], FAIL),
        (["description", "policy"], FAIL),
        (["*"], FAIL),
        (["policyName"], PASS),
    ],
    ids=str,
)
def test_changes_of_a_security_property_are_not_ignored(
    harness: Any, ignored: list[str], expected: Verdict
) -> None:
    options = {"protect": True, "ignoreChanges": ignored}

    assert harness.verdict("ACC-09", harness.Declared(KEY, "k", {}, {}, options)) == {expected}


@pytest.mark.parametrize(
    ("count", "more"), [(1, ""), (5, ""), (6, " and 1 more"), (9, " and 4 more")]
)
def test_unmapped_types_are_named_up_to_five(harness: Any, count: int, more: str) -> None:
    declared = [harness.Declared(f"aws:new/t{i}:T{i}", f"t{i}") for i in range(count)]
    (found,) = harness.Bench([harness.controls["ACC-10"]]).run(declared)
    named = ", ".join(f"aws:new/t{i}:T{i}" for i in range(min(count, 5)))

    assert found.found == f"no control has been considered for {named}{more}"


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        ({"automaticallyAfterDays": 90}, PASS),
        ({"automaticallyAfterDays": 91}, FAIL),
        ({"scheduleExpression": "rate(30 days)"}, PASS),
        ({"scheduleExpression": "rate(30 days)", "automaticallyAfterDays": 91}, FAIL),
        ({}, FAIL),
    ],
    ids=str,
)
def test_a_secret_is_replaced_every_quarter(
    harness: Any, rotation: dict[str, Any], expected: Verdict
) -> None:
    secret = harness.Declared("aws:secretsmanager/secret:Secret", "s", {})
    kind, link = "aws:secretsmanager/secretRotation:SecretRotation", {"secretId": [secret.urn]}
    rotates = harness.Declared(kind, "r", {"rotationRules": rotation}, link)

    assert harness.verdict("SEC-02", secret, rotates) == {expected}


@pytest.mark.parametrize(
    ("control", "kind", "props"),
    [
        ("CW-01", GROUP, {}),
        ("CW-02", GROUP, {}),
        ("S3-09", BUCKET, locked(mode="COMPLIANCE", days=1)),
        ("VPC-09", ACL, {"ingress": [{"protocol": "-1", "action": "allow", "ruleNo": 1,
                                      "cidrBlock": "0.0.0.0/0"}]}),
        ("ECS-15", SERVICE, {"desiredCount": 0}),
        ("DDB-02", TABLE, {}),
        ("CP-04", PIPELINE, stages(("Deploy", "go", 1))),
    ],
)  # fmt: skip
def test_what_a_resource_alone_shows_is_said_before_the_stack_is_known(
    harness: Any, control: str, kind: str, props: dict[str, Any]
) -> None:
    bench = harness.Bench([harness.controls[control]])

    response = bench.servicer.Analyze(harness.Declared(kind, "one", props).request(), None)

    assert [d.policyName for d in response.diagnostics]
