"""Private ways to the AWS services the tasks use, each with a policy of its own."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.endpoint_policies import GATEWAYS, INTERFACES, endpoint_policy
from infra.naming import Names
from infra.network import Network
from infra.security_groups import SecurityGroups


@dataclass(frozen=True, kw_only=True)
class EndpointsArgs:
    """Interface endpoints stand in the first `zones` private subnets."""

    names: Names
    network: Network
    groups: SecurityGroups
    zones: int
    table_prefix: str
    repository: str


class Endpoints(pulumi.ComponentResource):
    """Gateways for S3 and DynamoDB, interfaces for the rest."""

    def __init__(self, name: str, args: EndpointsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:network:Endpoints", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._args = args
        for service in GATEWAYS:
            gateway = self._gateway(service)
            args.groups.allow_prefix_list(service, gateway.prefix_list_id)
        for service in INTERFACES:
            self._interface(service)
        self.register_outputs({})

    def _policy(self, service: str) -> str:
        args = self._args
        return endpoint_policy(
            service, args.names, table_prefix=args.table_prefix, repository=args.repository
        )

    def _gateway(self, service: str) -> aws.ec2.VpcEndpoint:
        return aws.ec2.VpcEndpoint(
            service,
            vpc_id=self._args.network.vpc_id,
            service_name=f"com.amazonaws.{self._args.names.region}.{service}",
            vpc_endpoint_type="Gateway",
            route_table_ids=self._args.network.route_table_ids,
            policy=self._policy(service),
            opts=self._child,
        )

    def _interface(self, service: str) -> aws.ec2.VpcEndpoint:
        subnets = self._args.network.private_subnet_ids
        return aws.ec2.VpcEndpoint(
            service,
            vpc_id=self._args.network.vpc_id,
            service_name=f"com.amazonaws.{self._args.names.region}.{service}",
            vpc_endpoint_type="Interface",
            # One by one, so that a preview already shows how many.
            subnet_ids=[subnets[zone] for zone in range(self._args.zones)],
            security_group_ids=[self._args.groups.endpoints],
            private_dns_enabled=True,
            policy=self._policy(service),
            opts=self._child,
        )
