"""`awsx:ec2:Vpc` expanded into the children of the real component: names, parents, tags.

N is the component's name, S a spec's name, i a 1-based zone number. Not made, as in the real one:
security groups, network ACLs, flow logs. Routes of public subnets go to the internet gateway, of
private ones to a NAT gateway, isolated ones have none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from localcloud.providers.awsx.arguments import VpcArguments
from localcloud.providers.awsx.layout import UNUSED, Subnet

TOKEN = "awsx:ec2:Vpc"  # noqa: S105 - a type token
ANYWHERE = "0.0.0.0/0"
SNAKE = {
    "assignGeneratedIpv6CidrBlock": "assign_generated_ipv6_cidr_block",
    "enableDnsHostnames": "enable_dns_hostnames",
    "enableDnsSupport": "enable_dns_support",
    "enableNetworkAddressUsageMetrics": "enable_network_address_usage_metrics",
    "instanceTenancy": "instance_tenancy",
    "ipv4IpamPoolId": "ipv4_ipam_pool_id",
    "ipv4NetmaskLength": "ipv4_netmask_length",
    "ipv6CidrBlock": "ipv6_cidr_block",
    "ipv6CidrBlockNetworkBorderGroup": "ipv6_cidr_block_network_border_group",
    "ipv6IpamPoolId": "ipv6_ipam_pool_id",
    "ipv6NetmaskLength": "ipv6_netmask_length",
    "region": "region",
}
ENDPOINT_ARGUMENTS = {
    "autoAccept": "auto_accept",
    "dnsOptions": "dns_options",
    "ipAddressType": "ip_address_type",
    "policy": "policy",
    "privateDnsEnabled": "private_dns_enabled",
    "region": "region",
    "resourceConfigurationArn": "resource_configuration_arn",
    "routeTableIds": "route_table_ids",
    "securityGroupIds": "security_group_ids",
    "serviceName": "service_name",
    "serviceNetworkArn": "service_network_arn",
    "serviceRegion": "service_region",
    "subnetConfigurations": "subnet_configurations",
    "subnetIds": "subnet_ids",
    "vpcEndpointType": "vpc_endpoint_type",
}


class Vpc(pulumi.ComponentResource):
    """The component and its children; `state` holds its outputs by wire name."""

    def __init__(self, name: str, args: VpcArguments, opts: ResourceOptions | None = None) -> None:
        super().__init__(TOKEN, name, {}, opts)
        self._args = args
        self._title = name
        self._region = {"region": args.passed["region"]} if "region" in args.passed else {}
        self.vpc = aws.ec2.Vpc(
            name,
            cidr_block=str(args.cidr),
            tags=_tags({"Name": name}, args.tags),
            opts=ResourceOptions(parent=self),
            **{SNAKE[key]: value for key, value in args.passed.items()},
        )
        self.gateway = aws.ec2.InternetGateway(
            name,
            vpc_id=self.vpc.id,
            tags=_tags({"Name": name}, args.tags),
            opts=ResourceOptions(parent=self.vpc),
            **self._region,
        )
        self.subnets: dict[str, list[aws.ec2.Subnet]] = {
            "Public": [],
            "Private": [],
            "Isolated": [],
        }
        self.tables: list[aws.ec2.RouteTable] = []
        self.associations: list[aws.ec2.RouteTableAssociation] = []
        self.routes: list[aws.ec2.Route] = []
        self.eips: list[aws.ec2.Eip] = []
        self.nats: list[aws.ec2.NatGateway] = []
        for plans in _by_zone(args.layout.subnets):
            self._zone(plans)
        self.endpoints = [self._endpoint(spec) for spec in args.endpoints]

    def _zone(self, plans: Sequence[Subnet]) -> None:
        """Subnets of one zone: public ones first, for the NAT gateway stands in one of them."""
        order = ("Public", "Private", "Isolated")
        for plan in sorted(plans, key=lambda one: order.index(one.spec.type)):
            subnet = self._subnet(plan)
            table = self._table(plan, subnet)
            if plan.spec.type == "Public":
                gateway = {"gateway_id": self.gateway.id}
                self._route(plan, table, gateway)
                if self._wants_nat(plan.number):
                    self._nat(plan.number, subnet)
            elif plan.spec.type == "Private" and self.nats:
                self._route(plan, table, {"nat_gateway_id": self.nats[-1].id})

    def _wants_nat(self, number: int) -> bool:
        """One gateway per zone, or only in the first; a second public subnet gets none."""
        wanted = {"None": 0, "Single": 1, "OnePerAz": number}[self._args.nat]
        return len(self.nats) < wanted

    def _subnet(self, plan: Subnet) -> aws.ec2.Subnet:
        kind = plan.spec.type
        forced = {"Name": self._tag_name(plan), "SubnetType": kind}
        subnet = aws.ec2.Subnet(
            self._child_name(plan),
            vpc_id=self.vpc.id,
            availability_zone=plan.zone,
            cidr_block=str(plan.cidr),
            map_public_ip_on_launch=kind == "Public",
            assign_ipv6_address_on_creation=plan.spec.ipv6,
            tags=_tags({"Name": self._title}, self._args.tags, plan.spec.tags, forced),
            opts=ResourceOptions(parent=self.vpc),
            **self._region,
        )
        self.subnets[kind].append(subnet)
        return subnet

    def _table(self, plan: Subnet, subnet: aws.ec2.Subnet) -> aws.ec2.RouteTable:
        forced = {"Name": self._tag_name(plan), "SubnetType": plan.spec.type}
        table = aws.ec2.RouteTable(
            self._child_name(plan),
            vpc_id=self.vpc.id,
            tags=_tags({"Name": self._title}, self._args.tags, forced),
            opts=ResourceOptions(parent=subnet),
            **self._region,
        )
        self.tables.append(table)
        association = aws.ec2.RouteTableAssociation(
            self._child_name(plan),
            route_table_id=table.id,
            subnet_id=subnet.id,
            opts=ResourceOptions(parent=table),
            **self._region,
        )
        self.associations.append(association)
        return table

    def _route(self, plan: Subnet, table: aws.ec2.RouteTable, target: Mapping[str, Any]) -> None:
        route = aws.ec2.Route(
            self._child_name(plan),
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            opts=ResourceOptions(parent=table),
            **target,
            **self._region,
        )
        self.routes.append(route)

    def _nat(self, number: int, subnet: aws.ec2.Subnet) -> None:
        name = f"{self._title}-{number}"
        tags = _tags(self._args.tags, {"Name": name})
        opts = ResourceOptions(parent=subnet)
        if self._args.allocation_ids:
            allocation = self._args.allocation_ids[number - 1]
        else:
            eip = aws.ec2.Eip(name, domain="vpc", tags=tags, opts=opts, **self._region)
            self.eips.append(eip)
            allocation = eip.allocation_id
        gateway = aws.ec2.NatGateway(
            name,
            subnet_id=subnet.id,
            allocation_id=allocation,
            tags=tags,
            opts=opts,
            **self._region,
        )
        self.nats.append(gateway)

    def _endpoint(self, spec: Mapping[str, Any]) -> aws.ec2.VpcEndpoint:
        given = {ENDPOINT_ARGUMENTS[key]: value for key, value in spec.items() if key != "tags"}
        return aws.ec2.VpcEndpoint(
            str(spec["serviceName"]),
            vpc_id=self.vpc.id,
            tags=_tags({"Name": self._title}, self._args.tags, spec.get("tags")),
            opts=ResourceOptions(parent=self.vpc),
            **(self._region | given),
        )

    def _child_name(self, plan: Subnet) -> str:
        return f"{self._title}-{plan.spec.name}-{plan.number}"

    def _tag_name(self, plan: Subnet) -> str:
        """The `Name` tag: the logical name, or with the zone's own suffix (`1a`) on request."""
        if self._args.zone_names_in_tags:
            return f"{self._title}-{plan.spec.name}-{plan.zone.split('-', 2)[-1]}"
        return self._child_name(plan)

    @property
    def state(self) -> dict[str, Any]:
        """Outputs of the component, by wire name."""
        public, private, isolated = (self.subnets[k] for k in ("Public", "Private", "Isolated"))
        return {
            "vpcId": self.vpc.id,
            "vpc": self.vpc,
            "internetGateway": self.gateway,
            "publicSubnetIds": _ids(public),
            "privateSubnetIds": _ids(private),
            "isolatedSubnetIds": _ids(isolated),
            "publicSubnets": public,
            "privateSubnets": private,
            "isolatedSubnets": isolated,
            "subnets": [*public, *private, *isolated],
            "routeTables": self.tables,
            "routeTableAssociations": self.associations,
            "routes": self.routes,
            "natGateways": self.nats,
            "eips": self.eips,
            "vpcEndpoints": self.endpoints,
            "subnetLayout": _described(self._args),
        }


def _by_zone(subnets: Iterable[Subnet]) -> list[list[Subnet]]:
    zones: dict[int, list[Subnet]] = {}
    for subnet in subnets:
        if subnet.spec.type != UNUSED:
            zones.setdefault(subnet.number, []).append(subnet)
    return [zones[number] for number in sorted(zones)]


def _tags(*parts: Any) -> Any:
    """Tags merged from left to right; parts may be missing, or outputs."""
    present = [part for part in parts if part]
    if not any(isinstance(part, pulumi.Output) for part in present):
        return _merged(present)
    return pulumi.Output.all(*present).apply(_merged)


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {key: value for part in parts for key, value in part.items()}


def _ids(resources: Sequence[pulumi.CustomResource]) -> Any:
    """All ids as one output: at a first preview the real component loses the length too."""
    return pulumi.Output.all(*[resource.id for resource in resources]) if resources else []


def _described(args: VpcArguments) -> list[dict[str, Any]]:
    """The specs with the masks they ended up with."""
    described = []
    for spec, mask in zip(args.specs, args.layout.masks, strict=True):
        blocks = [str(s.cidr) for s in args.layout.subnets if s.spec is spec]
        described.append(
            {
                "type": spec.type,
                "name": spec.name,
                "cidrMask": mask,
                "size": 1 << (32 - mask),
                "cidrBlocks": blocks,
            }
        )
    return described
