"""VPCs, subnets, routes and flow logs (VPC-01, VPC-03, VPC-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.retention import kept_long_enough, lifecycle_gap
from guardrails.controls.security_groups import is_anywhere
from guardrails.controls.storage import encryption_rules
from guardrails.controls.tagging import tag
from guardrails.values import MISSING, flag, is_set, items, join, read, text
from guardrails.verdicts import Finding, Verdict, failed, out_of_scope, passed

if TYPE_CHECKING:
    from guardrails.control import Options
    from guardrails.graph import Graph, Resource
    from guardrails.values import Node

TABLES: Final = (types.ROUTE_TABLE, types.DEFAULT_ROUTE_TABLE)


@judges_in_stack("VPC-01", types.VPC)
def flow_logged(vpc: Resource, graph: Graph, options: Options) -> Finding:
    """All traffic of the VPC is recorded somewhere encrypted that keeps it for a year."""
    logs = graph.sources(vpc, types.FLOW_LOG, "vpcId")
    if not logs:
        return failed("flowLog", "no flow log refers to this VPC")
    whole = [log for log in logs if (text(log, "trafficType") or "").upper() == "ALL"]
    if not whole:
        return failed("flowLog.trafficType", "the flow log records only a part of the traffic")
    verdicts = [_destination(log, graph, options) for log in whole]
    return next((v for v in verdicts if v.verdict is Verdict.PASS), verdicts[0])


def _destination(log: Resource, graph: Graph, options: Options) -> Finding:
    """The group, or the bucket, that a flow log writes to."""
    for prop in ("logDestination", "logGroupName"):
        for group in graph.targets(log, prop, types.LOG_GROUP):
            if not names_customer_key(group, "kmsKeyId"):
                return failed("flowLog.logDestination", "the log group has no customer key")
            return kept_long_enough(group, graph, options)
        for bucket in graph.targets(log, prop, types.BUCKET):
            if not any(encryption_rules(bucket, graph)):
                return failed("flowLog.logDestination", "the bucket has no default encryption")
            if gap := lifecycle_gap(bucket, graph, options.number("days")):
                return failed("flowLog.logDestination", gap)
            return passed("flowLog.logDestination")
    return failed("flowLog.logDestination", "the destination is not in this stack")


@judges("VPC-03", types.SUBNET)
def no_automatic_public_address(subnet: Resource, options: Options) -> Finding:
    """Instances get no public address by accident; a public tier says that it is one."""
    path = "mapPublicIpOnLaunch"
    if not flag(subnet, path):
        return passed(path)
    name, _, value = options.text("publicTierTag").partition("=")
    if (tag(subnet, name) or "").lower() == value.lower():
        return passed(path, "a declared public tier")
    return failed(path, "addresses are assigned in a subnet that is not declared public")


@judges_in_stack("VPC-10", *TABLES)
def private_tables_stay_private(table: Resource, graph: Graph, options: Options) -> Finding:
    """Only a table whose every subnet is declared public may lead to an internet gateway."""
    path = leads_to_internet(table, graph)
    if path is None:
        return passed("routes")
    name, _, value = options.text("publicTierTag").partition("=")
    if table.type == types.DEFAULT_ROUTE_TABLE:
        return failed(path, "the default route table leads to an internet gateway")
    links = graph.sources(table, types.ROUTE_TABLE_ASSOCIATION, "routeTableId")
    subnets = [s for link in links for s in graph.targets(link, "subnetId", types.SUBNET)]
    if not subnets:
        return out_of_scope("no subnet of this stack uses the table", path)
    for subnet in subnets:
        if (tag(subnet, name) or "").lower() != value.lower():
            return failed(path, "a subnet that is not declared public leads to the internet")
    return passed(path, "only declared public subnets use it")


def leads_to_internet(table: Resource, graph: Graph) -> str | None:
    """The path of the route to an internet gateway, or None."""
    for route in items(table, "routes"):
        anywhere = any(_leads_out(route, key) for key in ("cidrBlock", "ipv6CidrBlock"))
        gateway = read(route, "gatewayId")
        if anywhere and gateway is not MISSING and _is_internet(table, "routes", graph):
            return join(route, "gatewayId")
    for route in graph.sources(table, types.ROUTE, "routeTableId"):
        keys = ("destinationCidrBlock", "destinationIpv6CidrBlock")
        anywhere = any(_leads_out(route, key) for key in keys)
        if anywhere and is_set(route, "gatewayId") and _is_internet(route, "gatewayId", graph):
            return "route.gatewayId"
    return None


def _leads_out(route: Node, key: str) -> bool:
    return is_anywhere(text(route, key) or "")


def _is_internet(resource: Resource, prop: str, graph: Graph) -> bool:
    """Whether the gateway meant is an internet gateway; a literal id says so by its prefix."""
    if graph.targets(resource, prop, types.INTERNET_GATEWAY):
        return True
    if prop == "gatewayId":
        return (text(resource, prop) or "").startswith("igw-")
    return any((text(r, "gatewayId") or "").startswith("igw-") for r in items(resource, prop))


def is_public(subnet: Resource, graph: Graph) -> bool:
    """Whether a route of the subnet's table leads to an internet gateway.

    A subnet without a table of its own uses the default one of its VPC.
    """
    links = graph.sources(subnet, types.ROUTE_TABLE_ASSOCIATION, "subnetId")
    tables = [t for link in links for t in graph.targets(link, "routeTableId", *TABLES)]
    if not links:
        tables = _default_tables(subnet, graph)
    return any(leads_to_internet(table, graph) for table in tables)


def _default_tables(subnet: Resource, graph: Graph) -> list[Resource]:
    return [
        table
        for vpc in graph.targets(subnet, "vpcId", types.VPC)
        for table in graph.sources(vpc, types.DEFAULT_ROUTE_TABLE, "defaultRouteTableId")
    ]
