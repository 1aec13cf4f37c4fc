"""The one public thing: an HTTPS load balancer with two target groups for blue/green."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract
from infra.bucket import SecureBucket
from infra.bucket_policies import ALB_CONNECTIONS_PREFIX, ALB_PREFIX
from infra.certificate import ValidatedCertificate
from infra.naming import IGNORED, LOAD_BALANCER, PROJECT
from infra.network import Network
from infra.security_groups import HTTP, HTTPS, SecurityGroups
from infra.transport import HSTS

DRAIN_SECONDS = contract.STOP_SECONDS
RULE_PRIORITY = 10


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """Where it stands, what it proves, where its logs go."""

    network: Network
    groups: SecurityGroups
    certificate: ValidatedCertificate
    access_logs: SecureBucket
    tls_policy: str
    test_port: int
    protect: bool


class LoadBalancer(pulumi.ComponentResource):
    """HTTPS only forwards: ECS shifts traffic by rewriting the weights of the two rules.

    It moves the test port first, so that a release is asked before a client meets it.
    """

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:edge:LoadBalancer", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        balancer = self._balancer()
        self.arn, self.arn_suffix = balancer.arn, balancer.arn_suffix
        self.dns_name, self.zone_id = balancer.dns_name, balancer.zone_id
        self.blue = self._target_group("blue")
        self.green = self._target_group("green")
        self._redirect_listener()
        self.production_rule = self._rule("production", self._listener("https", HTTPS))
        self.test_rule = self._rule("test", self._listener("https-test", args.test_port))
        self.register_outputs({"arn": self.arn})

    def _balancer(self) -> aws.lb.LoadBalancer:
        args = self._args
        return aws.lb.LoadBalancer(
            "alb",
            name=LOAD_BALANCER,
            load_balancer_type="application",
            internal=False,
            ip_address_type="ipv4",
            subnets=args.network.public_subnet_ids,
            security_groups=args.groups.of_balancer,
            idle_timeout=contract.ALB_IDLE_SECONDS,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            xff_header_processing_mode="append",
            preserve_host_header=True,
            enable_deletion_protection=args.protect,
            enable_waf_fail_open=False,
            enable_cross_zone_load_balancing=True,
            enable_zonal_shift=True,
            access_logs={"bucket": args.access_logs.name, "enabled": True, "prefix": ALB_PREFIX},
            connection_logs={
                "bucket": args.access_logs.name,
                "enabled": True,
                "prefix": ALB_CONNECTIONS_PREFIX,
            },
            # Without the bucket's policy the load balancer is refused at creation.
            opts=ResourceOptions(parent=self, depends_on=[args.access_logs.policy]),
        )

    def _target_group(self, colour: str) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"api-{colour}",
            name=f"{PROJECT}-api-{colour}",
            port=contract.PORT,
            protocol="HTTP",
            target_type="ip",
            vpc_id=self._args.network.vpc_id,
            deregistration_delay=DRAIN_SECONDS,
            load_balancing_algorithm_type="least_outstanding_requests",
            health_check={
                "path": contract.HEALTH_READY,
                "interval": 30,
                "timeout": 5,
                "healthy_threshold": 2,
                "unhealthy_threshold": 3,
                "matcher": "200",
            },
            opts=self._child,
        )

    def _redirect_listener(self) -> None:
        aws.lb.Listener(
            "http",
            load_balancer_arn=self.arn,
            port=HTTP,
            protocol="HTTP",
            default_actions=[
                {
                    "type": "redirect",
                    "redirect": {
                        "status_code": "HTTP_301",
                        "protocol": "HTTPS",
                        "port": str(HTTPS),
                    },
                }
            ],
            opts=self._child,
        )

    def _listener(self, name: str, port: int) -> aws.lb.Listener:
        return aws.lb.Listener(
            name,
            load_balancer_arn=self.arn,
            port=port,
            protocol="HTTPS",
            ssl_policy=self._args.tls_policy,
            certificate_arn=self._args.certificate.arn,
            routing_http_response_strict_transport_security_header_value=HSTS,
            routing_http_response_x_content_type_options_header_value="nosniff",
            routing_http_response_server_enabled=False,
            default_actions=[{"type": "forward", "target_group_arn": self.blue.arn}],
            opts=self._child,
        )

    def _rule(self, name: str, listener: aws.lb.Listener) -> aws.lb.ListenerRule:
        return aws.lb.ListenerRule(
            name,
            listener_arn=listener.arn,
            priority=RULE_PRIORITY,
            conditions=[{"path_pattern": {"values": ["/*"]}}],
            actions=[
                {
                    "type": "forward",
                    "forward": {
                        "target_groups": [
                            {"arn": self.blue.arn, "weight": 100},
                            {"arn": self.green.arn, "weight": 0},
                        ]
                    },
                }
            ],
            opts=ResourceOptions(parent=self, ignore_changes=list(IGNORED["listener rule"])),
        )
