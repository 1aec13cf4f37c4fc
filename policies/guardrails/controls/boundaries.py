"""The edges of a VPC: network ACLs, zones, endpoints (VPC-09, VPC-11, VPC-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.security_groups import is_anywhere
from guardrails.controls.tagging import is_protected
from guardrails.documents import statements
from guardrails.values import MISSING, Node, flag, items, join, number, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

LISTS: Final = (types.NETWORK_ACL, types.DEFAULT_NETWORK_ACL)
ADMIN_PORTS: Final = (22, 3389)
TCP: Final = ("tcp", "6", "-1", "all")
NETWORK_KEYS: Final = ("cidrBlock", "ipv6CidrBlock")
ZONES: Final = 2
# Which endpoint keeps the traffic of a resource type inside the network.
ENDPOINT_USERS: Final = {
    types.BUCKET: ("s3",),
    types.TABLE: ("dynamodb",),
    types.TASK_DEFINITION: ("ecr.api", "ecr.dkr", "s3"),  # image layers come from S3
    types.LOG_GROUP: ("logs",),
    types.SECRET: ("secretsmanager",),
    types.KEY: ("kms",),
}


@judges("VPC-09", *LISTS)
def inline_rules_close_admin_ports(acl: Resource, _: Options) -> Iterator[Finding]:
    """No entry of the list itself lets the internet reach an administration port."""
    if path := _opening(items(acl, "ingress")):
        yield failed(path, "any address reaches an administration port")


@judges_in_stack("VPC-09", *LISTS, types.NETWORK_ACL_RULE)
def acl_closes_admin_ports(acl: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """Entries in both shapes, in the order AWS applies them; and the list is in use."""
    if acl.type == types.NETWORK_ACL_RULE:
        yield from _belongs_to_a_list(acl, graph)
        return
    entries: list[Node] = list(graph.sources(acl, types.NETWORK_ACL_RULE, "networkAclId"))
    entries = [entry for entry in entries if not flag(entry, "egress")]
    if _opening([*items(acl, "ingress"), *entries]):
        yield failed("ingress", "any address reaches an administration port")
    if acl.type == types.NETWORK_ACL and not _is_attached(acl, graph):
        yield failed("subnetIds", "no subnet uses the list")
    yield passed("ingress")


def _belongs_to_a_list(entry: Resource, graph: Graph) -> Iterator[Finding]:
    """An entry is judged with its list; one of a foreign list may not open anything."""
    if graph.targets(entry, "networkAclId", *LISTS):
        return
    if not flag(entry, "egress") and _opening([entry]):
        yield failed("networkAclId", "an entry of a list that is not in this stack opens a port")
    yield passed("networkAclId")


def _opening(entries: Iterable[Node]) -> str | None:
    """The path of the entry that admits everyone to a port; the first entry that matches decides.

    An entry with a network that is narrower than the internet decides nothing about everyone.
    """
    ordered = sorted(entries, key=_order)
    for port in ADMIN_PORTS:
        for key in NETWORK_KEYS:
            first = next((e for e in ordered if _covers(e, port) and _is_everyone(e, key)), None)
            if first is not None and _action(first) == "allow":
                return join(first, key)
    return None


def _order(entry: Node) -> float:
    return number(entry, "ruleNo") or number(entry, "ruleNumber") or 0


def _action(entry: Node) -> str:
    return (text(entry, "action") or text(entry, "ruleAction") or "").lower()


def _covers(entry: Node, port: int) -> bool:
    protocol = (text(entry, "protocol") or "-1").lower()
    if protocol not in TCP:
        return False
    first, last = number(entry, "fromPort") or 0, number(entry, "toPort") or 0
    return protocol in ("-1", "all") or first <= port <= last


def _is_everyone(entry: Node, key: str) -> bool:
    return is_anywhere(text(entry, key) or "")


def _is_attached(acl: Resource, graph: Graph) -> bool:
    return bool(items(acl, "subnetIds")) or bool(
        graph.sources(acl, types.NETWORK_ACL_ASSOCIATION, "networkAclId")
    )


@judges_in_stack("VPC-11", types.SERVICE, types.LOAD_BALANCER, types.VPC)
def spans_zones(resource: Resource, graph: Graph, options: Options) -> Finding:
    """The loss of one zone is not the loss of the service."""
    if resource.type == types.VPC:
        return _gateways_span_zones(resource, graph, options)
    path = "networkConfiguration" if resource.type == types.SERVICE else "subnets"
    if resource.type == types.LOAD_BALANCER and items(resource, "subnetMappings"):
        path = "subnetMappings"
    if read(resource, path) is MISSING:
        return out_of_scope("no subnets are named", path)
    return _zones(path, graph.targets(resource, path, types.SUBNET))


def _gateways_span_zones(vpc: Resource, graph: Graph, options: Options) -> Finding:
    if not is_protected(vpc, options):
        return out_of_scope("not in an environment that must survive the loss of a zone", "tags")
    subnets = graph.sources(vpc, types.SUBNET, "vpcId")
    homes = [s for s in subnets if graph.sources(s, types.NAT_GATEWAY, "subnetId")]
    if not homes:
        return out_of_scope("no NAT gateway of this stack stands in the VPC", "natGateway")
    return _zones("natGateway", homes)


def _zones(path: str, subnets: list[Resource]) -> Finding:
    if not subnets:
        return failed(path, "no subnet of this stack is used, so its zones cannot be seen")
    zones = {text(s, "availabilityZone") or text(s, "availabilityZoneId") for s in subnets}
    if len(zones - {None}) < ZONES:
        return failed(path, "fewer than two availability zones are named")
    return passed(path)


@judges_in_stack("VPC-12", types.VPC, types.VPC_ENDPOINT)
def private_ways_to_aws(resource: Resource, graph: Graph, options: Options) -> Iterator[Finding]:
    """Calls of AWS services stay in the network and pass a policy."""
    if resource.type == types.VPC:
        yield _endpoints_exist(resource, graph, options)
        return
    if read(resource, "policy") is MISSING:
        yield failed("policy", "no policy is given, so everything passes")
    for statement in statements(resource, "policy"):
        everything = statement.every_action and statement.every_resource
        if statement.allows and everything and not statement.is_narrowed:
            yield failed(statement.path, "every action on every resource passes")
    yield passed("policy")


def _endpoints_exist(vpc: Resource, graph: Graph, options: Options) -> Finding:
    wanted = set(options.strings("services"))
    used = {s for kind, names in ENDPOINT_USERS.items() if graph.of(kind) for s in names} & wanted
    if not used:
        return out_of_scope("the stack uses none of the services", "vpcEndpoint")
    endpoints = graph.sources(vpc, types.VPC_ENDPOINT, "vpcId")
    # com.amazonaws.<region>.<service>
    found = {(text(e, "serviceName") or "").split(".", 3)[-1] for e in endpoints}
    if missing := sorted(used - found):
        return failed("vpcEndpoint", f"no endpoint for {', '.join(missing)}")
    return passed("vpcEndpoint")
