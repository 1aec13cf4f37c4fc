"""Alarms on what clients meet before they reach the service."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.alarms import AlarmSpec
from infra.alarms_service import BELOW, FIVE_MINUTES
from infra.metrics import (
    Metric,
    certificate_metric,
    distribution_metric,
    firewall_metric,
    outside_metric,
)

Name = pulumi.Input[str]
DAY = 86_400
CERTIFICATE_DAYS = 30  # ACM renews 60 days before the end
BLOCKED_REQUESTS = 1000
FAILED_PERCENT = 1


@dataclass(frozen=True, kw_only=True)
class WatchedEdge:
    """Certificates (ARNs) by what they are for, firewalls (names) by where they stand.

    `distribution` is CloudFront's, where the stack has one; `region` the load balancer's.
    """

    certificates: Mapping[str, Name]
    firewalls: Mapping[str, Name]
    distribution: Name | None
    region: str


def edge_alarms(edge: WatchedEdge) -> list[AlarmSpec]:
    """Certificates, firewalls, and errors that CloudFront answers."""
    return [
        *(_expiry(use, arn) for use, arn in edge.certificates.items()),
        *(_blocked(use, m) for use, m in firewall_metrics(edge, "BlockedRequests").items()),
        *([_failed(edge.distribution)] if edge.distribution is not None else []),
    ]


def endpoint_alarm(check_id: Name) -> AlarmSpec:
    """What clients see: the whole way, from outside. It waits for a first release."""
    return AlarmSpec(
        name="endpoint-down",
        meaning="The API does not answer to anybody outside",
        metrics={"up": outside_metric(check_id)},
        threshold=1,
        comparison=BELOW,
        datapoints=3,
        window=3,
        missing="breaching",
    )


def _expiry(use: str, arn: Name) -> AlarmSpec:
    return AlarmSpec(
        name=f"cert-expiry-{use}",
        family="cert-expiry",
        meaning="A certificate was not renewed",
        metrics={"days": certificate_metric(arn)},
        threshold=CERTIFICATE_DAYS,
        comparison=BELOW,
        period=DAY,
        datapoints=1,
        window=1,
    )


def firewall_metrics(edge: WatchedEdge, name: str) -> dict[str, Metric]:
    """A count of each firewall; CloudFront's has no region."""
    return {
        use: firewall_metric(name, acl, edge.region if use == "alb" else None)
        for use, acl in edge.firewalls.items()
    }


def _blocked(use: str, blocked: Metric) -> AlarmSpec:
    return AlarmSpec(
        name=f"waf-blocked-spike-{use}",
        family="waf-blocked-spike",
        meaning="A firewall blocks many requests: an attack, or a rule that hits clients",
        metrics={"n": blocked},
        threshold=BLOCKED_REQUESTS,
        period=FIVE_MINUTES,
        datapoints=3,
        window=3,
        severity="security",
    )


def _failed(distribution: Name) -> AlarmSpec:
    return AlarmSpec(
        name="cdn-5xx",
        meaning="CloudFront answers with server errors: the origin's, or that it cannot reach it",
        metrics={"rate": distribution_metric("5xxErrorRate", distribution, "Average")},
        threshold=FAILED_PERCENT,
        period=FIVE_MINUTES,
        datapoints=3,
        window=3,
    )
