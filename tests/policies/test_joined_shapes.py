"""Controls that join resources: which of several counts, and what beside it does not."""

import json
from typing import Any

import pytest

from guardrails.verdicts import Verdict

PASS, FAIL, NOT_APPLICABLE = Verdict.PASS, Verdict.FAIL, Verdict.NOT_APPLICABLE
BUCKET = "aws:s3/bucket:Bucket"
TABLE = "aws:dynamodb/table:Table"
KEY = "aws:kms/key:Key"


def of(harness: Any, control: str, one: Any, *others: Any) -> list[Verdict]:
    """What the control says of `one`, beside the others."""
    records = harness.Bench([harness.controls[control]]).run([one, *others])
    return [record.verdict for record in records if record.urn == one.urn]


def deny(key: str, values: Any, **changed: Any) -> dict[str, Any]:
    operator = "Bool" if "Secure" in key else "NumericLessThan"
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    return statement | {"Condition": {operator: {key: values}}} | changed


TLS, VERSION = deny("aws:SecureTransport", "false"), deny("s3:TlsVersion", "1.2")


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([TLS, VERSION], PASS),
        ([TLS], FAIL),
        ([VERSION], FAIL),
        ([TLS, VERSION | {"Effect": "Allow"}], FAIL),
        ([TLS, VERSION | {"Principal": {"AWS": "111122223333"}}], FAIL),
        ([TLS, VERSION | {"Action": "s3:GetObject"}], FAIL),
        ([TLS, deny("s3:TlsVersion", "1.1")], FAIL),
        ([TLS, deny("s3:TlsVersion", "1.3")], PASS),
        ([deny("aws:SecureTransport", ["true", "false"]), VERSION], FAIL),
        ([deny("aws:SecureTransport", ["false", "true"]), VERSION], FAIL),
        ([TLS | {"Condition": TLS["Condition"] | {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
          VERSION], FAIL),
    ],
)  # fmt: skip
def test_a_bucket_denies_everyone_without_modern_tls(
    harness: Any, statements: list[dict[str, Any]], expected: Verdict
) -> None:
    bucket = harness.Declared(BUCKET, "b", {"policy": json.dumps({"Statement": statements})})

    assert harness.verdict("S3-06", bucket) == {expected}


@pytest.mark.parametrize(
    ("cidr", "gateway", "expected"),
    [
        ("0.0.0.0/0", "igw-1", FAIL),
        ("0.0.0.0/0", "nat-1", PASS),
        ("10.0.0.0/8", "igw-1", PASS),
        ("10.0.0.0/8", "nat-1", PASS),
    ],
)
def test_only_a_route_of_everything_to_an_internet_gateway_is_public(
    harness: Any, cidr: str, gateway: str, expected: Verdict
) -> None:
    kind = "aws:ec2/defaultRouteTable:DefaultRouteTable"
    inline = harness.Declared(kind, "t", {"routes": [{"cidrBlock": cidr, "gatewayId": gateway}]})
    table = harness.Declared(kind, "t", {})
    route = harness.Declared(
        "aws:ec2/route:Route",
        "r",
        {"destinationCidrBlock": cidr, "gatewayId": gateway},
        {"routeTableId": [table.urn]},
    )

    assert of(harness, "VPC-10", inline) == [expected]
    assert of(harness, "VPC-10", table, route) == [expected]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("table",), PASS),
        (("log",), PASS),
        (("table", "table"), PASS),
        (("table", "log"), FAIL),
    ],
)
def test_one_key_does_not_protect_logs_and_data(
    harness: Any, kinds: tuple[str, ...], expected: Verdict
) -> None:
    key = harness.Declared(KEY, "k", {})
    makers = {
        "table": ("aws:dynamodb/table:Table", "serverSideEncryption"),
        "log": ("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
    }
    users = [
        harness.Declared(makers[kind][0], f"u{i}", {}, {makers[kind][1]: [key.urn]})
        for i, kind in enumerate(kinds)
    ]

    assert expected in of(harness, "KMS-04", key, *users)
    assert (FAIL in of(harness, "KMS-04", key, *users)) is (expected is FAIL)


def test_a_trail_of_another_stack_counts_only_where_this_one_has_none(harness: Any) -> None:
    table = harness.Declared(TABLE, "t", {})
    trail = harness.Declared("aws:cloudtrail/trail:Trail", "trail", {})

    def said(config: dict[str, Any], *others: Any) -> list[Verdict]:
        bench = harness.Bench([harness.controls["CT-07"]], config=config)
        return [r.verdict for r in bench.run([table, *others]) if r.urn == table.urn]

    elsewhere = {"ct-07": {"heldIn": "account"}}
    assert said({}) == [FAIL]
    assert said(elsewhere) == [NOT_APPLICABLE]
    assert said(elsewhere, trail) == [FAIL]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [(("a", "a"), FAIL), (("a", "b"), PASS), (("a", ""), PASS), (("", "a"), PASS)],
)
def test_a_task_runs_and_starts_with_two_roles(
    harness: Any, roles: tuple[str, str], expected: Verdict
) -> None:
    named = dict(zip(("taskRoleArn", "executionRoleArn"), roles, strict=True))
    task = harness.Declared(
        "aws:ecs/taskDefinition:TaskDefinition",
        "t",
        {key: f"arn:aws:iam::111122223333:role/{role}" for key, role in named.items() if role},
    )

    assert harness.verdict("ECS-12", task) == {expected}


def logging_to(harness: Any, acl: Any, name: str, days: int) -> list[Any]:
    """A logging configuration and its group, which keeps `days`."""
    group = harness.Declared("aws:cloudwatch/logGroup:LogGroup", name, {"retentionInDays": days})
    setting = harness.Declared(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        name,
        {},
        {"resourceArn": [acl.urn], "logDestinationConfigs": [group.urn]},
    )
    return [group, setting]


@pytest.mark.parametrize(
    ("days", "expected"),
    [((365,), PASS), ((29,), FAIL), ((29, 365), PASS), ((365, 29), PASS), ((29, 29), FAIL)],
)
def test_one_long_record_of_blocked_requests_is_enough(
    harness: Any, days: tuple[int, ...], expected: Verdict
) -> None:
    acl = harness.Declared("aws:wafv2/webAcl:WebAcl", "acl", {})
    others = [each for i, d in enumerate(days) for each in logging_to(harness, acl, f"l{i}", d)]

    assert of(harness, "WAF-02", acl, *others) == [expected]


@pytest.mark.parametrize(("days", "expected"), [(364, FAIL), (365, PASS)])
def test_blocked_requests_may_be_kept_in_a_bucket(
    harness: Any, days: int, expected: Verdict
) -> None:
    acl = harness.Declared("aws:wafv2/webAcl:WebAcl", "acl", {})
    rules = [{"enabled": True, "expiration": {"days": days}}]
    bucket = harness.Declared(BUCKET, "b", {"lifecycleRules": rules})
    setting = harness.Declared(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        "s",
        {},
        {"resourceArn": [acl.urn], "logDestinationConfigs": [bucket.urn]},
    )

    assert of(harness, "WAF-02", acl, bucket, setting) == [expected]
    assert of(harness, "WAF-02", acl, harness.replace(setting, depends={
        "resourceArn": [acl.urn]})) == [FAIL]  # fmt: skip


def test_rules_written_in_two_places_are_named_by_the_first(harness: Any) -> None:
    rule = {"protocol": "tcp", "fromPort": 1, "toPort": 1}
    group = harness.Declared(
        "aws:ec2/securityGroup:SecurityGroup", "g", {"ingress": [rule], "egress": [rule]}
    )
    kind, link = "aws:ec2/securityGroupRule:SecurityGroupRule", {"securityGroupId": [group.urn]}
    apart = harness.Declared(kind, "r", {"type": "ingress"}, link)

    (found,) = harness.Bench([harness.controls["VPC-13"]]).run([group, apart])

    assert (found.verdict, found.path) == (FAIL, "ingress")
