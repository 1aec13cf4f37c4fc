"""Trails, audit buckets and alarms in the shapes that programs write them."""

import json
from typing import Any

import pytest

from guardrails.verdicts import Verdict

BUCKET = "aws:s3/bucket:Bucket"
TRAIL = "aws:cloudtrail/trail:Trail"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
MANAGEMENT = {"field": "eventCategory", "equals": ["Management"]}


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({}, Verdict.PASS),
        ({"advancedEventSelectors": [{"fieldSelectors": [MANAGEMENT]}]}, Verdict.PASS),
        (
            {
                "advancedEventSelectors": [
                    {"fieldSelectors": [MANAGEMENT, {"field": "readOnly", "equals": ["true"]}]},
                    {"fieldSelectors": [{"field": "eventCategory", "equals": ["Data"]}]},
                ]
            },
            Verdict.FAIL,
        ),
        ({"eventSelectors": [{"readWriteType": "All"}]}, Verdict.PASS),
        ({"eventSelectors": [{"readWriteType": "WriteOnly"}]}, Verdict.FAIL),
        ({"eventSelectors": [{"includeManagementEvents": False}]}, Verdict.FAIL),
        (
            {"eventSelectors": [{"excludeManagementEventSources": ["kms.amazonaws.com"]}]},
            Verdict.FAIL,
        ),
    ],
    ids=["default", "all", "reads only", "basic", "writes", "none", "without KMS"],
)
def test_management_events_are_complete_in_both_kinds_of_selectors(
    harness: Any, props: dict[str, Any], expected: Verdict
) -> None:
    assert harness.verdict("CT-06", harness.Declared(TRAIL, "t", props)) == {expected}


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ({"eventSelectors": [{"dataResources": [
            {"type": "AWS::S3::Object", "values": ["arn:aws:s3:::"]}]}]}, Verdict.PASS),
        ({"eventSelectors": [{"dataResources": [
            {"type": "AWS::S3::Object", "values": ["arn:aws:s3:::cards/"]}]}]}, Verdict.PASS),
        ({"eventSelectors": [{"dataResources": [
            {"type": "AWS::S3::Object", "values": ["arn:aws:s3:::other/"]}]}]}, Verdict.FAIL),
        ({"eventSelectors": [{"dataResources": [
            {"type": "AWS::DynamoDB::Table", "values": ["arn:aws:dynamodb"]}]}]}, Verdict.FAIL),
        ({"advancedEventSelectors": [{"fieldSelectors": [
            {"field": "resources.type", "equals": ["AWS::S3::Object"]}]}]}, Verdict.PASS),
        ({"advancedEventSelectors": [{"fieldSelectors": [
            {"field": "resources.type", "equals": ["AWS::S3::Object"]},
            {"field": "resources.ARN", "startsWiths": ["arn:aws:s3:::cards/"]}]}]}, Verdict.PASS),
        ({}, Verdict.FAIL),
    ],
    ids=["all", "named", "another", "tables", "advanced", "prefix", "none"],
)  # fmt: skip
def test_data_events_are_recognised_by_kind_and_prefix(
    harness: Any, selectors: dict[str, Any], expected: Verdict
) -> None:
    bucket = harness.Declared(
        BUCKET, "b", {"tags": {"data-class": "chd"}}, outputs={"arn": "arn:aws:s3:::cards"}
    )
    trail = harness.Declared(TRAIL, "t", selectors)

    assert harness.verdict("CT-07", bucket, trail) == {expected}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, Verdict.FAIL),
        ({"pci-scope": "in"}, Verdict.FAIL),
        ({"pci-scope": "out"}, Verdict.NOT_APPLICABLE),
        ({"data-class": "internal"}, Verdict.NOT_APPLICABLE),
        ({"data-class": "internal", "pci-scope": "in"}, Verdict.FAIL),
        ({"data-class": "internal", "pci-scope": "Out"}, Verdict.NOT_APPLICABLE),
        ({"data-class": "ephi", "pci-scope": "out"}, Verdict.FAIL),
        ({"data-class": "audit", "pci-scope": "out"}, Verdict.FAIL),
    ],
    ids=["silent", "in", "out", "internal", "internal in", "internal out", "health", "audit"],
)
def test_what_is_silent_about_itself_counts_as_sensitive(
    harness: Any, tags: dict[str, str], expected: Verdict
) -> None:
    assert harness.verdict("CT-07", harness.Declared(BUCKET, "b", {"tags": tags})) == {expected}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}], Verdict.FAIL),
        ([{"Effect": "Allow", "Action": "logs:Put*", "Resource": "*"}], Verdict.PASS),
        (
            [
                {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "logs:Delete*", "Resource": "*"},
            ],
            Verdict.PASS,
        ),
        (
            [
                {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "logs:Delete*", "Resource": "arn:aws:logs:::x"},
            ],
            Verdict.FAIL,
        ),
    ],
    ids=["whole service", "writing", "denied", "denied in part"],
)
def test_a_record_can_be_stopped_unless_it_is_denied_everywhere(
    harness: Any, statements: list[dict[str, Any]], expected: Verdict
) -> None:
    policy = harness.Declared(ROLE_POLICY, "p", {"policy": json.dumps({"Statement": statements})})

    assert harness.verdict("CT-09", policy) == {expected}


def test_another_policy_of_the_same_role_may_deny_it(harness: Any) -> None:
    role = harness.Declared("aws:iam/role:Role", "r", {})

    def policy(name: str, effect: str) -> Any:
        document = {"Statement": {"Effect": effect, "Action": "logs:Delete*", "Resource": "*"}}
        props = {"policy": json.dumps(document), "role": harness.UNKNOWN}
        return harness.Declared(ROLE_POLICY, name, props, {"role": [role.urn]})

    assert harness.verdict("CT-09", policy("a", "Allow")) == {Verdict.FAIL}
    assert harness.verdict("CT-09", role, policy("a", "Allow"), policy("d", "Deny")) == {
        Verdict.PASS
    }


FACTOR = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
OPERATOR = "arn:aws:iam::111122223333:role/operator"


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        ({"Principal": {"AWS": OPERATOR}, "Condition": FACTOR}, Verdict.NOT_APPLICABLE),
        ({"Principal": {"AWS": OPERATOR}}, Verdict.FAIL),
        ({"Principal": {"Service": "codebuild.amazonaws.com"}, "Condition": FACTOR}, Verdict.FAIL),
        ({"Principal": "*", "Condition": FACTOR}, Verdict.FAIL),
    ],
    ids=["a person, twice proven", "once proven", "a service", "anyone"],
)
def test_a_trail_is_changed_by_people_who_prove_themselves_twice(
    harness: Any, trust: dict[str, Any], expected: Verdict
) -> None:
    """Inline, attached, or as the boundary: what matters is who may assume the role."""
    allowed = {"Effect": "Allow", "Action": "cloudtrail:UpdateTrail", "Resource": "*"}
    document = {"policy": json.dumps({"Statement": allowed})}
    limit = harness.Declared("aws:iam/policy:Policy", "limit", document)
    attached = harness.Declared("aws:iam/policy:Policy", "attached", document)
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", **trust}
    role = harness.Declared(
        "aws:iam/role:Role",
        "r",
        {"assumeRolePolicy": json.dumps({"Statement": assume})},
        {"permissionsBoundary": [limit.urn]},
    )
    inline = harness.Declared(
        ROLE_POLICY, "p", {**document, "role": harness.UNKNOWN}, {"role": [role.urn]}
    )
    link = harness.Declared(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "l",
        {"role": harness.UNKNOWN, "policyArn": harness.UNKNOWN},
        {"role": [role.urn], "policyArn": [attached.urn]},
    )

    for policy, others in ((inline, [role]), (limit, [role]), (attached, [role, link])):
        records = harness.Bench([harness.controls["CT-09"]]).run([policy, *others])
        assert {r.verdict for r in records if r.urn == policy.urn} == {expected}


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"lifecycleRules": [{"enabled": True, "expiration": {"days": 30},
                              "abortIncompleteMultipartUploadDays": 7}]}, Verdict.PASS),
        ({"lifecycleRules": [{"enabled": False, "expiration": {"days": 30},
                              "abortIncompleteMultipartUploadDays": 7}]}, Verdict.FAIL),
        ({"lifecycleRules": [{"enabled": True, "expiration": {"days": 30}}]}, Verdict.FAIL),
        ({}, Verdict.FAIL),
    ],
    ids=["inline", "off", "unfinished", "none"],
)  # fmt: skip
def test_disposal_is_seen_in_the_inline_shape(
    harness: Any, props: dict[str, Any], expected: Verdict
) -> None:
    assert harness.verdict("S3-10", harness.Declared(BUCKET, "b", props)) == {expected}


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        ({"mode": "COMPLIANCE", "days": 365}, Verdict.PASS),
        ({"mode": "GOVERNANCE", "years": 1}, Verdict.PASS),
        ({"mode": "COMPLIANCE", "days": 30}, Verdict.FAIL),
        ({"days": 365}, Verdict.FAIL),
    ],
    ids=["days", "years", "short", "no mode"],
)
@pytest.mark.parametrize("inline", [True, False], ids=["inline", "split"])
def test_a_lock_is_seen_in_both_shapes(
    harness: Any, retention: dict[str, Any], expected: Verdict, inline: Any
) -> None:
    lock = {"rule": {"defaultRetention": retention}}
    props = {"tags": {"data-class": "audit"}} | (
        {"objectLockConfiguration": lock} if inline else {}
    )
    bucket = harness.Declared(BUCKET, "b", props)
    split = harness.Declared(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "lock",
        lock,
        {"bucket": [bucket.urn]},
    )

    assert harness.verdict("S3-09", bucket, *([] if inline else [split])) == {expected}


def test_the_target_of_access_logs_is_neither_logged_nor_locked(harness: Any) -> None:
    target = harness.Declared(BUCKET, "target", {"tags": {"data-class": "audit"}})
    source = harness.Declared(BUCKET, "source", {"tags": {"data-class": "internal"}})
    logging = harness.Declared(
        "aws:s3/bucketLogging:BucketLogging",
        "logging",
        {"targetBucket": harness.UNKNOWN},
        {"bucket": [source.urn], "targetBucket": [target.urn]},
    )

    for control in ("S3-05", "S3-09"):
        records = harness.Bench([harness.controls[control]]).run([target, source, logging])
        found = {r.urn: r.verdict for r in records}
        assert found[target.urn] is Verdict.NOT_APPLICABLE


def test_what_another_stack_holds_is_declared_not_assumed(harness: Any) -> None:
    role = harness.Declared("aws:iam/role:Role", "r", {})
    for control in ("CT-01", "IAM-14"):
        held = {control.lower(): {"heldIn": "organisation/audit"}}
        bench = harness.Bench([harness.controls[control]], config=held)

        assert harness.verdict(control, role) == {Verdict.FAIL}
        assert {r.verdict for r in bench.run([role])} == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize("prop", ["dimensions", "metricQueries"])
def test_an_alarm_is_seen_in_both_shapes(harness: Any, prop: str) -> None:
    table = harness.Declared("aws:dynamodb/table:Table", "t", {})
    alarm = harness.Declared(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "a",
        {prop: harness.UNKNOWN},
        {prop: [table.urn]},
    )

    assert harness.verdict("CW-06", table) == {Verdict.FAIL}
    assert harness.verdict("CW-06", table, alarm) == {Verdict.PASS}


def test_an_alarm_without_an_action_acts_through_the_composite_that_reads_it(harness: Any) -> None:
    alarm = harness.Declared("aws:cloudwatch/metricAlarm:MetricAlarm", "a", {})
    topic = harness.Declared("aws:sns/topic:Topic", "t", {})
    heard = harness.Declared(
        "aws:sns/topicSubscription:TopicSubscription",
        "s",
        {"topic": harness.UNKNOWN},
        {"topic": [topic.urn]},
    )
    composite = harness.Declared(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "c",
        {"alarmRule": 'ALARM("a")', "alarmActions": [harness.UNKNOWN]},
        {"alarmRule": [alarm.urn], "alarmActions": [topic.urn]},
    )

    assert harness.verdict("CW-03", alarm) == {Verdict.FAIL}
    assert harness.verdict("CW-03", alarm, composite, topic, heard) == {Verdict.PASS}


def test_an_event_rule_watches_a_pipeline(harness: Any) -> None:
    pipeline = harness.Declared("aws:codepipeline/pipeline:Pipeline", "p", {})
    rule = harness.Declared(
        "aws:cloudwatch/eventRule:EventRule",
        "r",
        {"eventPattern": harness.UNKNOWN},
        {"eventPattern": [pipeline.urn]},
    )

    assert harness.verdict("CW-06", pipeline) == {Verdict.FAIL}
    assert harness.verdict("CW-06", pipeline, rule) == {Verdict.PASS}


def test_a_bucket_of_the_trail_that_cannot_be_seen_is_a_finding(harness: Any) -> None:
    trail = harness.Declared(TRAIL, "t", {"s3BucketName": "elsewhere"})

    assert harness.verdict("CT-08", trail) == {Verdict.FAIL}
