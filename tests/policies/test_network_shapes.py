"""Network ACLs, rules, zones and endpoints in the shapes that programs write them."""

import json
from typing import Any

import pytest

from guardrails.verdicts import Verdict

GROUP = "aws:ec2/securityGroup:SecurityGroup"
ACL_ENTRY = {"protocol": "tcp", "fromPort": 0, "toPort": 65535, "cidrBlock": "0.0.0.0/0"}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([{**ACL_ENTRY, "ruleNo": 100, "action": "allow"}], Verdict.FAIL),
        ([{**ACL_ENTRY, "ruleNo": 100, "action": "ALLOW", "protocol": "-1"}], Verdict.FAIL),
        ([{**ACL_ENTRY, "ruleNo": 100, "action": "allow", "protocol": "17"}], Verdict.PASS),
        ([{**ACL_ENTRY, "ruleNo": 100, "action": "allow", "fromPort": 443}], Verdict.FAIL),
        ([{**ACL_ENTRY, "ruleNo": 100, "action": "allow", "toPort": 21}], Verdict.PASS),
        (
            [
                {**ACL_ENTRY, "ruleNo": 100, "action": "allow"},
                {**ACL_ENTRY, "ruleNo": 90, "action": "deny"},
            ],
            Verdict.PASS,
        ),
        (
            [
                {"protocol": "6", "fromPort": 22, "toPort": 22, "ipv6CidrBlock": "::/0",
                 "ruleNo": 1, "action": "allow"},
            ],
            Verdict.FAIL,
        ),
    ],
    ids=["open", "all", "udp", "from 443", "below", "denied first", "ipv6"],
)  # fmt: skip
def test_the_first_matching_acl_entry_decides(
    harness: Any, entries: list[dict[str, Any]], expected: Verdict
) -> None:
    acl = harness.Declared("aws:ec2/defaultNetworkAcl:DefaultNetworkAcl", "d", {"ingress": entries})

    assert harness.verdict("VPC-09", acl) == {expected}


def test_acl_entries_in_both_shapes_are_one_list(harness: Any) -> None:
    acl = harness.Declared("aws:ec2/networkAcl:NetworkAcl", "acl", {"subnetIds": ["subnet-1"]})
    split = {
        "networkAclId": harness.UNKNOWN,
        "ruleNumber": 10,
        "ruleAction": "allow",
        "protocol": "tcp",
        "fromPort": 22,
        "toPort": 22,
        "cidrBlock": "0.0.0.0/0",
    }
    kind = "aws:ec2/networkAclRule:NetworkAclRule"
    inward = harness.Declared(kind, "in", split, {"networkAclId": [acl.urn]})
    outward = harness.Declared(kind, "out", split | {"egress": True}, {"networkAclId": [acl.urn]})

    assert harness.verdict("VPC-09", acl, inward) == {Verdict.FAIL}
    assert harness.verdict("VPC-09", acl, outward) == {Verdict.PASS}


def test_an_acl_of_ones_own_that_no_subnet_uses_is_a_finding(harness: Any) -> None:
    acl = harness.Declared("aws:ec2/networkAcl:NetworkAcl", "acl", {})
    link = harness.Declared(
        "aws:ec2/networkAclAssociation:NetworkAclAssociation",
        "link",
        {"networkAclId": harness.UNKNOWN},
        {"networkAclId": [acl.urn]},
    )

    assert harness.verdict("VPC-09", acl) == {Verdict.FAIL}
    assert harness.verdict("VPC-09", acl, link) == {Verdict.PASS}


def test_both_kinds_of_rule_resources_on_one_group_overwrite_each_other(harness: Any) -> None:
    group = harness.Declared(GROUP, "g", {})
    link = {"securityGroupId": [group.urn]}
    old = harness.Declared("aws:ec2/securityGroupRule:SecurityGroupRule", "o", {}, link)
    new = harness.Declared(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "n", {}, link
    )

    assert harness.verdict("VPC-13", group, old) == {Verdict.PASS}
    assert harness.verdict("VPC-13", group, old, new) == {Verdict.FAIL}


def zoned(harness: Any, *zones: str, **tags: str) -> list[Any]:
    """A VPC with a NAT gateway in a subnet of each zone."""
    vpc = harness.Declared("aws:ec2/vpc:Vpc", "vpc", {"tags": tags})
    declared = [vpc]
    for index, zone in enumerate(zones):
        props = {"availabilityZone": zone}
        subnet = harness.Declared("aws:ec2/subnet:Subnet", f"s{index}", props, {"vpcId": [vpc.urn]})
        nat = harness.Declared(
            "aws:ec2/natGateway:NatGateway", f"n{index}", {}, {"subnetId": [subnet.urn]}
        )
        declared += [subnet, nat]
    return declared


def test_gateways_span_zones_where_production_needs_it(harness: Any) -> None:
    assert harness.verdict("VPC-11", *zoned(harness, "a", "b")) == {Verdict.PASS}
    assert harness.verdict("VPC-11", *zoned(harness, "a", "a")) == {Verdict.FAIL}
    assert harness.verdict("VPC-11", *zoned(harness, "a", env="production")) == {Verdict.FAIL}
    assert harness.verdict("VPC-11", *zoned(harness, "a", env="test")) == {Verdict.NOT_APPLICABLE}
    assert harness.verdict("VPC-11", *zoned(harness)) == {Verdict.NOT_APPLICABLE}


def test_an_endpoint_that_lets_everything_pass_is_a_finding(harness: Any) -> None:
    kind = "aws:ec2/vpcEndpoint:VpcEndpoint"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    tied = allow | {"Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}}}

    def one(statement: dict[str, Any] | None) -> set[Verdict]:
        props = {"policy": json.dumps({"Statement": statement})} if statement else {}
        return harness.verdict("VPC-12", harness.Declared(kind, "e", props))

    assert one(None) == {Verdict.FAIL}
    assert one(allow) == {Verdict.FAIL}
    assert one(tied) == {Verdict.PASS}
    assert one(allow | {"Action": "s3:GetObject"}) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Verdict.FAIL),
        ({"serverSideEncryptionConfiguration": {"rule": {}}}, Verdict.PASS),
        (
            {
                "serverSideEncryptionConfiguration": {"rule": {}},
                "lifecycleRules": [{"enabled": True, "expiration": {"days": 364}}],
            },
            Verdict.FAIL,
        ),
        (
            {
                "serverSideEncryptionConfiguration": {"rule": {}},
                "lifecycleRules": [{"enabled": True, "expiration": {"days": 365}}],
            },
            Verdict.PASS,
        ),
        (
            {
                "serverSideEncryptionConfiguration": {"rule": {}},
                "lifecycleRules": [{"enabled": False, "expiration": {"days": 7}}],
            },
            Verdict.PASS,
        ),
    ],
    ids=["not encrypted", "kept", "a day short", "a year", "switched off"],
)
def test_a_flow_log_in_a_bucket_is_encrypted_and_kept_for_a_year(
    harness: Any, settings: dict[str, Any], expected: Verdict
) -> None:
    vpc = harness.Declared("aws:ec2/vpc:Vpc", "main")
    bucket = harness.Declared("aws:s3/bucket:Bucket", "logs", settings)
    log = harness.Declared(
        "aws:ec2/flowLog:FlowLog",
        "all",
        {"trafficType": "ALL", "vpcId": harness.UNKNOWN, "logDestination": harness.UNKNOWN},
        {"vpcId": [vpc.urn], "logDestination": [bucket.urn]},
    )

    assert harness.verdict("VPC-01", vpc, bucket, log) == {expected}
