"""The production preview as another scanner sees it: converted truly, and clean or explained."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from localcloud.failure import LocalCloudError
from localcloud.scan import page
from localcloud.scan.accepted import ACCEPTED
from localcloud.scan.checkov import Report, read_report, scan
from localcloud.scan.terraform_plan import UNKNOWN, singular, terraform_plan, terraform_type

KEY = "urn:pulumi:x::y::budgetbuddy:keys:KeyRing$aws:kms/key:Key::ledger"
TABLE = "urn:pulumi:x::y::budgetbuddy:data:OwnedTable$aws:dynamodb/table:Table::ledger"
HOME = "urn:pulumi:x::y::pulumi:providers:aws::home::1"


def a_table(**inputs: Any) -> dict[str, Any]:
    return {
        "urn": TABLE,
        "type": "aws:dynamodb/table:Table",
        "provider": HOME,
        "inputs": {"name": "BudgetBuddy-Ledger", "region": "us-east-1", **inputs},
        "propertyDependencies": {"serverSideEncryption": [KEY], "name": []},
    }


A_KEY = {
    "urn": KEY,
    "type": "aws:kms/key:Key",
    "provider": HOME,
    "inputs": {"enableKeyRotation": True, "tags": {"data-class": "financial"}},
}


@pytest.fixture(scope="session")
def states(plans: Callable[..., Any]) -> list[dict[str, Any]]:
    """Resources of production as the steps of its preview have them."""
    return [
        {
            "urn": each.urn,
            "type": each.type,
            "provider": each.provider,
            "inputs": each.inputs,
            "propertyDependencies": each.depends_on,
        }
        for each in plans("production").resources
    ]


@pytest.fixture(scope="session")
def scanned(
    states: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Report]:
    """The scanner's report of production, or of a copy that `breaks` has changed."""

    @cache
    def report(breaks: Callable[[list[dict[str, Any]]], None] | None = None) -> Report:
        changed = copy.deepcopy(states)
        if breaks is not None:
            breaks(changed)
        return scan(terraform_plan(changed), tmp_path_factory.mktemp("scan"))

    return report


# --- Conversion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("aws:dynamodb/table:Table", "aws_dynamodb_table"),
        ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "aws_default_security_group"),
        ("aws:vpc/securityGroupEgressRule:X", "aws_vpc_security_group_egress_rule"),
        ("aws:lb/loadBalancer:LoadBalancer", "aws_lb"),
        ("aws:s3/bucketVersioning:BucketVersioning", "aws_s3_bucket_versioning"),
        ("aws:cfg/recorder:Recorder", "aws_config_configuration_recorder"),
        ("aws:wafv2/webAcl:WebAcl", "aws_wafv2_web_acl"),
        ("aws:kinesis/firehoseDeliveryStream:X", "aws_kinesis_firehose_delivery_stream"),
    ],
)
def test_a_type_has_the_name_terraform_gives_it(token: str, name: str) -> None:
    assert terraform_type(token) == name


@pytest.mark.parametrize(
    ("plural", "block"),
    [
        ("rules", "rule"),
        ("metric_queries", "metric_query"),
        ("capacity_provider_strategies", "capacity_provider_strategy"),
        ("global_secondary_indexes", "global_secondary_index"),
        ("aliases", "alias"),
        ("ingress", "ingres"),  # never a list of ours that Checkov reads
    ],
)
def test_a_list_of_objects_is_a_repeated_block(plural: str, block: str) -> None:
    assert singular(plural) == block


def test_objects_become_blocks_and_maps_stay_maps() -> None:
    plan = terraform_plan([A_KEY, a_table(ttl={"attributeName": "ttl"}, tags={"dataClass": "x"})])

    resources = plan["planned_values"]["root_module"]["resources"]
    values = {each["address"]: each["values"] for each in resources}
    assert values == {
        "aws_kms_key.ledger": {"enable_key_rotation": True, "tags": {"data-class": "financial"}},
        "aws_dynamodb_table.ledger": {
            "name": "BudgetBuddy-Ledger",
            "ttl": [{"attribute_name": "ttl"}],
            "tags": {"dataClass": "x"},
        },
    }


def test_an_unknown_value_is_a_reference_and_never_a_value() -> None:
    table = a_table(serverSideEncryption={"enabled": True, "kmsKeyArn": UNKNOWN})
    plan = terraform_plan([A_KEY, table])

    planned = plan["planned_values"]["root_module"]["resources"][1]
    configured = plan["configuration"]["root_module"]["resources"][1]
    assert planned["values"]["server_side_encryption"] == [{"enabled": True}]
    assert configured["expressions"] == {
        "server_side_encryption": [{"kms_key_arn": {"references": ["aws_kms_key.ledger"]}}]
    }


def test_what_is_not_of_aws_is_left_out() -> None:
    component = {"urn": "urn:x::y", "type": "budgetbuddy:keys:KeyRing", "inputs": {}}

    assert terraform_plan([component])["planned_values"]["root_module"]["resources"] == []


def test_a_plan_the_scanner_cannot_read_is_an_error_and_never_clean() -> None:
    nothing = {"passed": 0, "failed": 0, "parsing_errors": 0, "resource_count": 0}

    with pytest.raises(LocalCloudError, match="did not read"):
        read_report(nothing)
    with pytest.raises(LocalCloudError, match="did not read"):
        read_report({"summary": {**nothing, "resource_count": 3, "parsing_errors": 1}})


# --- Scan ----------------------------------------------------------------------------------------


@pytest.mark.engine
def test_every_resource_of_aws_has_an_address_of_its_own(states: list[dict[str, Any]]) -> None:
    resources = terraform_plan(states)["planned_values"]["root_module"]["resources"]
    addresses = [each["address"] for each in resources]

    assert len(addresses) == len(set(addresses)) > 300


@pytest.mark.engine
def test_production_passes_the_scanner_or_says_why_not(scanned: Callable[..., Report]) -> None:
    report = scanned()

    assert report.unexplained(ACCEPTED) == []
    assert report.unused(ACCEPTED) == []


# Where a wrong name would make a check pass by silence: what must have been looked at.
LOOKED_AT = {
    "CKV_AWS_119": "aws_dynamodb_table.ledger",  # encrypted with a customer's key
    "CKV_AWS_28": "aws_dynamodb_table.audit",  # point-in-time recovery
    "CKV_AWS_7": "aws_kms_key.tokens",  # key rotation
    "CKV_AWS_91": "aws_lb.alb",  # access logs
    "CKV2_AWS_28": "aws_lb.alb",  # a firewall stands before it
    "CKV_AWS_103": "aws_lb_listener.https",  # TLS 1.2 or newer
    "CKV_AWS_67": "aws_cloudtrail.trail",  # every region
    "CKV_AWS_36": "aws_cloudtrail.trail",  # validated files
    "CKV_AWS_333": "aws_ecs_service.api",  # no public address
    "CKV_AWS_192": "aws_wafv2_web_acl.alb",  # Log4j rules
    "CKV2_AWS_12": "aws_vpc.vpc",  # the default group is closed
    "CKV2_AWS_11": "aws_vpc.vpc",  # flow logs
    "CKV2_AWS_6": "aws_s3_bucket.audit",  # no public access
}


@pytest.mark.engine
def test_the_checks_that_matter_looked_at_the_converted_plan(
    scanned: Callable[..., Report],
) -> None:
    passed = scanned().passed

    assert {
        check: resource
        for check, resource in LOOKED_AT.items()
        if resource not in passed.get(check, ())
    } == {}


def break_everything(states: list[dict[str, Any]]) -> None:
    """One careless edit in six places."""
    for state in states:
        inputs = state["inputs"]
        match state["type"], state["urn"].rsplit("::", 1)[1]:
            case "aws:dynamodb/table:Table", "ledger":
                inputs["pointInTimeRecovery"]["enabled"] = False
                inputs["serverSideEncryption"] = {"enabled": False}
            case "aws:lb/loadBalancer:LoadBalancer", _:
                inputs["accessLogs"]["enabled"] = False
            case "aws:cloudtrail/trail:Trail", _:
                inputs["isMultiRegionTrail"] = False
            case "aws:ecs/service:Service", _:
                inputs["networkConfiguration"]["assignPublicIp"] = True
            case "aws:kms/key:Key", "tokens":
                inputs["enableKeyRotation"] = False
    states[:] = [each for each in states if each["type"] != "aws:ec2/flowLog:FlowLog"]


@pytest.mark.engine
def test_the_scanner_sees_through_the_conversion(scanned: Callable[..., Report]) -> None:
    found = {
        (each.check, each.resource) for each in scanned(break_everything).unexplained(ACCEPTED)
    }

    assert found >= {
        ("CKV_AWS_28", "aws_dynamodb_table.ledger"),
        ("CKV_AWS_119", "aws_dynamodb_table.ledger"),
        ("CKV_AWS_91", "aws_lb.alb"),
        ("CKV_AWS_67", "aws_cloudtrail.trail"),
        ("CKV_AWS_333", "aws_ecs_service.api"),
        ("CKV_AWS_7", "aws_kms_key.tokens"),
        ("CKV2_AWS_11", "aws_vpc.vpc"),
    }


# --- Page ----------------------------------------------------------------------------------------


def test_every_accepted_finding_stands_on_the_page() -> None:
    assert page.PAGE.read_text() == page.render()
    assert Path(__file__).parents[2] / "docs" / "INDEPENDENT_SCAN.md" == page.PAGE
