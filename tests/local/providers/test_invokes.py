"""Data sources, and the rendering of policy documents."""

import json
from typing import Any

import pytest

from localcloud.providers.aws import invokes, policy_document
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.errors import ProviderError

CONFIG = ProviderConfig(region="us-west-2", account="123456789012")


def answered(token: str, **arguments: Any) -> dict[str, Any]:
    return invokes.answer(token, arguments, CONFIG)


def test_identity_region_and_partition_are_those_of_the_provider() -> None:
    assert answered("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == "123456789012"
    assert answered("aws:index/getRegion:getRegion")["region"] == "us-west-2"
    assert answered("aws:index/getPartition:getPartition")["partition"] == "aws"


def test_zones_belong_to_the_region() -> None:
    found = answered("aws:index/getAvailabilityZones:getAvailabilityZones", state="available")

    assert found["names"] == ["us-west-2a", "us-west-2b", "us-west-2c"]
    assert found["zoneIds"] == ["uw2-az1", "uw2-az2", "uw2-az3"]


def test_a_prefix_list_is_found_by_its_name() -> None:
    name = "com.amazonaws.global.cloudfront.origin-facing"

    found = answered("aws:ec2/getManagedPrefixList:getManagedPrefixList", name=name)

    assert found["name"] == name
    assert found["id"].startswith("pl-")


def test_any_other_data_source_is_refused_by_name() -> None:
    with pytest.raises(ProviderError, match="has no aws:ec2/getAmi:getAmi; it answers only"):
        answered("aws:ec2/getAmi:getAmi")


FULL = {
    "sid": "Write",
    "effect": "Deny",
    "actions": ["s3:GetObject", "s3:PutObject"],
    "resources": ["arn:aws:s3:::b/&{aws:username}"],
    "principals": [
        {"type": "Service", "identifiers": ["ecs.amazonaws.com"]},
        {"type": "AWS", "identifiers": ["a", "b"]},
    ],
    "conditions": [
        {"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1"]},
        {"test": "StringEquals", "variable": "aws:PrincipalTag/x", "values": ["1", "2"]},
    ],
}


def test_a_statement_is_written_as_the_provider_writes_it() -> None:
    assert policy_document.render({"statements": [FULL], "policyId": "p"}) == {
        "Version": "2012-10-17",
        "Id": "p",
        "Statement": [
            {
                "Sid": "Write",
                "Effect": "Deny",
                "Action": ["s3:PutObject", "s3:GetObject"],
                "Resource": "arn:aws:s3:::b/${aws:username}",
                "Principal": {"Service": "ecs.amazonaws.com", "AWS": ["b", "a"]},
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "1", "aws:PrincipalTag/x": ["1", "2"]}
                },
            }
        ],
    }


def test_everybody_is_a_plain_star() -> None:
    everybody = {"principals": [{"type": "*", "identifiers": ["*"]}], "notActions": ["a:b"]}

    assert policy_document.render({"statements": [everybody]})["Statement"] == [
        {"Effect": "Allow", "NotAction": "a:b", "Principal": "*"}
    ]


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_own_statements_and_overrides_replace_by_id() -> None:
    found = policy_document.render(
        {
            "sourcePolicyDocuments": [text({"Sid": "A", "Action": "one"}, {"Action": "anonymous"})],
            "statements": [{"sid": "A", "actions": ["two"]}, {"sid": "B", "actions": ["three"]}],
            "overridePolicyDocuments": [text({"Sid": "B", "Action": "four"}, {"Action": "extra"})],
        }
    )

    assert found["Statement"] == [
        {"Sid": "A", "Effect": "Allow", "Action": "two"},
        {"Action": "anonymous"},
        {"Sid": "B", "Action": "four"},
        {"Action": "extra"},
    ]


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(ProviderError, match=r"duplicate Sid \(A\) in statements"):
        policy_document.render({"statements": [{"sid": "A"}, {"sid": "A"}]})
    with pytest.raises(ProviderError, match=r"duplicate Sid \(A\) in sourcePolicyDocuments"):
        policy_document.render({"sourcePolicyDocuments": [text({"Sid": "A"}), text({"Sid": "A"})]})


def test_a_broken_document_is_refused() -> None:
    with pytest.raises(ProviderError, match="no JSON object"):
        policy_document.render({"sourcePolicyDocuments": ["{"]})


def test_the_answer_holds_both_layouts_of_the_document() -> None:
    found = answered("aws:iam/getPolicyDocument:getPolicyDocument", statements=[FULL])

    assert json.loads(found["json"]) == json.loads(found["minifiedJson"])
    assert "\n" in found["json"]
    assert " " not in found["minifiedJson"]
