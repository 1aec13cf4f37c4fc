"""The network as the engine would build it: three zones, private tasks, nothing open by default."""

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any

import pytest

from infra.subnets import subnet_layout

pytestmark = pytest.mark.engine

SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
NAT = "a NAT gateway's address"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"


def test_the_subnets_lie_where_the_layout_says(plan: Any) -> None:
    vpc = plan.one("aws:ec2/vpc:Vpc")
    layout = subnet_layout(IPv4Network(vpc.inputs["cidrBlock"]))
    planned = {
        (each.inputs["tags"]["SubnetType"], each.inputs["cidrBlock"]) for each in plan.of(SUBNET)
    }

    assert planned == {
        *(("Private", str(network)) for network in layout.private),
        *(("Public", str(network)) for network in layout.public),
    }


def test_only_public_subnets_hand_out_public_addresses(plan: Any) -> None:
    for subnet in plan.of(SUBNET):
        public = subnet.inputs["tags"]["SubnetType"] == "Public"
        assert bool(subnet.inputs.get("mapPublicIpOnLaunch")) is public


def test_production_survives_the_loss_of_any_one_zone(production: Any) -> None:
    zones = {each.inputs["availabilityZone"] for each in production.of(SUBNET)}
    gateways = production.of("aws:ec2/natGateway:NatGateway")
    through_nat = [each for each in production.of(ROUTE) if "natGatewayId" in each.depends_on]

    assert len(zones) == len(gateways) == len(through_nat) == 3
    assert len({each.depends_on["natGatewayId"] for each in through_nat}) == 3


def test_staging_pays_for_one_nat_gateway(plans: Callable[..., Any]) -> None:
    assert len(plans("staging").of("aws:ec2/natGateway:NatGateway")) == 1


def test_flow_logs_cover_all_traffic_and_end_in_an_archived_group(plan: Any) -> None:
    flow = plan.one("aws:ec2/flowLog:FlowLog")
    (target,) = flow.depends_on["logDestination"]
    subscriptions = plan.of("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")

    assert flow.inputs["trafficType"] == "ALL"
    assert plan.at(target).inputs["name"] == "/budgetbuddy/vpc-flow"
    assert (target,) in [each.depends_on["logGroup"] for each in subscriptions]


def test_the_default_security_group_has_no_rule(plan: Any) -> None:
    closed = plan.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")

    assert not closed.inputs.get("ingress")
    assert not closed.inputs.get("egress")
    assert closed.depends_on["vpcId"]


def test_the_default_network_acl_denies_admin_ports_first(plan: Any) -> None:
    acl = plan.one("aws:ec2/defaultNetworkAcl:DefaultNetworkAcl")
    rules = sorted(acl.inputs["ingress"], key=lambda rule: float(rule["ruleNo"]))

    assert [(rule["action"], int(rule["fromPort"])) for rule in rules] == [
        ("deny", 22),
        ("deny", 3389),
        ("allow", 0),
    ]


# --- Who may talk to whom ------------------------------------------------------------------------


def rules(plan: Any, kind: str, own: str) -> set[tuple[str, int, str]]:
    """(group, port, other side) of every rule: a CIDR, a logical name, or whose address it is."""
    found = set()
    for rule in plan.of(kind):
        other = rule.inputs.get("cidrIpv4")
        if any("natGateway" in urn for urn in rule.depends_on.get("cidrIpv4", ())):
            other = NAT
        if str(rule.inputs.get("prefixListId", "")).startswith("pl-"):
            other = "pl-CLOUDFRONT"  # the id differs by region
        for key in ("referencedSecurityGroupId", "prefixListId"):
            for urn in rule.depends_on.get(key, ()):
                other = plan.at(urn).name
        (group,) = rule.depends_on[own]
        assert rule.inputs["fromPort"] == rule.inputs["toPort"]
        assert rule.inputs["ipProtocol"] == "tcp"
        found.add((plan.at(group).name, int(rule.inputs["fromPort"]), str(other)))
    return found


def test_only_cloudfront_reaches_the_load_balancer_and_nothing_is_open_to_the_world(
    plan: Any,
) -> None:
    assert rules(plan, INGRESS, "securityGroupId") == {
        ("alb", 443, "pl-CLOUDFRONT"),
        ("alb-test", 9443, NAT),
        ("service", 8080, "alb"),
        ("endpoints", 443, "service"),
        ("endpoints", 443, "worker"),
    }


def test_traffic_leaves_only_to_where_it_is_needed(plan: Any) -> None:
    assert rules(plan, EGRESS, "securityGroupId") == {
        ("alb", 8080, "service"),
        ("release-check", 9443, "0.0.0.0/0"),
        ("service", 443, "endpoints"),
        ("service", 443, "s3"),
        ("service", 443, "dynamodb"),
        ("service", 443, "0.0.0.0/0"),
        ("worker", 443, "endpoints"),
        ("worker", 443, "s3"),
        ("worker", 443, "dynamodb"),
        ("worker", 443, "0.0.0.0/0"),
    }


def test_every_group_and_rule_says_why(plan: Any) -> None:
    described = [*plan.of("aws:ec2/securityGroup:SecurityGroup"), *plan.of(INGRESS)]

    assert all(each.inputs["description"] for each in [*described, *plan.of(EGRESS)])


def test_no_group_has_inline_rules(plan: Any) -> None:
    for group in plan.of("aws:ec2/securityGroup:SecurityGroup"):
        assert not {"ingress", "egress"} & group.inputs.keys()


# --- Endpoints -----------------------------------------------------------------------------------


def test_aws_services_have_private_ways(plan: Any) -> None:
    kinds = {
        each.inputs["serviceName"].removeprefix("com.amazonaws.us-east-1."): each.inputs[
            "vpcEndpointType"
        ]
        for each in plan.of(ENDPOINT)
    }

    assert kinds == {
        "s3": "Gateway",
        "dynamodb": "Gateway",
        **dict.fromkeys(
            ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "kms", "sqs"), "Interface"
        ),
    }


def test_fargate_can_pull_layers(plan: Any) -> None:
    gateway = next(e for e in plan.of(ENDPOINT) if e.inputs["serviceName"].endswith(".s3"))
    (layers,) = [each for each in gateway.document("policy") if each["Sid"] == "Layers"]

    assert "starport-layer-bucket" in layers["Resource"]
    assert "Condition" not in layers
    assert gateway.depends_on["routeTableIds"]


def test_interface_endpoints_answer_for_the_public_names(plan: Any) -> None:
    for each in plan.of(ENDPOINT):
        if each.inputs["vpcEndpointType"] == "Interface":
            assert each.inputs["privateDnsEnabled"] is True
            assert each.depends_on["securityGroupIds"]
