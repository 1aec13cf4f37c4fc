"""What the clients meet: name, certificate, load balancer, firewall."""

from dataclasses import dataclass

from infra.areas.foundation import Foundation
from infra.areas.reach import Reach
from infra.certificate import CertificateArgs, ValidatedCertificate
from infra.dns import Dns, DnsArgs
from infra.firewall import WebFirewall, WebFirewallArgs
from infra.load_balancer import LoadBalancer, LoadBalancerArgs
from infra.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The load balancer, what it proves itself with, and the firewall in front of it."""

    certificate: ValidatedCertificate
    balancer: LoadBalancer
    firewall: WebFirewall


def build_edge(stack: Stack, base: Foundation, reach: Reach) -> Edge:
    """From the name to the target groups."""
    settings = stack.settings
    certificate = ValidatedCertificate(
        "api",
        CertificateArgs(host=settings.api_host, zone_id=settings.edge.hosted_zone_id),
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
            protect=settings.protect,
        ),
        stack.opts,
    )
    _name(stack, balancer)
    return Edge(
        certificate=certificate,
        balancer=balancer,
        firewall=_firewall(stack, base, balancer),
    )


def _firewall(stack: Stack, base: Foundation, balancer: LoadBalancer) -> WebFirewall:
    limits = stack.settings.edge
    args = WebFirewallArgs(
        balancer=balancer,
        logs=base.logs["firewall"],
        rate_limit=limits.waf_rate_limit,
        login_limit=limits.waf_login_limit,
        mode=limits.waf_mode,
    )
    return WebFirewall("firewall", args, stack.opts)


def _name(stack: Stack, balancer: LoadBalancer) -> None:
    settings = stack.settings
    args = DnsArgs(
        zone_id=settings.edge.hosted_zone_id,
        domain=settings.edge.domain,
        host=settings.api_host,
        balancer=balancer,
        protect=settings.protect,
    )
    Dns("dns", args, stack.opts)
