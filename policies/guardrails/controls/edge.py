"""Distributions with what belongs to them: logs, buckets, headers (CF-05, CF-06, CF-08)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.distribution import behaviours
from guardrails.controls.storage import bucket_policies
from guardrails.documents import Statement, statements
from guardrails.values import MISSING, Node, block, is_set, items, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

LOGGING: Final = "loggingConfig"
ORIGINS: Final = "origins"
S3_DOMAINS: Final = (".s3.", ".s3-")
HEADERS: Final = (
    "strictTransportSecurity", "contentSecurityPolicy", "contentTypeOptions", "frameOptions",
)  # fmt: skip


@judges("CF-05", types.DISTRIBUTION)
def standard_log_has_a_bucket(distribution: Resource, _: Options) -> Iterator[Finding]:
    """A logging block that is there leads somewhere."""
    if read(distribution, LOGGING) is not MISSING and not is_set(distribution, f"{LOGGING}.bucket"):
        yield failed(f"{LOGGING}.bucket", "no bucket is named")


@judges_in_stack("CF-05", types.DISTRIBUTION)
def requests_are_logged(distribution: Resource, graph: Graph, _: Options) -> Finding:
    """Every request at the edge leaves a line, by either way CloudFront offers."""
    if read(distribution, LOGGING) is not MISSING:
        return passed(LOGGING)
    if graph.sources(distribution, types.LOG_DELIVERY_SOURCE, "resourceArn"):
        return passed(LOGGING, "delivered through CloudWatch Logs")
    return failed(LOGGING, "requests are not logged")


@judges_in_stack("CF-06", types.DISTRIBUTION)
def bucket_admits_the_edge_only(
    distribution: Resource, graph: Graph, _: Options
) -> Iterator[Finding]:
    """Objects are read through this distribution, never around it."""
    buckets = graph.targets(distribution, ORIGINS, types.BUCKET)
    origins = [o for o in items(distribution, ORIGINS) if _is_bucket(o, linked=bool(buckets))]
    if not origins:
        yield out_of_scope("no bucket is an origin", ORIGINS)
        return
    for origin in origins:
        if not is_set(origin, "originAccessControlId"):
            yield failed(origin.at("originAccessControlId"), "no origin access control")
    if not buckets:
        yield failed(ORIGINS, "the bucket is not in this stack, and may not exist")
    for bucket in buckets:
        found = [s for p in bucket_policies(bucket, graph) for s in statements(p, "policy")]
        readers = [s for s in found if s.allows and _may_read(s)]
        if not readers or not all(_is_bound(s) for s in readers):
            yield failed(f"{ORIGINS}.policy", "the bucket admits more than this distribution")
    yield passed(ORIGINS)


def _is_bucket(origin: Node, *, linked: bool) -> bool:
    """By its settings, its linked bucket, or its domain; custom origins are servers."""
    if block(origin, "customOriginConfig") or block(origin, "vpcOriginConfig"):
        return False
    if linked or block(origin, "s3OriginConfig") or is_set(origin, "originAccessControlId"):
        return True
    return any(part in (text(origin, "domainName") or "") for part in S3_DOMAINS)


def _may_read(statement: Statement) -> bool:
    return statement.allows_action("s3:getobject")


def _is_bound(statement: Statement) -> bool:
    edge = ("service", "cloudfront.amazonaws.com")
    return set(statement.principals) == {edge} and statement.is_bound_to("aws:SourceArn")


@judges_in_stack("CF-08", types.DISTRIBUTION)
def browsers_are_told(distribution: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """Browsers keep to HTTPS, to the page's own scripts, and out of foreign frames."""
    for behaviour in behaviours(distribution):
        if not is_set(behaviour, "responseHeadersPolicyId"):
            yield failed(behaviour.at("responseHeadersPolicyId"), "no response-headers policy")
    policies = [
        policy
        for prop in ("defaultCacheBehavior", "orderedCacheBehaviors")
        for policy in graph.targets(distribution, prop, types.RESPONSE_HEADERS)
    ]
    if not policies:
        yield failed("responseHeadersPolicy", "the policy is not in this stack")
    for policy in policies:
        for name in HEADERS:
            if block(policy, f"securityHeadersConfig.{name}") is None:
                yield failed(f"responseHeadersPolicy.{name}", "a header is missing")
    yield passed("responseHeadersPolicy")
