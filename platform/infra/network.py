"""The VPC: three zones, private tasks, logged flows, defaults that let nothing through."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx
from pulumi import ResourceOptions

from infra.identity import RoleArgs, ServiceRole
from infra.log_group import ArchivedLogGroup
from infra.naming import FLOW_LOGS, IGNORED, Names
from infra.policy import Statement
from infra.subnets import PRIVATE_BITS, PUBLIC_BITS

FLOW_INTERVAL_SECONDS = 60
ANYWHERE = "0.0.0.0/0"
ADMIN_PORTS = (22, 3389)
FIRST_DENY_RULE = 90
ALLOW_RULE = 100


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`nat_strategy` is OnePerAz or Single."""

    names: Names
    cidr: IPv4Network
    zones: tuple[str, ...]
    nat_strategy: str
    flow_logs: ArchivedLogGroup
    boundary_arn: str | None


class Network(pulumi.ComponentResource):
    """Subnet ids are unknown as a whole before the first deployment: never take their length."""

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:network:Network", name, None, opts)
        self._child = ResourceOptions(parent=self)
        vpc = self._vpc(args)
        self.vpc_id = vpc.vpc_id
        self.private_subnet_ids = vpc.private_subnet_ids
        self.public_subnet_ids = vpc.public_subnet_ids
        self.route_table_ids: pulumi.Output[list[str]] = vpc.route_tables.apply(_ids)
        self.nat_public_ips: pulumi.Output[list[str]] = vpc.nat_gateways.apply(_public_ips)
        gateways = range(_nat_count(args))
        self.nat_gateway_ids = [
            vpc.nat_gateways.apply(partial(_gateway_id, place)) for place in gateways
        ]
        # The addresses that our own calls to the internet come from, each as a network of one.
        self.nat_networks = [
            vpc.nat_gateways.apply(partial(_gateway_ip, place)).apply("{}/32".format)
            for place in gateways
        ]
        self._close_defaults(vpc)
        self._log_flows(args)
        self.register_outputs({"vpcId": self.vpc_id})

    def _vpc(self, args: NetworkArgs) -> awsx.ec2.Vpc:
        prefix = args.cidr.prefixlen
        return awsx.ec2.Vpc(
            "vpc",
            cidr_block=str(args.cidr),
            availability_zone_names=list(args.zones),
            subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
            subnet_specs=[
                awsx.ec2.SubnetSpecArgs(
                    type=awsx.ec2.SubnetType.PRIVATE, cidr_mask=prefix + PRIVATE_BITS
                ),
                awsx.ec2.SubnetSpecArgs(
                    type=awsx.ec2.SubnetType.PUBLIC, cidr_mask=prefix + PUBLIC_BITS
                ),
            ],
            nat_gateways=awsx.ec2.NatGatewayConfigurationArgs(
                strategy=awsx.ec2.NatGatewayStrategy(args.nat_strategy)
            ),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            subnet_name_tag_strategy=awsx.ec2.SubnetNameTagStrategy.AVAILABILITY_ZONE,
            vpc_endpoint_strategy=awsx.ec2.VpcEndpointStrategy.LEGACY,
            opts=self._child,
        )

    def _close_defaults(self, vpc: awsx.ec2.Vpc) -> None:
        """What AWS creates with a VPC and nobody asked for must not let anything through."""
        aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.vpc_id, opts=self._child)
        aws.ec2.DefaultNetworkAcl(
            "admin-ports-closed",
            default_network_acl_id=vpc.vpc.apply(_default_acl),
            ingress=[
                *(_acl_rule(FIRST_DENY_RULE + i, "deny", p) for i, p in enumerate(ADMIN_PORTS)),
                _acl_rule(ALLOW_RULE, "allow", None),
            ],
            egress=[
                {
                    "rule_no": ALLOW_RULE,
                    "action": "allow",
                    "protocol": "-1",
                    "from_port": 0,
                    "to_port": 0,
                    "cidr_block": ANYWHERE,
                }
            ],
            opts=ResourceOptions(parent=self, ignore_changes=list(IGNORED["default network acl"])),
        )

    def _log_flows(self, args: NetworkArgs) -> None:
        role = ServiceRole(
            "flow-logs",
            RoleArgs(
                names=args.names,
                service="vpc-flow-logs",
                description="VPC flow logs reach their log group",
                source_arn=args.names.arn("ec2", "vpc-flow-log/*"),
                boundary_arn=args.boundary_arn,
            ),
            self._child,
        )
        role.allow(
            Statement(
                sid="WriteFlows",
                actions=("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
                resources=(f"{args.names.log_group_arn(FLOW_LOGS)}:*",),
            )
        )
        role.seal()
        aws.ec2.FlowLog(
            "flows",
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=args.flow_logs.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=FLOW_INTERVAL_SECONDS,
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )


def _ids(tables: Sequence[aws.ec2.RouteTable]) -> Any:
    return pulumi.Output.all(*[table.id for table in tables])


def _nat_count(args: NetworkArgs) -> int:
    return len(args.zones) if args.nat_strategy == "OnePerAz" else 1


def _gateway_id(place: int, gateways: Sequence[aws.ec2.NatGateway]) -> Any:
    return gateways[place].id


def _gateway_ip(place: int, gateways: Sequence[aws.ec2.NatGateway]) -> Any:
    return gateways[place].public_ip


def _public_ips(gateways: Sequence[aws.ec2.NatGateway]) -> Any:
    return pulumi.Output.all(*[gateway.public_ip for gateway in gateways])


def _default_acl(vpc: aws.ec2.Vpc) -> Any:
    return vpc.default_network_acl_id


def _acl_rule(number: int, action: str, port: int | None) -> aws.ec2.DefaultNetworkAclIngressArgs:
    """Network ACLs are stateless: a reply to source port 3389 is lost, and clients retry."""
    return aws.ec2.DefaultNetworkAclIngressArgs(
        rule_no=number,
        action=action,
        protocol="tcp" if port else "-1",
        from_port=port or 0,
        to_port=port or 0,
        cidr_block=ANYWHERE,
    )
