"""Messages, certificates, tags, environments and detection in the shapes that programs write."""

import json
from typing import Any

import pytest

from guardrails.verdicts import Verdict

QUEUE = "aws:sqs/queue:Queue"
BUCKET = "aws:s3/bucket:Bucket"
CERTIFICATE = "aws:acm/certificate:Certificate"
TAGS = {"owner": "team", "env": "production", "data-class": "internal", "pci-scope": "out"}


@pytest.mark.parametrize(
    ("token", "props", "expected"),
    [
        (QUEUE, {}, Verdict.FAIL),
        (QUEUE, {"sqsManagedSseEnabled": True}, Verdict.PASS),
        (QUEUE, {"kmsMasterKeyId": "alias/work"}, Verdict.PASS),
        ("aws:sns/topic:Topic", {"sqsManagedSseEnabled": True}, Verdict.FAIL),
        ("aws:sns/topic:Topic", {"kmsMasterKeyId": "alias/news"}, Verdict.PASS),
    ],
    ids=["plain", "by SQS", "own key", "topic", "topic with key"],
)
def test_messages_are_encrypted_where_they_wait(
    harness: Any, token: str, props: dict[str, Any], expected: Verdict
) -> None:
    assert harness.verdict("ACC-03", harness.Declared(token, "r", props)) == {expected}


@pytest.mark.parametrize(
    "token", ["aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"]
)
def test_a_split_policy_is_judged_like_an_inline_one(harness: Any, token: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Statement": [statement]})
    inline = harness.Declared(QUEUE, "q", {"policy": policy, "sqsManagedSseEnabled": True})

    assert harness.verdict("ACC-03", harness.Declared(token, "p", {"policy": policy})) == {
        Verdict.FAIL
    }
    assert harness.verdict("ACC-03", inline) == {Verdict.FAIL}


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"domainName": "a.example", "validationMethod": "DNS"}, Verdict.PASS),
        ({"domainName": "a.example", "validationMethod": "EMAIL"}, Verdict.FAIL),
        ({"domainName": "a.example", "certificateAuthorityArn": "arn:ca"}, Verdict.PASS),
        ({"certificateBody": "pem"}, Verdict.NOT_APPLICABLE),
        (
            {
                "domainName": "a.example",
                "validationMethod": "DNS",
                "subjectAlternativeNames": ["*.a.example"],
            },
            Verdict.FAIL,
        ),
        (
            {
                "domainName": "*.a.example",
                "validationMethod": "DNS",
                "tags": {"pci-scope": "out"},
            },
            Verdict.PASS,
        ),
        (
            {"domainName": "a.example", "validationMethod": "DNS", "keyAlgorithm": "RSA_1024"},
            Verdict.FAIL,
        ),
        (
            {
                "domainName": "a.example",
                "validationMethod": "DNS",
                "options": {"certificateTransparencyLoggingPreference": "DISABLED"},
            },
            Verdict.FAIL,
        ),
    ],
    ids=["sound", "mail", "private", "imported", "wildcard", "out of scope", "weak", "secret"],
)
def test_a_certificate_is_sound(harness: Any, props: dict[str, Any], expected: Verdict) -> None:
    assert harness.verdict("ACC-05", harness.Declared(CERTIFICATE, "c", props)) == {expected}


@pytest.mark.parametrize("missing", [*TAGS, None])
def test_every_tag_is_asked_for(harness: Any, missing: str | None) -> None:
    tags = {name: value for name, value in TAGS.items() if name != missing}
    expected = Verdict.FAIL if missing else Verdict.PASS

    assert harness.verdict("ACC-06", harness.Declared(BUCKET, "b", {"tags": tags})) == {expected}


def test_default_tags_of_the_provider_count(harness: Any) -> None:
    defaults = {"defaultTags": json.dumps({"tags": TAGS})}
    home = harness.Declared("pulumi:providers:aws", "home", defaults)

    assert harness.verdict("ACC-06", harness.Declared(BUCKET, "b", provider=home)) == {Verdict.PASS}


def test_environments_are_apart(harness: Any) -> None:
    def bucket(name: str, env: Any) -> Any:
        return harness.Declared(BUCKET, name, {"tags": {"env": env}})

    real, test, open_ = bucket("a", "prod"), bucket("b", "test"), bucket("c", harness.UNKNOWN)

    assert harness.verdict("ACC-07", real) == {Verdict.PASS}
    assert harness.verdict("ACC-07", real, test) == {Verdict.FAIL}
    assert harness.verdict("ACC-07", real, open_) == {Verdict.UNKNOWN}
    assert harness.verdict("ACC-07", real, test, open_) == {Verdict.FAIL}
    assert harness.verdict("ACC-07", harness.Declared(BUCKET, "d")) == {Verdict.NOT_APPLICABLE}


def test_a_key_of_production_serves_production_only(harness: Any) -> None:
    key = harness.Declared("aws:kms/key:Key", "k", {"tags": {"env": "prod"}})
    table = harness.Declared(
        "aws:dynamodb/table:Table",
        "t",
        {"tags": {"env": "test"}},
        {"serverSideEncryption": [key.urn]},
    )

    records = harness.Bench([harness.controls["ACC-07"]]).run([key, table])

    assert {r.urn for r in records if r.verdict is Verdict.FAIL} == {key.urn, harness.STACK_URN}


@pytest.mark.parametrize(
    ("props", "features", "expected"),
    [
        ({"enable": True}, ("S3_DATA_EVENTS", "EBS_MALWARE_PROTECTION"), Verdict.PASS),
        ({"enable": False}, ("S3_DATA_EVENTS", "EBS_MALWARE_PROTECTION"), Verdict.FAIL),
        ({}, ("S3_DATA_EVENTS",), Verdict.FAIL),
        (
            {
                "datasources": {
                    "s3Logs": {"enable": True},
                    "malwareProtection": {
                        "scanEc2InstanceWithFindings": {"ebsVolumes": {"enable": True}}
                    },
                }
            },
            (),
            Verdict.PASS,
        ),
    ],
    ids=["features", "off", "half", "inline"],
)
def test_detection_is_seen_in_both_shapes(
    harness: Any, props: dict[str, Any], features: tuple[str, ...], expected: Verdict
) -> None:
    detector = harness.Declared("aws:guardduty/detector:Detector", "d", props)
    split = [
        harness.Declared(
            "aws:guardduty/detectorFeature:DetectorFeature",
            name,
            {"name": name, "status": "ENABLED"},
            {"detectorId": [detector.urn]},
        )
        for name in features
    ]

    records = harness.Bench([harness.controls["ACC-01"]]).run([detector, *split])

    assert {r.verdict for r in records if r.urn == detector.urn} == {expected}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"includeGlobalResourceTypes": True}, Verdict.PASS),
        ({}, Verdict.FAIL),
        ({"allSupported": False, "includeGlobalResourceTypes": True}, Verdict.FAIL),
    ],
    ids=["all", "without global ones", "some"],
)
def test_every_resource_is_recorded(harness: Any, group: dict[str, Any], expected: Verdict) -> None:
    recorder = harness.Declared("aws:cfg/recorder:Recorder", "r", {"recordingGroup": group})
    status = harness.Declared(
        "aws:cfg/recorderStatus:RecorderStatus", "s", {"isEnabled": True}, {"name": [recorder.urn]}
    )

    records = harness.Bench([harness.controls["ACC-02"]]).run([recorder, status])

    assert {r.verdict for r in records if r.urn == recorder.urn} == {expected}
    assert {r.verdict for r in records if r.urn == harness.STACK_URN} == {Verdict.FAIL}
