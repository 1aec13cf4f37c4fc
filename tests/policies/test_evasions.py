"""Programs that look right and are not: what an auditor would try, one table of it."""

import json
from typing import Any

import pytest

from guardrails.controls.schedules import longest_pause
from guardrails.verdicts import Verdict

PASS, FAIL = Verdict.PASS, Verdict.FAIL
OPEN = ["0.0.0.0/0"]
ALIAS = "arn:aws:kms:eu-west-1:111122223333:alias/aws/s3"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/a/1"
ROLE = "arn:aws:iam::111122223333:role/app"


def document(**statement: Any) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow"} | statement]})


def trust(principal: Any, **condition: Any) -> dict[str, Any]:
    given = {"Condition": condition} if condition else {}
    return {"assumeRolePolicy": document(Action="sts:AssumeRole", Principal=principal, **given)}


def passing(resource: Any, **condition: Any) -> dict[str, Any]:
    given = {"Condition": condition} if condition else {}
    return {"policy": document(Action="iam:PassRole", Resource=resource, **given)}


def oidc(**condition: Any) -> dict[str, Any]:
    issuer = "arn:aws:iam::111122223333:oidc-provider/token.example"
    return trust({"Federated": issuer}, **condition)


def container(**fields: Any) -> dict[str, Any]:
    return {"containerDefinitions": json.dumps([fields])}


PINNED = {"token.example:aud": "sts", "token.example:sub": "repo:o/r:ref:refs/heads/main"}
TO = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
SERVICE = {"Service": "events.amazonaws.com"}
ACCOUNT = {"AWS": "999988887777"}
ALONE: list[tuple[str, str, dict[str, Any], Verdict]] = [
    # AWS's own key under the name AWS gives it is no key of the customer's.
    ("SEC-01", "secretsmanager/secret:Secret", {"kmsKeyId": "alias/aws/secretsmanager"}, FAIL),
    ("SEC-01", "secretsmanager/secret:Secret", {"kmsKeyId": "alias/shop"}, PASS),
    ("CB-03", "codebuild/project:Project", {"encryptionKey": ALIAS}, FAIL),
    ("CT-04", "cloudtrail/trail:Trail", {"kmsKeyId": "alias/aws/cloudtrail"}, FAIL),
    ("ECR-03", "ecr/repository:Repository",
     {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "alias/aws/ecr"}]}, FAIL),
    # The same power in other words.
    ("IAM-01", "iam/policy:Policy", {"policy": document(Action="*:*", Resource="*")}, FAIL),
    ("IAM-01", "iam/policy:Policy",
     {"policy": document(Action="*", Resource="arn:aws:*:*:*:*")}, FAIL),
    ("IAM-01", "iam/policy:Policy",
     {"policy": document(Action="*", Resource="arn:aws:s3:::b/*")}, PASS),
    ("IAM-02", "iam/policy:Policy", {"policy": document(Action="*:*", Resource="*")}, FAIL),
    ("IAM-06", "iam/policy:Policy", passing(ROLE, StringEquals=TO), PASS),
    ("IAM-06", "iam/policy:Policy", passing(ROLE), FAIL),
    ("IAM-06", "iam/policy:Policy", passing(ROLE, StringNotEquals=TO), FAIL),
    ("IAM-06", "iam/policy:Policy", passing(ROLE, StringLike={"iam:PassedToService": "*"}), FAIL),
    ("IAM-06", "iam/policy:Policy", passing("arn:aws:iam::111122223333:*", StringEquals=TO), FAIL),
    ("IAM-06", "iam/policy:Policy",
     passing("arn:aws:iam::111122223333:role/app-*", StringEquals=TO), PASS),
    ("IAM-08", "iam/role:Role", trust(ACCOUNT, StringEquals={"sts:ExternalId": "x"}), PASS),
    ("IAM-08", "iam/role:Role", trust(ACCOUNT, StringLike={"sts:ExternalId": "*"}), FAIL),
    ("IAM-08", "iam/role:Role", trust(ACCOUNT, StringNotEquals={"sts:ExternalId": "x"}), FAIL),
    ("IAM-08", "iam/role:Role", trust(ACCOUNT, Bool={"aws:MultiFactorAuthPresent": "true"}), PASS),
    ("IAM-08", "iam/role:Role", trust(ACCOUNT, Bool={"aws:MultiFactorAuthPresent": "false"}), FAIL),
    ("IAM-09", "iam/role:Role", trust(SERVICE, StringEquals={"aws:SourceAccount": "1"}), PASS),
    ("IAM-09", "iam/role:Role", trust(SERVICE, StringLike={"aws:SourceAccount": "*"}), FAIL),
    ("IAM-09", "iam/role:Role", trust(SERVICE, StringNotEquals={"aws:SourceAccount": "1"}), FAIL),
    ("IAM-09", "iam/role:Role",
     trust(SERVICE, ArnLike={"aws:SourceArn": "arn:aws:events:*:*:rule/*"}), FAIL),
    ("IAM-10", "iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
     {"policyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}, FAIL),
    ("IAM-12", "iam/role:Role", oidc(StringEquals=PINNED), PASS),
    ("IAM-12", "iam/role:Role", oidc(StringNotEquals=PINNED), FAIL),
    ("IAM-12", "iam/role:Role", oidc(StringEqualsIfExists=PINNED), FAIL),
    ("IAM-13", "iam/role:Role", trust(ACCOUNT, NumericLessThan={"aws:MultiFactorAuthAge": "9"}),
     PASS),
    ("IAM-13", "iam/role:Role",
     trust(ACCOUNT, NumericLessThanIfExists={"aws:MultiFactorAuthAge": "9"}), FAIL),
    ("KMS-02", "kms/keyPolicy:KeyPolicy",
     {"policy": document(Action="kms:*", Principal="*", Resource="*", Condition={
         "StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}})}, FAIL),
    ("KMS-03", "kms/keyPolicy:KeyPolicy", {"bypassPolicyLockoutSafetyCheck": True}, FAIL),
    ("KMS-03", "kms/keyPolicy:KeyPolicy", {"bypassPolicyLockoutSafetyCheck": False}, PASS),
    ("KMS-05", "kms/key:Key", {"customKeyStoreId": "cks-1"}, FAIL),
    ("S3-08", "s3/bucketPolicy:BucketPolicy",
     {"policy": document(Action="s3:GetObject", Principal={"CanonicalUser": "79a5"}, Resource="*")},
     FAIL),
    ("S3-07", "s3/bucketAcl:BucketAcl", {"accessControlPolicy": {"grants": [{"grantee": {
        "uri": "http://acs.amazonaws.com/groups/global/AllUsers"}}]}}, FAIL),
    ("S3-07", "s3/bucketAclV2:BucketAclV2", {"accessControlPolicy": {"grants": [{"grantee": {
        "uri": "http://acs.amazonaws.com/groups/s3/LogDelivery"}}]}}, PASS),
    ("S3-07", "s3/bucketV2:BucketV2",
     {"grants": [{"uri": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}]}, FAIL),
    ("S3-04", "s3/bucketV2:BucketV2", {"versionings": [{"enabled": True}]}, PASS),
    ("S3-04", "s3/bucketV2:BucketV2", {"versionings": [{"enabled": False}]}, FAIL),
    ("S3-05", "s3/bucketV2:BucketV2", {"loggings": [{}]}, FAIL),
    ("DDB-01", "dynamodb/tableReplica:TableReplica", {"pointInTimeRecovery": False}, FAIL),
    ("DDB-01", "dynamodb/tableReplica:TableReplica", {"pointInTimeRecovery": True}, PASS),
    ("DDB-02", "dynamodb/tableReplica:TableReplica", {}, FAIL),
    ("DDB-02", "dynamodb/tableReplica:TableReplica", {"kmsKeyArn": "arn:key"}, PASS),
    ("DDB-03", "dynamodb/tableReplica:TableReplica", {"deletionProtectionEnabled": False}, FAIL),
    ("ECS-08", "ecs/taskDefinition:TaskDefinition", container(user="00:1000"), FAIL),
    ("ECS-08", "ecs/taskDefinition:TaskDefinition", container(user="10001"), PASS),
    ("ECS-15", "ecs/taskDefinition:TaskDefinition", {"cpu": "256", "memory": "512"}, PASS),
    ("ECS-15", "ecs/taskDefinition:TaskDefinition", {"cpu": "256"} | container(name="a"), FAIL),
    ("ECS-15", "ecs/taskDefinition:TaskDefinition", container(cpu=1, memoryReservation=9), PASS),
    ("ECS-15", "ecs/taskDefinition:TaskDefinition", container(cpu=1), FAIL),
    ("LB-01", "lb/listenerRule:ListenerRule",
     {"listenerArn": "arn:other", "actions": [{"type": "forward"}]}, FAIL),
    ("VPC-05", "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
     {"securityGroupId": "sg-other", "fromPort": 443, "toPort": 443, "ipProtocol": "tcp",
      "cidrIpv4": "0.0.0.0/0"}, FAIL),
    ("VPC-05", "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
     {"securityGroupId": "sg-other", "fromPort": 443, "toPort": 443, "ipProtocol": "tcp",
      "cidrIpv4": "10.0.0.0/16"}, PASS),
    ("VPC-05", "ec2/defaultSecurityGroup:DefaultSecurityGroup",
     {"ingress": [{"fromPort": 443, "toPort": 443, "protocol": "tcp", "cidrBlocks": OPEN}]}, FAIL),
    ("VPC-09", "ec2/networkAclRule:NetworkAclRule",
     {"networkAclId": "acl-other", "protocol": "tcp", "fromPort": 22, "toPort": 22,
      "ruleAction": "allow", "cidrBlock": "0.0.0.0/0"}, FAIL),
    ("VPC-09", "ec2/networkAclRule:NetworkAclRule",
     {"networkAclId": "acl-other", "protocol": "tcp", "fromPort": 443, "toPort": 443,
      "ruleAction": "allow", "cidrBlock": "0.0.0.0/0"}, PASS),
    ("IAM-03", "iam/policy:Policy",
     {"policy": '{"Statement": [], "Statement": [{"Effect": "Allow"}]}'}, FAIL),
    ("IAM-03", "iam/policy:Policy",
     {"policy": '{"Statement": [], "statement": [{"Effect": "Allow"}]}'}, FAIL),
]  # fmt: skip


@pytest.mark.parametrize(("control", "kind", "props", "expected"), ALONE, ids=str)
def test_one_resource_is_seen_through(
    harness: Any, control: str, kind: str, props: dict[str, Any], expected: Verdict
) -> None:
    found = harness.verdict(control, harness.Declared(f"aws:{kind}", "r", props))

    assert (FAIL in found, PASS in found) == (expected is FAIL, expected is PASS)


HTTP = {"protocol": "HTTP", "defaultActions": [{"type": "redirect"}]}
FORWARD = {"type": "forward", "targetGroupArn": "arn:group"}
REDIRECT = {"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}


@pytest.mark.parametrize("module", ["lb", "alb"])
@pytest.mark.parametrize(
    ("protocol", "action", "expected"),
    [("HTTP", FORWARD, FAIL), ("HTTP", REDIRECT, PASS), ("HTTPS", FORWARD, PASS)],
)
def test_a_rule_of_a_plain_listener_redirects_as_well(
    harness: Any, module: str, protocol: str, action: dict[str, Any], expected: Verdict
) -> None:
    listener = harness.Declared("aws:lb/listener:Listener", "l", {"protocol": protocol})
    rule = harness.Declared(
        f"aws:{module}/listenerRule:ListenerRule",
        "r",
        {"listenerArn": harness.UNKNOWN, "actions": [action]},
        {"listenerArn": [listener.urn]},
    )

    assert of(harness, "LB-01", rule, listener) == {expected}


def of(harness: Any, control: str, one: Any, *others: Any) -> set[Verdict]:
    records = harness.Bench([harness.controls[control]]).run([one, *others])
    return {record.verdict for record in records if record.urn == one.urn} - {
        Verdict.NOT_APPLICABLE
    }


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [("arn:aws:iam::111122223333:server-certificate/old", FAIL), ("arn:aws:acm:x", PASS)],
)
def test_a_certificate_of_iam_is_none_of_acm(
    harness: Any, certificate: str, expected: Verdict
) -> None:
    balancer = harness.Declared("aws:lb/loadBalancer:LoadBalancer", "b", {})
    props = {"protocol": "HTTPS", "certificateArn": certificate}
    listener = harness.Declared(
        "aws:lb/listener:Listener", "l", props, {"loadBalancerArn": [balancer.urn]}
    )

    assert of(harness, "LB-03", balancer, listener) == {expected}


@pytest.mark.parametrize(
    ("source", "worn", "expected"),
    [("front", True, PASS), ("front", False, FAIL), ("app", False, PASS), ("literal", True, FAIL)],
)
@pytest.mark.parametrize("shape", ["inline", "rule", "ingress rule"])
def test_an_application_admits_the_balancers_group_and_no_other(
    harness: Any, source: str, worn: Any, expected: Verdict, shape: str
) -> None:
    group = "aws:ec2/securityGroup:SecurityGroup"
    front, app = harness.Declared(group, "front", {}), harness.Declared(group, "app", {})
    urns = {"front": [front.urn], "app": [app.urn], "literal": []}[source]
    named = "sg-other" if source == "literal" else harness.UNKNOWN
    others = [front]
    if shape == "inline":
        app.props = {"ingress": [{"securityGroups": [named], "protocol": "tcp"}]}
        app.depends = {"ingress": urns}
    else:
        kind, prop = {
            "rule": ("aws:ec2/securityGroupRule:SecurityGroupRule", "sourceSecurityGroupId"),
            "ingress rule": (
                "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
                "referencedSecurityGroupId",
            ),
        }[shape]
        links = {"securityGroupId": [app.urn], prop: urns}
        others.append(harness.Declared(kind, "r", {"type": "ingress", prop: named}, links))
    if worn:
        balancer = "aws:lb/loadBalancer:LoadBalancer"
        others.append(harness.Declared(balancer, "b", {}, {"securityGroups": [front.urn]}))
    service = harness.Declared(
        "aws:ecs/service:Service",
        "api",
        {"loadBalancers": [{}], "networkConfiguration": {"securityGroups": [harness.UNKNOWN]}},
        {"networkConfiguration": [app.urn]},
    )

    assert of(harness, "VPC-07", service, app, *others) == {expected}


@pytest.mark.parametrize(("gateway", "expected"), [("igw-1", FAIL), ("nat-1", PASS)])
def test_a_subnet_without_a_table_uses_the_default_one(
    harness: Any, gateway: str, expected: Verdict
) -> None:
    vpc = harness.Declared("aws:ec2/vpc:Vpc", "v", {})
    subnet = harness.Declared("aws:ec2/subnet:Subnet", "s", {}, {"vpcId": [vpc.urn]})
    table = harness.Declared(
        "aws:ec2/defaultRouteTable:DefaultRouteTable",
        "d",
        {"routes": [{"cidrBlock": "128.0.0.0/1", "gatewayId": gateway}]},
        {"defaultRouteTableId": [vpc.urn]},
    )
    service = harness.Declared(
        "aws:ecs/service:Service",
        "api",
        {"networkConfiguration": {"subnets": [harness.UNKNOWN]}},
        {"networkConfiguration": [subnet.urn]},
    )

    assert of(harness, "ECS-05", service, vpc, subnet, table) == {expected}


def log(group: str) -> dict[str, Any]:
    return {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": group}}}


@pytest.mark.parametrize(
    ("second", "expected"), [("/kept", PASS), ("/elsewhere", FAIL), ("/short", FAIL)]
)
def test_the_log_group_of_every_container_is_looked_at(
    harness: Any, second: str, expected: Verdict
) -> None:
    kind = "aws:cloudwatch/logGroup:LogGroup"
    kept = {"name": "/kept", "kmsKeyId": "arn:key", "retentionInDays": 400}
    groups = [
        harness.Declared(kind, "kept", kept),
        harness.Declared(kind, "short", kept | {"name": "/short", "retentionInDays": 1}),
    ]
    definitions = json.dumps([log("/kept"), log(second)])
    task = harness.Declared(
        "aws:ecs/taskDefinition:TaskDefinition",
        "t",
        {"containerDefinitions": definitions},
        {"containerDefinitions": [groups[0].urn]},
    )

    assert of(harness, "ECS-11", task, *groups) == {expected}


@pytest.mark.parametrize(("scans", "expected"), [(True, PASS), (False, FAIL)])
def test_an_image_is_joined_with_its_repository_by_name(
    harness: Any, scans: Any, expected: Verdict
) -> None:
    scanning = {"imageScanningConfiguration": {"scanOnPush": scans}}
    repository = harness.Declared(
        "aws:ecr/repository:Repository", "r", {"name": "shop/api"} | scanning
    )
    image = f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/shop/api@sha256:{'0' * 64}"
    task = harness.Declared("aws:ecs/taskDefinition:TaskDefinition", "t", container(image=image))

    assert of(harness, "ECS-13", task, repository) == {expected}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [("*", PASS), ("arn:aws:s3:::mine/*", PASS), ("arn:aws:s3:::mine*", PASS),
     ("arn:aws:s3:::other/*", FAIL), ("arn:aws:s3:::mine", FAIL)],
)  # fmt: skip
def test_a_denial_of_plain_http_reaches_the_objects_of_its_bucket(
    harness: Any, resource: str, expected: Verdict
) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resource}
    conditions = (
        {"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    )  # fmt: skip
    text = json.dumps({"Statement": [deny | {"Condition": each} for each in conditions]})
    bucket = harness.Declared("aws:s3/bucket:Bucket", "b", {"bucket": "mine", "policy": text})

    assert of(harness, "S3-06", bucket) == {expected}


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        (("Bool", "NumericLessThan"), PASS),
        (("BoolIfExists", "NumericLessThanIfExists"), PASS),
        (("StringNotEquals", "NumericLessThan"), FAIL),
        (("Bool", "NumericGreaterThan"), FAIL),
        (("Null", "NumericLessThan"), FAIL),
    ],
)
def test_a_denial_of_plain_http_tests_in_the_right_direction(
    harness: Any, operators: tuple[str, str], expected: Verdict
) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    tests = ({"aws:SecureTransport": "false"}, {"s3:TlsVersion": "1.2"})
    statements = [deny | {"Condition": {o: t}} for o, t in zip(operators, tests, strict=True)]
    bucket = harness.Declared(
        "aws:s3/bucketV2:BucketV2", "b", {"policy": json.dumps({"Statement": statements})}
    )

    assert of(harness, "S3-06", bucket) == {expected}


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("rate(30 days)", 30),
        ("rate(1 day)", 1),
        ("rate(48 hours)", 2),
        ("rate(365 days)", 365),
        ("cron(0 4 1 * ? *)", 31),
        ("cron(0 4 ? * MON *)", 31),
        ("cron(0 4 1 */2 ? *)", 62),
        ("cron(0 4 1 JAN,JUL ? *)", 186),
        ("cron(0 4 1 1-6 ? *)", 217),
        ("cron(0 4 1 3 ? *)", 372),
        ("cron(0 4 1 1/3 ? *)", 93),
        ("cron(0 4 1 * ? 2027)", None),
        ("cron(0 4 1 SOON ? *)", None),
        ("at(2027-01-01)", None),
        ("", None),
    ],
)
def test_a_schedule_says_how_long_it_may_pause(expression: str, days: float | None) -> None:
    assert longest_pause(expression) == days


@pytest.mark.parametrize(
    ("expression", "expected"), [("rate(90 days)", PASS), ("rate(91 days)", FAIL)]
)
def test_a_rotation_by_schedule_is_held_to_the_same_period(
    harness: Any, expression: str, expected: Verdict
) -> None:
    secret = harness.Declared("aws:secretsmanager/secret:Secret", "s", {})
    rotation = harness.Declared(
        "aws:secretsmanager/secretRotation:SecretRotation",
        "r",
        {"rotationRules": {"scheduleExpression": expression}},
        {"secretId": [secret.urn]},
    )

    assert of(harness, "SEC-02", secret, rotation) == {expected}


def test_what_stands_inside_a_secret_is_secret(harness: Any) -> None:
    key = "AKIA" + "Z" * 16
    block = harness.SECRET | {"value": {"deep": [key]}}
    kind = "aws:ssm/parameter:Parameter"

    assert harness.verdict("SEC-05", harness.Declared(kind, "p", {"value": block})) == {PASS}
    assert harness.verdict("SEC-05", harness.Declared(kind, "p", {"value": {"deep": key}})) == {
        FAIL
    }


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"dataResources": [{"type": "AWS::S3::Object", "values": ["x"]}]}, PASS),
        ({"dataResources": [{"type": "AWS::DynamoDB::Table", "values": ["x"]}]}, FAIL),
    ],
    ids=["objects", "rows"],
)  # fmt: skip
def test_data_events_are_of_the_kind_of_the_resource(
    harness: Any, selector: dict[str, Any], expected: Verdict
) -> None:
    bucket = harness.Declared("aws:s3/bucket:Bucket", "b", {"tags": {"pci-scope": "in"}})
    trail = harness.Declared(
        "aws:cloudtrail/trail:Trail",
        "t",
        {"eventSelectors": [selector]},
        {"eventSelectors": [bucket.urn]},
    )

    assert of(harness, "CT-07", bucket, trail) == {expected}


@pytest.mark.parametrize(("namespace", "expected"), [("Trail", PASS), ("Other", FAIL)])
def test_an_alarm_watches_the_metric_of_its_namespace(
    harness: Any, namespace: str, expected: Verdict
) -> None:
    passing = harness.record(harness.controls["CW-04"].passing)
    for resource in passing:
        if "metricAlarm" in resource.type:
            resource.props["namespace"] = namespace
            resource.depends = {}
        if "logMetricFilter" in resource.type:
            resource.props["metricTransformation"]["namespace"] = "Trail"
    (trail,) = [resource for resource in passing if "trail" in resource.type]

    assert of(harness, "CW-04", trail, *(r for r in passing if r is not trail)) == {expected}


def test_two_unknown_names_are_not_the_same(harness: Any) -> None:
    bucket = harness.Declared("aws:s3/bucket:Bucket", "b", {"bucket": harness.UNKNOWN})
    block = harness.Declared(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "p",
        {"bucket": harness.UNKNOWN, "blockPublicAcls": True, "blockPublicPolicy": True,
         "ignorePublicAcls": True, "restrictPublicBuckets": True},
    )  # fmt: skip

    assert of(harness, "S3-01", bucket, block) == {Verdict.UNKNOWN}
