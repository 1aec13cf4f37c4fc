"""Security-group rules port by port and network by network, in every way they are written."""

from typing import Any

import pytest

from guardrails.verdicts import Verdict

GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ANYWHERE = ["0.0.0.0/0"]
# As the catalogue's page lists them.
ADMIN_PORTS = {
    22, 23, 135, 445, 1433, 1521, 2375, 2376, 3306, 3389, 5432, 5601, 5900, 5985, 5986, 6379, 8443,
    9200, 11211, 27017,
}  # fmt: skip


def inbound(first: int, last: int | None = None, **more: Any) -> dict[str, Any]:
    ports = {"fromPort": first, "toPort": first if last is None else last}
    return {"protocol": "tcp", **ports, "cidrBlocks": ANYWHERE, **more}


def test_every_administration_port_is_known_and_its_neighbours_are_not(harness: Any) -> None:
    ports = {port + step for port in ADMIN_PORTS for step in (-1, 0, 1)} | {0, 65535}
    groups = [harness.Declared(GROUP, str(p), {"ingress": [inbound(p)]}) for p in ports]

    records = harness.Bench([harness.controls["VPC-04"]]).run(groups)

    failing = {r.urn.rpartition("::")[2]: r.found for r in records if r.verdict is Verdict.FAIL}
    assert failing == {str(p): f"any address reaches administration port {p}" for p in ADMIN_PORTS}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (inbound(0, 21), Verdict.PASS),
        (inbound(0, 22), Verdict.FAIL),
        (inbound(27017, 65535), Verdict.FAIL),
        (inbound(27018, 65535), Verdict.PASS),
        ({"protocol": "tcp", "cidrBlocks": ANYWHERE}, Verdict.FAIL),
        (inbound(-1), Verdict.FAIL),
        (inbound(80, protocol="-1"), Verdict.FAIL),
        (inbound(80, protocol="ALL"), Verdict.FAIL),
        ({"fromPort": 22, "protocol": "tcp", "cidrBlocks": ANYWHERE}, Verdict.FAIL),
        (inbound(22, cidrBlocks=["10.0.0.0/8"]), Verdict.PASS),
        (inbound(22, cidrBlocks=["10.0.0.0/8", "0.0.0.0/0"]), Verdict.FAIL),
        (inbound(22, cidrBlocks=["0.0.0.0/1"]), Verdict.FAIL),
        (inbound(22, cidrBlocks=["0.0.0.0/2"]), Verdict.FAIL),
        (inbound(22, cidrBlocks=["8.0.0.0/7"]), Verdict.FAIL),
        (inbound(22, cidrBlocks=["8.0.0.0/8"]), Verdict.PASS),
        (inbound(22, cidrBlocks=[], ipv6CidrBlocks=["2000::/3"]), Verdict.FAIL),
        (inbound(22, cidrBlocks=[], ipv6CidrBlocks=["2a00::/12"]), Verdict.PASS),
        (inbound(22, cidrBlocks=[], ipv6CidrBlocks=["fc00::/7"]), Verdict.PASS),
        (inbound(22, cidrBlocks=[], ipv6CidrBlocks=["::/1"]), Verdict.FAIL),
        (inbound(22, cidrBlocks=[], ipv6CidrBlocks=["2001:db8::/32"]), Verdict.PASS),
        (inbound(22, cidrBlocks=["office"]), Verdict.PASS),
        (inbound(22, cidrBlocks=["office", "0.0.0.0/0"]), Verdict.FAIL),
    ],
    ids=str,
)
def test_a_rule_opens_what_its_ports_and_networks_say(
    harness: Any, rule: dict[str, Any], expected: Verdict
) -> None:
    group = harness.Declared(GROUP, "g", {"ingress": [rule]})

    assert harness.verdict("VPC-04", group) == {expected}


@pytest.mark.parametrize("protocol", ["icmp", "icmpv6", "1", "58"])
def test_a_ping_reaches_no_port(harness: Any, protocol: str) -> None:
    group = harness.Declared(GROUP, "g", {"ingress": [inbound(-1, protocol=protocol)]})

    assert harness.verdict("VPC-04", group) == {Verdict.PASS}
    assert harness.verdict("VPC-05", group) == {Verdict.FAIL}


def worn(harness: Any, rule: dict[str, Any], *, balancer: bool) -> Any:
    """What VPC-05 says of a group whose rule is a resource of its own."""
    group = harness.Declared(GROUP, "g", {})
    link = {"securityGroupId": [group.urn]}
    apart = harness.Declared(RULE, "r", {"type": "ingress", **rule}, link)
    wearer = harness.Declared(
        "aws:lb/loadBalancer:LoadBalancer", "b", {}, {"securityGroups": [group.urn]}
    )
    declared = [group, apart, *([wearer] if balancer else [])]
    records = harness.Bench([harness.controls["VPC-05"]]).run(declared)
    return {record.verdict for record in records if record.urn == group.urn} - {
        Verdict.NOT_APPLICABLE
    }


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (79, 79, Verdict.FAIL),
        (80, 80, Verdict.PASS),
        (81, 81, Verdict.FAIL),
        (442, 442, Verdict.FAIL),
        (443, 443, Verdict.PASS),
        (444, 444, Verdict.FAIL),
        (80, 443, Verdict.FAIL),
        (79, 80, Verdict.FAIL),
        (443, 444, Verdict.FAIL),
    ],
)
def test_a_load_balancer_opens_the_web_ports_and_no_range(
    harness: Any, first: int, last: int, expected: Verdict
) -> None:
    rule = inbound(first, last)
    alone = harness.Declared(RULE, "r", {"type": "ingress", **rule})

    assert worn(harness, rule, balancer=True) == {expected}
    assert worn(harness, rule, balancer=False) == {Verdict.FAIL}
    assert Verdict.FAIL in harness.verdict("VPC-05", alone)  # whose group it is, nobody sees


@pytest.mark.parametrize(
    ("control", "judging", "ignoring"),
    [("VPC-04", INGRESS, EGRESS), ("VPC-05", INGRESS, EGRESS), ("VPC-06", EGRESS, INGRESS)],
)
def test_a_rule_of_one_direction_is_judged_for_that_direction_only(
    harness: Any, control: str, judging: str, ignoring: str
) -> None:
    props = {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}
    judged, ignored = (harness.Declared(kind, "r", props) for kind in (judging, ignoring))

    records = harness.Bench([harness.controls[control]]).run([judged, ignored])

    assert {r.verdict for r in records if r.urn == judged.urn} == {Verdict.FAIL}
    assert not [r for r in records if r.urn == ignored.urn]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([{"self": True}], Verdict.PASS),
        ([{"securityGroups": ["sg-1"]}], Verdict.FAIL),
        ([{"self": True}, {"prefixListIds": ["pl-1"]}], Verdict.FAIL),
        ([{"self": True}, {"cidrBlocks": ["10.0.0.0/8"]}], Verdict.FAIL),
        ([{"self": True}, {"prefixListId": "pl-1"}], Verdict.FAIL),
        ([{"prefixListId": "pl-1"}], Verdict.FAIL),
    ],
    ids=str,
)
def test_a_service_takes_traffic_from_groups_only(
    harness: Any, rules: list[dict[str, Any]], expected: Verdict
) -> None:
    group = harness.Declared(GROUP, "g", {"ingress": rules})
    service = harness.Declared(
        "aws:ecs/service:Service",
        "s",
        {"loadBalancers": [{"containerPort": 80}], "networkConfiguration": {"subnets": []}},
        {"networkConfiguration": [group.urn]},
    )

    assert harness.verdict("VPC-07", group, service) == {expected}
