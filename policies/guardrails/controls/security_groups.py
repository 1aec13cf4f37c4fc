"""Security-group rules as one set, whichever of the four ways they are written (VPC-02 to 07)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.values import (
    MISSING,
    Node,
    Unknown,
    is_set,
    items,
    join,
    known_text,
    number,
    read,
    text,
    value_at,
)
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

# Ports of interfaces through which people administer hosts and data stores.
ADMIN_PORTS: Final = (
    22, 23, 135, 445, 1433, 1521, 2375, 2376, 3306, 3389, 5432, 5601, 5900, 5985, 5986, 6379, 8443,
    9200, 11211, 27017,
)  # fmt: skip
WEB_PORTS: Final = (80.0, 443.0)
# The widest networks that registries hand to anybody, by IP version: /8 and /12.
WIDEST: Final = {4: 8, 6: 12}
RULE_TYPES: Final = (types.SECURITY_GROUP_RULE, types.INGRESS_RULE, types.EGRESS_RULE)
ALL_PROTOCOLS: Final = ("-1", "all")
# ICMP's type and code are written where others have ports: a ping reaches none.
PORTLESS_PROTOCOLS: Final = ("icmp", "icmpv6", "1", "58")


@dataclass(frozen=True)
class Rule:
    """One rule of a group in one direction, wherever it was written."""

    node: Node
    path: str

    @property
    def protocol(self) -> str:
        """Name or number in lower case; every protocol when none is named."""
        return (text(self.node, "protocol") or text(self.node, "ipProtocol") or "-1").lower()

    @property
    def all_protocols(self) -> bool:
        """Whether every protocol, and with it every port, is meant."""
        return self.protocol in ALL_PROTOCOLS

    def ports(self) -> tuple[float, float]:
        """First and last port, 0 to 65535 when the rule does not restrict them."""
        first, last = number(self.node, "fromPort"), number(self.node, "toPort")
        if self.all_protocols or first is None or first == -1:
            return 0, 65535
        return first, first if last is None else last

    def opens(self, port: float) -> bool:
        """Whether the rule covers `port`."""
        first, last = self.ports()
        return self.protocol not in PORTLESS_PROTOCOLS and first <= port <= last

    def networks(self) -> Iterator[Node]:
        """Every CIDR of the rule, possibly unknown."""
        for key in ("cidrBlocks", "ipv6CidrBlocks"):
            yield from items(self.node, key)
        for key in ("cidrIpv4", "cidrIpv6"):
            match read(self.node, key):
                case Unknown(path, _):
                    # Node carries the sentinel on, so that known_text reports the unknown.
                    yield Node(self.node.value.get(key), path)
                case found if found is not MISSING:
                    yield Node(self.node.value[key], join(self.node, key))
                case _:
                    pass

    def anywhere(self) -> Node | None:
        """The first network that is the whole internet; raises when the only hope is unknown."""
        gap: Node | None = None
        for network in self.networks():
            match read(network, ()):
                case Unknown():
                    gap = gap or network
                case _ if is_anywhere(known_text(network)):
                    return network
                case _:
                    pass
        if gap is not None:
            known_text(gap)
        return None


def is_anywhere(cidr: str) -> bool:
    """Whether a CIDR is wider than what any one owner holds: the internet, or a slice of it.

    Halves and quarters are a known dodge. Unique local addresses (fc00::/7) are nobody's internet.
    """
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return False
    return network.prefixlen < WIDEST[network.version] and not network.is_private


def rules(resource: Resource, direction: str) -> list[Rule]:
    """The rules in one direction (`ingress` or `egress`) that `resource` itself writes."""
    if resource.type in (types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP):
        return [Rule(node, node.path) for node in items(resource, direction)]
    written = {types.INGRESS_RULE: "ingress", types.EGRESS_RULE: "egress"}.get(resource.type)
    if resource.type == types.SECURITY_GROUP_RULE:
        written = text(resource, "type")
    return [Rule(Node(resource.value), "")] if written == direction else []


def rules_of(group: Resource, graph: Graph, direction: str) -> list[Rule]:
    """All rules of a group: its inline ones and the stand-alone resources that refer to it."""
    found = rules(group, direction)
    for kind in RULE_TYPES:
        for resource in graph.sources(group, kind, "securityGroupId"):
            found += rules(resource, direction)
    return found


def is_load_balancer_group(group: Resource, graph: Graph) -> bool:
    """Whether a load balancer of the stack wears this group."""
    return bool(graph.sources(group, types.LOAD_BALANCER, "securityGroups"))


@judges_in_stack("VPC-02", types.VPC, types.DEFAULT_VPC)
def default_group_is_closed(vpc: Resource, graph: Graph, _: Options) -> Finding:
    """What lands in the default group by accident can talk to nobody."""
    if vpc.type == types.DEFAULT_VPC:
        return failed("", "the default VPC is in use")
    groups = graph.sources(vpc, types.DEFAULT_SECURITY_GROUP, "vpcId")
    if not groups:
        return failed("defaultSecurityGroup", "the default security group is not managed")
    for group in groups:
        for direction in ("ingress", "egress"):
            if found := rules(group, direction):
                return failed(found[0].path, "the default security group has a rule")
    return passed("defaultSecurityGroup")


@judges("VPC-04", types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP, *RULE_TYPES[:2])
def no_admin_port_from_anywhere(resource: Resource, _: Options) -> Iterator[Finding]:
    """Nobody on the internet reaches a port that people administer systems through."""
    for rule in rules(resource, "ingress"):
        opened = [port for port in ADMIN_PORTS if rule.opens(port)]
        if opened and (network := rule.anywhere()):
            yield failed(network.path, f"any address reaches administration port {opened[0]}")
    yield passed("ingress")


@judges("VPC-05", types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP, *RULE_TYPES[:2])
def no_other_port_from_anywhere(resource: Resource, _: Options) -> Iterator[Finding]:
    """Ports other than the web's are closed to the internet whoever owns the group."""
    for rule in rules(resource, "ingress"):
        first, last = rule.ports()
        if not (first == last and first in WEB_PORTS) and (network := rule.anywhere()):
            yield failed(network.path, "any address reaches a port that is neither 80 nor 443")


@judges_in_stack("VPC-05", types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP, *RULE_TYPES[:2])
def web_ports_only_on_load_balancers(
    group: Resource, graph: Graph, _: Options
) -> Iterator[Finding]:
    """80 and 443 are open to the internet only on a load balancer's group."""
    if group.type in RULE_TYPES:
        yield from _belongs_to_a_group(group, graph)
        return
    for rule in rules_of(group, graph, "ingress"):
        if network := rule.anywhere():
            if not is_load_balancer_group(group, graph):
                yield failed(network.path, "any address reaches a group no load balancer wears")
            elif not (rule.ports()[0] == rule.ports()[1] and rule.ports()[0] in WEB_PORTS):
                yield failed(network.path, "any address reaches a port other than 80 and 443")
    yield passed("ingress")


def _belongs_to_a_group(rule: Resource, graph: Graph) -> Iterator[Finding]:
    """A rule is judged with its group; one of a foreign group may not be open at all."""
    if graph.targets(rule, "securityGroupId", types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP):
        return
    for opening in rules(rule, "ingress"):
        if network := opening.anywhere():
            yield failed(network.path, "any address reaches a group that is not in this stack")
    yield passed("securityGroupId", "not open to any address")


@judges("VPC-06", types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP, *RULE_TYPES[::2])
def egress_is_restricted(resource: Resource, _: Options) -> Iterator[Finding]:
    """Traffic that leaves is restricted by protocol or by destination."""
    for rule in rules(resource, "egress"):
        if rule.all_protocols and (network := rule.anywhere()):
            yield failed(network.path, "every protocol may leave to any address")
    yield passed("egress")


@judges_in_stack("VPC-07", types.SERVICE)
def app_tier_behind_load_balancer(service: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """A service behind a load balancer takes traffic from that load balancer's group only."""
    path = "networkConfiguration.securityGroups"
    if not items(service, "loadBalancers"):
        yield out_of_scope("the service stands behind no load balancer", "loadBalancers")
        return
    groups = graph.targets(service, "networkConfiguration", types.SECURITY_GROUP)
    if not groups:
        yield failed(path, "no security group of this stack is attached")
        return
    for group in groups:
        for rule in rules_of(group, graph, "ingress"):
            if any(True for _ in rule.networks()) or items(rule.node, "prefixListIds"):
                yield failed(path, "traffic is accepted from a network instead of a group")
            elif value_at(rule.node, "prefixListId") is not None:
                yield failed(path, "traffic is accepted from a prefix list instead of a group")
        for source in _admitted(group, graph):
            if source is None or not is_load_balancer_group(source, graph):
                yield failed(path, "traffic is accepted from a group that no load balancer wears")
    yield passed(path)


def _admitted(group: Resource, graph: Graph) -> Iterator[Resource | None]:
    """The groups that a group's rules let in beside itself; None for one of another stack."""
    places = [(group, "ingress")] if _names_group(group) else []
    for kind, prop in (
        (types.SECURITY_GROUP_RULE, "sourceSecurityGroupId"),
        (types.INGRESS_RULE, "referencedSecurityGroupId"),
    ):
        found = graph.sources(group, kind, "securityGroupId")
        places += [(r, prop) for r in found if rules(r, "ingress") and is_set(r, prop)]
    for place, prop in places:
        named = graph.targets(place, prop, types.SECURITY_GROUP)
        if not named:
            yield None
        yield from (source for source in named if source.urn != group.urn)


def _names_group(group: Resource) -> bool:
    """Whether an inline rule lets another group in."""
    return any(items(rule, "securityGroups") for rule in items(group, "ingress"))
