"""The network and who reaches whom in it."""

from dataclasses import dataclass

from infra.areas.foundation import Foundation
from infra.endpoints import Endpoints, EndpointsArgs
from infra.invokes import cloudfront_prefix_list
from infra.network import Network, NetworkArgs
from infra.security_groups import SecurityGroups, SecurityGroupsArgs
from infra.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The VPC and its security groups."""

    network: Network
    groups: SecurityGroups


def build_reach(stack: Stack, base: Foundation) -> Reach:
    """Three zones, private tasks, AWS services without the internet."""
    network = _network(stack, base)
    groups = _groups(stack, network)
    endpoints = EndpointsArgs(
        names=stack.names,
        network=network,
        groups=groups,
        zones=stack.settings.network.endpoint_zones,
        table_prefix=stack.settings.data.table_prefix,
        repository=stack.settings.service.repository,
    )
    Endpoints("endpoints", endpoints, stack.opts)
    return Reach(network=network, groups=groups)


def _groups(stack: Stack, network: Network) -> SecurityGroups:
    edge = stack.settings.edge
    args = SecurityGroupsArgs(
        vpc_id=network.vpc_id,
        cloudfront=cloudfront_prefix_list(stack.home) if edge.cdn else None,
        releases=network.nat_networks,
        test_port=edge.test_port,
    )
    return SecurityGroups("security-groups", args, stack.opts)


def _network(stack: Stack, base: Foundation) -> Network:
    size = stack.settings.network
    args = NetworkArgs(
        names=stack.names,
        cidr=size.cidr,
        zones=size.zones,
        nat_strategy=size.nat_strategy,
        flow_logs=base.logs["vpc-flow"],
        boundary_arn=stack.boundary_arn,
    )
    return Network("network", args, stack.opts)
