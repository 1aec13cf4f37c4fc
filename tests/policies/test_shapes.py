"""The same setting in its shapes: split or inline, one token or its twin, joined or not."""

import json
from typing import Any

import pytest

from guardrails.graph import canonical_type
from guardrails.registry import registry
from guardrails.verdicts import Verdict, merged

CONTROLS = registry()
GROUP = "aws:ec2/securityGroup:SecurityGroup"
ANYONE = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}


def verdict(harness: Any, control: str, *declared: Any) -> set[Verdict]:
    records = harness.Bench([CONTROLS[control]]).run(list(declared))
    return {record.verdict for record in merged(records)}


@pytest.mark.parametrize(
    ("token", "canonical"),
    [
        ("aws:alb/listener:Listener", "aws:lb/listener:Listener"),
        ("aws:elasticloadbalancingv2/listener:Listener", "aws:lb/listener:Listener"),
        ("aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"),
        (
            "aws:s3/bucketVersioningV2:BucketVersioningV2",
            "aws:s3/bucketVersioning:BucketVersioning",
        ),
        ("aws:wafv2/webAcl:WebAcl", "aws:wafv2/webAcl:WebAcl"),
        ("aws-native:s3:Bucket", "aws-native:s3:Bucket"),
        ("pulumi:pulumi:Stack", "pulumi:pulumi:Stack"),
        ("strange", "strange"),
    ],
)
def test_twin_tokens_are_one_type(token: str, canonical: str) -> None:
    assert canonical_type(token) == canonical


@pytest.mark.parametrize("module", ["lb", "alb", "elasticloadbalancingv2"])
def test_a_plain_listener_is_seen_under_every_token(harness: Any, module: str) -> None:
    listener = harness.Declared(
        f"aws:{module}/listener:Listener", "http", {"defaultActions": [{"type": "forward"}]}
    )

    assert verdict(harness, "LB-01", listener) == {Verdict.FAIL}


@pytest.mark.parametrize("one", ["lb", "alb"])
@pytest.mark.parametrize("other", ["lb", "alb"])
def test_twins_are_joined_with_each_other(harness: Any, one: str, other: str) -> None:
    balancer = harness.Declared(f"aws:{one}/loadBalancer:LoadBalancer", "front", {})
    secure = harness.Declared(
        f"aws:{other}/listener:Listener",
        "https",
        {"protocol": "HTTPS", "certificateArn": "arn:c", "loadBalancerArn": harness.UNKNOWN},
        {"loadBalancerArn": [balancer.urn]},
    )

    assert verdict(harness, "LB-03", balancer, secure) == {Verdict.PASS}
    assert verdict(harness, "LB-03", balancer) == {Verdict.FAIL}


@pytest.mark.parametrize(
    ("token", "props"),
    [
        (GROUP, {"ingress": [ANYONE]}),
        (GROUP, {"ingress": [{"protocol": "-1", "ipv6CidrBlocks": ["::/0"]}]}),
        (GROUP, {"ingress": [{"protocol": "tcp", "fromPort": 0, "toPort": 65535,
                              "cidrBlocks": ["0.0.0.0/1", "128.0.0.0/1"]}]}),
        ("aws:ec2/securityGroupRule:SecurityGroupRule", {"type": "ingress", **ANYONE}),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
         {"ipProtocol": "tcp", "fromPort": 3389, "toPort": 3389, "cidrIpv4": "0.0.0.0/0"}),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
         {"ipProtocol": "-1", "cidrIpv6": "::/0"}),
    ],
)  # fmt: skip
def test_an_open_administration_port_is_seen_in_every_shape(
    harness: Any, token: str, props: dict[str, Any]
) -> None:
    assert verdict(harness, "VPC-04", harness.Declared(token, "r", props)) == {Verdict.FAIL}


@pytest.mark.parametrize(
    "props",
    [
        {"ingress": []},
        {"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": []}]},
        {"ingress": [{**ANYONE, "cidrBlocks": ["10.0.0.0/8"]}]},
        {"ingress": [{**ANYONE, "fromPort": 443, "toPort": 443}]},
        {"egress": [ANYONE]},
    ],
    ids=["none", "no network", "private", "web", "egress"],
)
def test_a_closed_administration_port_passes(harness: Any, props: dict[str, Any]) -> None:
    assert verdict(harness, "VPC-04", harness.Declared(GROUP, "g", props)) == {Verdict.PASS}


def test_a_known_violation_is_found_beside_an_unknown_network(harness: Any) -> None:
    rule = {**ANYONE, "cidrBlocks": [harness.UNKNOWN, "0.0.0.0/0"]}

    found = verdict(harness, "VPC-04", harness.Declared(GROUP, "g", {"ingress": [rule]}))

    assert found == {Verdict.FAIL}


@pytest.mark.parametrize("suffix", ["", "V2"])
def test_an_encrypted_bucket_is_seen_in_split_and_inline_shape(harness: Any, suffix: str) -> None:
    rule = {
        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "k"}
    }
    token = f"aws:s3/bucket{suffix}:Bucket{suffix}"
    plural = "s" if suffix else ""
    inline = harness.Declared(
        token, "inline", {f"serverSideEncryptionConfiguration{plural}": [{f"rule{plural}": [rule]}]}
    )
    bare = harness.Declared(token, "bare", {})
    kind = f"ServerSideEncryptionConfiguration{suffix}"
    split = harness.Declared(
        f"aws:s3/bucket{kind}:Bucket{kind}",
        "split",
        {"rules": [rule], "bucket": harness.UNKNOWN},
        {"bucket": [bare.urn]},
    )

    assert verdict(harness, "S3-03", inline) == {Verdict.PASS}
    assert verdict(harness, "S3-03", bare, split) == {Verdict.PASS}
    assert verdict(harness, "S3-03", bare) == {Verdict.FAIL}


def test_resources_are_joined_by_literal_names_when_nothing_links_them(harness: Any) -> None:
    bucket = harness.Declared("aws:s3/bucket:Bucket", "b", {"bucket": "exports"})
    other = harness.Declared("aws:s3/bucket:Bucket", "o", {"bucket": "other"})
    versions = harness.Declared(
        "aws:s3/bucketVersioning:BucketVersioning",
        "v",
        {"bucket": "exports", "versioningConfiguration": {"status": "Enabled"}},
    )

    records = harness.Bench([CONTROLS["S3-04"]]).run([bucket, other, versions])

    assert {r.urn: r.verdict for r in records} == {
        bucket.urn: Verdict.PASS,
        other.urn: Verdict.FAIL,
    }


def test_a_link_that_is_unknown_on_its_own_leaves_the_question_open(harness: Any) -> None:
    bucket = harness.Declared("aws:s3/bucket:Bucket", "b", {"bucket": "exports"})
    versions = harness.Declared(
        "aws:s3/bucketVersioning:BucketVersioning", "v", {"bucket": harness.UNKNOWN}
    )

    assert verdict(harness, "S3-04", bucket, versions) == {Verdict.UNKNOWN}


def archive(harness: Any, **changes: Any) -> list[Any]:
    """A group that keeps 30 days and delivers everything to an encrypted archive."""
    group = harness.Declared("aws:cloudwatch/logGroup:LogGroup", "g", {"retentionInDays": 30})
    bucket = harness.Declared("aws:s3/bucket:Bucket", "archive", {})
    stream = harness.Declared(
        "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        "stream",
        {"extendedS3Configuration": {"bucketArn": harness.UNKNOWN}},
        {"extendedS3Configuration": [bucket.urn]},
    )
    link = harness.Declared(
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        "link",
        {"filterPattern": changes.get("pattern", ""), "logGroup": harness.UNKNOWN},
        {"logGroup": [group.urn], "destinationArn": [stream.urn]},
    )
    key = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "k"}
    encryption = harness.Declared(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "encryption",
        {"rules": [{"applyServerSideEncryptionByDefault": changes.get("key", key)}]},
        {"bucket": [bucket.urn]},
    )
    lifecycle = harness.Declared(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "lifecycle",
        {"rules": [{"status": "Enabled", **changes.get("rule", {})}]},
        {"bucket": [bucket.urn]},
    )
    return [group, bucket, stream, link, encryption, lifecycle]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Verdict.PASS),
        ({"pattern": "ERROR"}, Verdict.FAIL),
        ({"key": {"sseAlgorithm": "AES256"}}, Verdict.FAIL),
        ({"rule": {"expiration": {"days": 400}}}, Verdict.PASS),
        ({"rule": {"expiration": {"days": 100}}}, Verdict.FAIL),
        ({"rule": {"transitions": [{"days": 30, "storageClass": "GLACIER"}]}}, Verdict.FAIL),
        ({"rule": {"transitions": [{"days": 30, "storageClass": "GLACIER_IR"}]}}, Verdict.PASS),
        ({"rule": {"transitions": [{"days": 90, "storageClass": "GLACIER"}]}}, Verdict.PASS),
    ],
    ids=["whole", "filtered", "no key", "long", "expires", "early restore", "instant", "late"],
)
def test_a_short_retention_passes_only_with_a_whole_archive(
    harness: Any, changes: dict[str, Any], expected: Verdict
) -> None:
    assert verdict(harness, "CW-01", *archive(harness, **changes)) == {expected}


def test_a_log_target_may_use_the_keys_its_writers_accept(harness: Any) -> None:
    bucket = harness.Declared("aws:s3/bucket:Bucket", "logs", {})
    rule = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    encryption = harness.Declared(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "e",
        {"rules": [rule]},
        {"bucket": [bucket.urn]},
    )
    balancer = harness.Declared(
        "aws:lb/loadBalancer:LoadBalancer",
        "front",
        {"accessLogs": {"bucket": harness.UNKNOWN}},
        {"accessLogs": [bucket.urn]},
    )

    assert verdict(harness, "S3-03", bucket, encryption) == {Verdict.FAIL}
    assert verdict(harness, "S3-03", bucket, encryption, balancer) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("DB_PASSWORD", "correct-horse", True),
        ("dbPassword", "correct-horse", True),
        ("API_TOKEN", "abcdefgh", True),
        ("PASSWORD_FILE", "/run/secrets/password", False),
        ("TOKEN_TTL_SECONDS", "86400000", False),
        ("SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x", False),
        ("DATABASE", "postgres://app:hunter2hunter2@db/app", True),
        ("PLAIN", "AKIA" + "ABCDEFGHIJKLMNOP", True),
        ("RANDOM", "q8Jd7Lw2Zk5Xr9Tn4Vb6Mc1Hs3Gf0PyEaUiO", True),
        ("DIGEST", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", False),
        ("LOG_LEVEL", "INFO", False),
        ("USE_TOKEN", "true", False),
    ],
)
def test_a_credential_in_the_environment_is_recognised(
    harness: Any, variable: str, value: str, found: Any
) -> None:
    container = {"name": "api", "environment": [{"name": variable, "value": value}]}
    task = harness.Declared(
        "aws:ecs/taskDefinition:TaskDefinition",
        "api",
        {"containerDefinitions": json.dumps([container])},
    )

    assert verdict(harness, "ECS-09", task) == {Verdict.FAIL if found else Verdict.PASS}


def test_a_type_nobody_considered_is_a_finding(harness: Any) -> None:
    new = harness.Declared("aws:braket/quantumTask:QuantumTask", "q", {})
    native = harness.Declared("aws-native:s3:Bucket", "n", {})
    other = harness.Declared("random:index/randomId:RandomId", "r", {})

    assert verdict(harness, "ACC-10", new) == {Verdict.FAIL}
    assert verdict(harness, "ACC-10", native) == {Verdict.FAIL}
    assert verdict(harness, "ACC-10", other) == {Verdict.NOT_APPLICABLE}


def test_a_resource_that_is_only_read_is_judged_by_its_outputs(harness: Any) -> None:
    bucket = harness.Declared(
        "aws:s3/bucket:Bucket", "read", {}, outputs={"versioning": {"enabled": True}}
    )

    (record,) = harness.Bench([CONTROLS["S3-04"]]).run([bucket], analyze=False)

    assert record.verdict is Verdict.PASS


def test_an_output_the_provider_may_still_compute_does_not_hide_a_missing_input(
    harness: Any,
) -> None:
    group = harness.Declared(
        "aws:cloudwatch/logGroup:LogGroup", "g", {}, outputs={"kmsKeyId": harness.UNKNOWN}
    )

    assert verdict(harness, "CW-02", group) == {Verdict.FAIL}
