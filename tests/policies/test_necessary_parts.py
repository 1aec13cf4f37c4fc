"""Every part of a passing program counts: without it the control no longer passes."""

import json
from typing import Any

import pytest

from guardrails.control import Control
from guardrails.registry import registry
from guardrails.verdicts import Verdict, merged

PASS, FAIL = Verdict.PASS, Verdict.FAIL
# Parts that make a program run, or are themselves what is judged; the names of their types.
INCIDENTAL = {
    "ACC-03": {"Key", "Queue", "Topic"},
    "ACC-04": {"aws", "Key", "Plan"},
    "ACC-07": {"Subnet", "Vpc"},
    "CB-02": {"LogGroup"},
    "CB-03": {"Key"},
    "CF-06": {"OriginAccessControl"},
    "CP-01": {"Key"},
    "CT-04": {"Key"},
    "CT-05": {"Role"},
    "CT-08": {"Bucket"},
    "CT-09": {"Role", "RolePolicy"},
    "DDB-04": {"Key"},
    "ECR-03": {"Key"},
    "ECR-04": {"aws"},
    "ECS-01": {"Key", "LogGroup"},
    "ECS-05": {"InternetGateway", "RouteTable", "RouteTableAssociation", "Subnet", "Vpc"},
    "ECS-10": {"RolePolicy"},
    "ECS-11": {"Key"},
    "IAM-04": {"Role", "RolePolicy"},
    "LB-07": {"LoadBalancer"},
    "S3-02": {"Bucket"},
    "S3-03": {"Key"},
    "S3-05": {"Bucket"},
    "S3-08": {"aws"},
    "S3-11": {"BucketLifecycleConfiguration"},
    "SEC-01": {"Key"},
    "SEC-03": {"Secret"},
    "VPC-01": {"Key"},
    "VPC-05": {"SecurityGroupIngressRule", "Vpc"},
    "VPC-06": {"Vpc"},
    "VPC-07": {"SecurityGroupIngressRule", "Vpc"},
    "VPC-08": {"SecurityGroup", "SecurityGroupEgressRule", "Vpc"},
    "VPC-09": {"Subnet", "Vpc"},
    "VPC-10": {"Route", "Vpc"},
    "VPC-11": {"Vpc"},
    "VPC-12": {"Vpc"},
    "VPC-13": {"SecurityGroupIngressRule", "Vpc"},
    "WAF-01": {"LoadBalancer"},
    "WAF-06": {"WebAcl"},
}
JOINED = [control for control in registry().values() if control.join]


@pytest.mark.parametrize("control", JOINED, ids=lambda control: control.id)
def test_a_program_without_a_part_it_needs_does_not_pass(control: Control, harness: Any) -> None:
    whole = harness.record(control.passing)
    if len(whole) == 1:
        assert control.id not in INCIDENTAL
        return
    for gone in whole:
        rest = [resource for resource in whole if resource is not gone]
        found = {record.verdict for record in merged(harness.Bench([control]).run(rest))}
        needed = gone.type.rpartition(":")[2] not in INCIDENTAL.get(control.id, ())
        assert not needed or found != {PASS}, gone.urn


@pytest.mark.parametrize("control", JOINED, ids=lambda control: control.id)
def test_what_exists_is_joined_by_its_identifiers_alone(control: Control, harness: Any) -> None:
    passing, failing = map(harness.record_deployed, (control.passing, control.failing))
    assert not any(harness.UNKNOWN in str(one.props) or one.depends for one in passing)

    found = {record.verdict for record in merged(harness.Bench([control]).run(passing))}
    assert PASS in found
    assert found <= {PASS, Verdict.NOT_APPLICABLE}
    assert FAIL in {r.verdict for r in merged(harness.Bench([control]).run(failing))}


def of(harness: Any, control: str, one: Any, *others: Any) -> set[Verdict]:
    records = harness.Bench([harness.controls[control]]).run([one, *others])
    return {record.verdict for record in records if record.urn == one.urn} - {
        Verdict.NOT_APPLICABLE
    }


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["arn:aws:ssm:eu-west-1:111122223333:opsitem:1"], PASS),
        (["arn:aws:sns:eu-west-1:111122223333:elsewhere"], FAIL),
        (["arn:aws:ssm:eu-west-1:1:opsitem:1", "arn:aws:sns:eu-west-1:1:elsewhere"], FAIL),
        ([], FAIL),
    ],
)
def test_an_alarm_without_a_topic_of_the_stack_passes_only_if_it_notifies_none(
    harness: Any, actions: list[str], expected: Verdict
) -> None:
    alarm = harness.Declared(
        "aws:cloudwatch/metricAlarm:MetricAlarm", "a", {"alarmActions": actions}
    )

    assert of(harness, "CW-03", alarm) == {expected}


@pytest.mark.parametrize(
    ("value", "random"),
    [
        ("aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA", True),
        ("aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z", False),
        ("aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z A", False),
        ("ab3de5gh7jk9mn1pq2rs4tu6vw8xy0za", False),
        ("aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB", False),
        ("aBcD1234aBcD1234aBcD1234aBcD1234aBcD1234", False),
    ],
)
def test_a_long_word_of_high_entropy_is_taken_for_a_key(
    harness: Any, value: str, random: Any
) -> None:
    environment = [{"environment": [{"name": "SETTING", "value": value}]}]
    props = {"containerDefinitions": json.dumps(environment)}
    task = harness.Declared("aws:ecs/taskDefinition:TaskDefinition", "t", props)

    assert of(harness, "ECS-09", task) == {FAIL if random else PASS}


@pytest.mark.parametrize(
    ("classes", "expected"), [(["card"], PASS), (["card", "card"], PASS), (["card", "mail"], FAIL)]
)
def test_a_key_serves_one_class_of_data(
    harness: Any, classes: list[str], expected: Verdict
) -> None:
    key = harness.Declared("aws:kms/key:Key", "k", {"policy": json.dumps({"Statement": []})})
    tables = [
        harness.Declared(
            "aws:dynamodb/table:Table",
            f"t{index}",
            {"tags": {"data-class": name}, "serverSideEncryption": {"enabled": True}},
            {"serverSideEncryption": [key.urn]},
        )
        for index, name in enumerate(classes)
    ]

    assert of(harness, "KMS-04", key, *tables) == {expected}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([{"singleHeader": {"name": "Authorization"}}, {"singleHeader": {"name": "cookie"}},
          {"queryString": {}}], PASS),
        ([{"singleHeader": {"name": "authorization"}}, {"singleHeader": {"name": "cookie"}}], FAIL),
        ([{"singleHeader": {"name": "authorization"}}, {"queryString": {}}], FAIL),
        ([], FAIL),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_firewall_logs_leaves_out_credentials_and_the_query(
    harness: Any, fields: list[Any], expected: Verdict
) -> None:
    kind = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"

    assert of(harness, "WAF-06", harness.Declared(kind, "l", {"redactedFields": fields})) == {
        expected
    }


@pytest.mark.parametrize(("days", "expected"), [(365, PASS), (364, FAIL)])
def test_a_firewalls_stream_is_followed_to_its_bucket(
    harness: Any, days: int, expected: Verdict
) -> None:
    acl = harness.Declared("aws:wafv2/webAcl:WebAcl", "w", {})
    rules = [{"status": "Enabled", "expiration": {"days": days}}]
    bucket = harness.Declared("aws:s3/bucket:Bucket", "b", {"lifecycleRules": rules})
    stream = harness.Declared(
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream", "s", {},
        {"extendedS3Configuration": [bucket.urn]},
    )  # fmt: skip
    logging = harness.Declared(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", "l", {},
        {"resourceArn": [acl.urn], "logDestinationConfigs": [stream.urn]},
    )  # fmt: skip

    assert of(harness, "WAF-02", acl, bucket, stream, logging) == {expected}


@pytest.mark.parametrize(("replica", "expected"), [({"kmsKeyArn": "arn:key"}, PASS), ({}, FAIL)])
def test_a_replica_in_the_table_has_its_own_key(
    harness: Any, replica: dict[str, Any], expected: Verdict
) -> None:
    key = harness.Declared("aws:kms/key:Key", "k", {"enableKeyRotation": True})
    props = {"serverSideEncryption": {"enabled": True, "kmsKeyArn": "x"}, "replicas": [replica]}
    table = harness.Declared(
        "aws:dynamodb/table:Table", "t", props, {"serverSideEncryption": [key.urn]}
    )

    assert expected in of(harness, "DDB-02", table, key)
    assert (FAIL in of(harness, "DDB-02", table, key)) is (expected is FAIL)
