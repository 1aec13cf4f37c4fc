"""Public names: where the API is, and who may issue certificates for it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.load_balancer import LoadBalancer

CAA_TTL_SECONDS = 3600
ISSUER = '0 issue "amazon.com"'


@dataclass(frozen=True, kw_only=True)
class DnsArgs:
    """Records of `host` and `domain` in one hosted zone."""

    zone_id: str
    domain: str
    host: str
    balancer: LoadBalancer
    protect: bool


class Dns(pulumi.ComponentResource):
    """Alias of the API's host, and the one certificate authority of the domain."""

    def __init__(self, name: str, args: DnsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:edge:Dns", name, None, opts)
        child = ResourceOptions(parent=self, protect=args.protect)
        aws.route53.Record(
            "api",
            zone_id=args.zone_id,
            name=args.host,
            type="A",
            aliases=[
                {
                    "name": args.balancer.dns_name,
                    "zone_id": args.balancer.zone_id,
                    "evaluate_target_health": True,
                }
            ],
            opts=child,
        )
        aws.route53.Record(
            "issuers",
            zone_id=args.zone_id,
            name=args.domain,
            type="CAA",
            ttl=CAA_TTL_SECONDS,
            records=[ISSUER],
            opts=child,
        )
        self.register_outputs({})
