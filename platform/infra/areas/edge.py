"""What the clients meet: name, certificate, CloudFront, load balancer, firewalls."""

from dataclasses import dataclass

import pulumi

from infra.areas.foundation import Foundation
from infra.areas.reach import Reach
from infra.cdn import Cdn, CdnArgs
from infra.certificate import CertificateArgs, ValidatedCertificate
from infra.dns import Dns, DnsArgs
from infra.firewall import WebFirewall, WebFirewallArgs
from infra.firewall_rules import Limits, behind_rules, front_rules
from infra.load_balancer import LoadBalancer, LoadBalancerArgs
from infra.network import Network
from infra.origin_lock import OriginLock, OriginLockArgs
from infra.stack import Stack
from infra.stack_secrets import OriginHeader


@dataclass(frozen=True, kw_only=True)
class Edge:
    """`firewalls` by where they stand: `alb`, and `cdn` where CloudFront does.

    `check_id` is the view from outside, where the stack has one.
    """

    certificate: ValidatedCertificate
    balancer: LoadBalancer
    firewalls: dict[str, WebFirewall]
    cdn: Cdn | None
    check_id: pulumi.Output[str] | None


def build_edge(stack: Stack, base: Foundation, reach: Reach) -> Edge:
    """From the name to the target groups."""
    settings = stack.settings
    hosts = (settings.api_host, *([settings.origin_host] if stack.origin_header else []))
    certificate = ValidatedCertificate(
        "api",
        CertificateArgs(hosts=hosts, zone_id=settings.edge.hosted_zone_id),
        stack.opts,
    )
    balancer = LoadBalancer(
        "load-balancer",
        LoadBalancerArgs(
            network=reach.network,
            groups=reach.groups,
            certificate=certificate,
            access_logs=base.access_logs,
            tls_policy=settings.edge.tls_policy,
            test_port=settings.edge.test_port,
            protect=settings.protect,
        ),
        stack.opts,
    )
    firewalls = _firewalls(stack, base, reach.network, balancer)
    cdn = _cdn(stack, base, certificate, firewalls)
    return Edge(
        certificate=certificate,
        balancer=balancer,
        firewalls=firewalls,
        cdn=cdn,
        check_id=_names(stack, balancer, cdn),
    )


def _firewalls(
    stack: Stack, base: Foundation, network: Network, balancer: LoadBalancer
) -> dict[str, WebFirewall]:
    """One in front of the load balancer, and one before it at CloudFront."""
    edge, header = stack.settings.edge, stack.origin_header
    limits = Limits(rate=edge.waf_rate_limit, login=edge.waf_login_limit, mode=edge.waf_mode)
    rules = front_rules(limits)
    behind = rules if header is None else behind_rules(limits, _lock(stack, header, network))
    args = WebFirewallArgs(
        scope="REGIONAL", rules=behind, logs=base.logs["firewall"], protects=balancer.arn
    )
    alb = WebFirewall("firewall", "alb", args, stack.opts)
    if header is None:
        return {"alb": alb}
    front = WebFirewallArgs(scope="CLOUDFRONT", rules=rules, logs=base.logs["firewall-cdn"])
    return {"alb": alb, "cdn": WebFirewall("firewall-cdn", "cdn", front, stack.opts)}


def _lock(stack: Stack, header: OriginHeader, network: Network) -> pulumi.Output[str]:
    args = OriginLockArgs(header=header, own_networks=network.nat_networks)
    return OriginLock("origin-lock", args, stack.opts).arn


def _cdn(
    stack: Stack,
    base: Foundation,
    certificate: ValidatedCertificate,
    firewalls: dict[str, WebFirewall],
) -> Cdn | None:
    if stack.origin_header is None:
        return None
    args = CdnArgs(
        host=stack.settings.api_host,
        origin_host=stack.settings.origin_host,
        certificate=certificate,
        firewall=firewalls["cdn"],
        header_value=stack.origin_header.sent,
        access_logs=base.access_logs,
    )
    return Cdn("cdn", args, stack.opts)


def _names(stack: Stack, balancer: LoadBalancer, cdn: Cdn | None) -> pulumi.Output[str] | None:
    settings = stack.settings
    args = DnsArgs(
        zone_id=settings.edge.hosted_zone_id,
        domain=settings.edge.domain,
        host=settings.api_host,
        origin_host=settings.origin_host,
        balancer=balancer,
        cdn=cdn,
        health_check=settings.edge.health_check,
        protect=settings.protect,
    )
    return Dns("dns", args, stack.opts).check_id
