"""Public names: where the API is, and who may issue certificates for it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract
from infra.cdn import Cdn
from infra.load_balancer import LoadBalancer

CAA_TTL_SECONDS = 3600
ISSUER = '0 issue "amazon.com"'
HTTPS = 443
CHECK_FAILURES = 3
CHECK_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class DnsArgs:
    """Records of one hosted zone: `host` is the API's, `origin_host` CloudFront's way in.

    Without `cdn`, the API's host is the load balancer. `health_check`: ask it from outside AWS's
    regions, whether it answers.
    """

    zone_id: str
    domain: str
    host: str
    origin_host: str
    balancer: LoadBalancer
    cdn: Cdn | None
    health_check: bool
    protect: bool


class Dns(pulumi.ComponentResource):
    """Where the API is, who may issue certificates, and `check_id` of the view from outside."""

    def __init__(self, name: str, args: DnsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:edge:Dns", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self, protect=args.protect)
        if args.cdn is None:
            self._alias("api", args.host, "A", args.balancer, follows_health=True)
        else:
            # CloudFront answers for itself: Route 53 cannot ask a distribution how it is.
            self._alias("api", args.host, "A", args.cdn)
            self._alias("api-v6", args.host, "AAAA", args.cdn)
            self._alias("origin", args.origin_host, "A", args.balancer, follows_health=True)
        aws.route53.Record(
            "issuers",
            zone_id=args.zone_id,
            name=args.domain,
            type="CAA",
            ttl=CAA_TTL_SECONDS,
            records=[ISSUER],
            opts=self._child,
        )
        self.check_id = self._health_check() if args.health_check else None
        self.register_outputs({})

    def _alias(
        self,
        name: str,
        host: str,
        kind: str,
        target: Cdn | LoadBalancer,
        *,
        follows_health: bool = False,
    ) -> None:
        alias = aws.route53.RecordAliasArgs(
            name=target.dns_name,
            zone_id=target.zone_id,
            evaluate_target_health=follows_health,
        )
        aws.route53.Record(
            name,
            zone_id=self._args.zone_id,
            name=host,
            type=kind,
            aliases=[alias],
            opts=self._child,
        )

    def _health_check(self) -> pulumi.Output[str]:
        """As a client would: by name, over TLS, from several regions."""
        check = aws.route53.HealthCheck(
            "api",
            type="HTTPS",
            fqdn=self._args.host,
            port=HTTPS,
            resource_path=contract.HEALTH_LIVE,
            failure_threshold=CHECK_FAILURES,
            request_interval=CHECK_SECONDS,
            enable_sni=True,
            measure_latency=True,
            opts=ResourceOptions(parent=self),
        )
        return check.id
