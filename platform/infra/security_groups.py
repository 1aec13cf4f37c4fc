"""Who may talk to whom. Every rule is a resource of its own and says why it exists."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract

ANYWHERE = "0.0.0.0/0"
HTTPS = 443
HTTP = 80


@dataclass(frozen=True, kw_only=True)
class SecurityGroupsArgs:
    """The VPC the groups belong to; `cloudfront` lists its addresses where it stands in front.

    `releases` are the networks that the check of a release calls from, at `test_port`.
    """

    vpc_id: pulumi.Input[str]
    cloudfront: pulumi.Input[str] | None
    releases: Sequence[pulumi.Input[str]]
    test_port: int


class SecurityGroups(pulumi.ComponentResource):
    """Attributes are group ids; groups have no inline rules.

    CloudFront's list counts as 55 of the 60 rules a group may have, so the test port of the load
    balancer has a group of its own.
    """

    def __init__(
        self, name: str, args: SecurityGroupsArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:network:SecurityGroups", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._vpc_id = args.vpc_id
        self.alb = self._group("alb", "Load balancer of the API")
        self.alb_test = self._group("alb-test", "Test port of the load balancer")
        self.release_check = self._group("release-check", "Check of a release")
        self.service = self._group("service", "Tasks of the API")
        self.worker = self._group("worker", "Tasks of the worker")
        self.endpoints = self._group("endpoints", "Interface endpoints of AWS services")
        self.of_balancer = [self.alb, self.alb_test]
        self._open_alb(args.cloudfront)
        self._open_test_port(args)
        self._open_service()
        self._open_worker()
        self.register_outputs({"alb": self.alb, "service": self.service})

    def _open_alb(self, cloudfront: pulumi.Input[str] | None) -> None:
        """Behind CloudFront nobody else gets in, and port 80 stays shut."""
        if cloudfront is None:
            self._ingress("alb-https", self.alb, HTTPS, "Clients", cidr_ipv4=ANYWHERE)
            self._ingress("alb-http", self.alb, HTTP, "Redirected to HTTPS", cidr_ipv4=ANYWHERE)
        else:
            self._ingress("alb-https", self.alb, HTTPS, "CloudFront", prefix_list_id=cloudfront)
        service = {"referenced_security_group_id": self.service}
        self._egress("alb-to-service", self.alb, contract.PORT, "Requests and checks", **service)

    def _open_test_port(self, args: SecurityGroupsArgs) -> None:
        """The check runs in the VPC and calls a public address: it comes from a NAT gateway."""
        for place, network in enumerate(args.releases, start=1):
            name, why = f"alb-test-{place}", "Check of a release"
            self._ingress(name, self.alb_test, args.test_port, why, cidr_ipv4=network)
        why = "Test port of the load balancer"
        self._egress(
            "release-check-to-alb", self.release_check, args.test_port, why, cidr_ipv4=ANYWHERE
        )

    def _open_service(self) -> None:
        alb = {"referenced_security_group_id": self.alb}
        self._ingress("service-from-alb", self.service, contract.PORT, "Requests", **alb)
        endpoints = {"referenced_security_group_id": self.endpoints}
        self._egress("service-to-endpoints", self.service, HTTPS, "AWS APIs", **endpoints)
        # Mail leaves through SES, which has no interface endpoint here.
        why = "SES, Plaid, Stripe"
        self._egress("service-to-internet", self.service, HTTPS, why, cidr_ipv4=ANYWHERE)
        service = {"referenced_security_group_id": self.service}
        self._ingress("endpoints-from-service", self.endpoints, HTTPS, "AWS APIs", **service)

    def _open_worker(self) -> None:
        """Out as the API; nobody calls it."""
        endpoints = {"referenced_security_group_id": self.endpoints}
        self._egress("worker-to-endpoints", self.worker, HTTPS, "AWS APIs", **endpoints)
        why = "SES, Plaid, Stripe, webhooks of users"
        self._egress("worker-to-internet", self.worker, HTTPS, why, cidr_ipv4=ANYWHERE)
        worker = {"referenced_security_group_id": self.worker}
        self._ingress("endpoints-from-worker", self.endpoints, HTTPS, "AWS APIs", **worker)

    def allow_prefix_list(self, name: str, prefix_list_id: pulumi.Input[str]) -> None:
        """Let the tasks reach an AWS service behind a gateway endpoint."""
        why = f"{name} through its gateway endpoint"
        for tasks, group in (("service", self.service), ("worker", self.worker)):
            self._egress(f"{tasks}-to-{name}", group, HTTPS, why, prefix_list_id=prefix_list_id)

    def _group(self, name: str, description: str) -> pulumi.Output[str]:
        group = aws.ec2.SecurityGroup(
            name, description=description, vpc_id=self._vpc_id, opts=self._child
        )
        return group.id

    def _ingress(
        self, name: str, group: pulumi.Output[str], port: int, why: str, **source: pulumi.Input[str]
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group,
            description=why,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            cidr_ipv4=source.get("cidr_ipv4"),
            prefix_list_id=source.get("prefix_list_id"),
            referenced_security_group_id=source.get("referenced_security_group_id"),
            opts=self._child,
        )

    def _egress(
        self, name: str, group: pulumi.Output[str], port: int, why: str, **target: pulumi.Input[str]
    ) -> None:
        aws.vpc.SecurityGroupEgressRule(
            name,
            security_group_id=group,
            description=why,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            cidr_ipv4=target.get("cidr_ipv4"),
            prefix_list_id=target.get("prefix_list_id"),
            referenced_security_group_id=target.get("referenced_security_group_id"),
            opts=self._child,
        )
