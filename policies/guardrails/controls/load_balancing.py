"""Load balancers, listeners and certificates (LB-01 to LB-03, LB-05, LB-06, LB-07, LB-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.tagging import tag
from guardrails.values import MISSING, Known, Node, flag, items, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

SECURE: Final = ("HTTPS", "TLS")
PERMANENT: Final = "HTTP_301"


def _protocol(listener: Resource) -> str:
    """HTTP is what AWS makes of a missing protocol on an application load balancer."""
    return (text(listener, "protocol") or "HTTP").upper()


@judges("LB-01", types.LISTENER)
def plain_http_only_redirects(listener: Resource, _: Options) -> Iterator[Finding]:
    """Nothing but a redirect to HTTPS is served without encryption."""
    if _protocol(listener) != "HTTP":
        yield (
            passed("protocol")
            if _protocol(listener) in SECURE
            else out_of_scope("not an HTTP listener", "protocol")
        )
        return
    yield from _redirects(items(listener, "defaultActions"), "defaultActions")


def _redirects(actions: list[Node], path: str) -> Iterator[Finding]:
    for action in actions:
        if text(action, "type") != "redirect":
            yield failed(action.at("type"), "a plain HTTP listener that does not redirect")
        elif (text(action, "redirect.protocol") or "").upper() != "HTTPS":
            yield failed(action.at("redirect.protocol"), "the redirect does not lead to HTTPS")
    if not actions:
        yield failed(path, "a plain HTTP listener without a redirect")
    yield passed(path)


@judges_in_stack("LB-01", types.LISTENER_RULE)
def no_rule_serves_plain_http(rule: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """A rule comes before the listener's default, so it has to redirect as well."""
    listeners = graph.targets(rule, "listenerArn", types.LISTENER)
    if not listeners:
        yield failed("listenerArn", "the listener is not in this stack, and may be a plain one")
    elif _protocol(listeners[0]) != "HTTP":
        yield passed("listenerArn", "not a rule of a plain HTTP listener")
    else:
        yield from _redirects(items(rule, "actions"), "actions")


@judges("LB-02", types.LISTENER)
def modern_tls(listener: Resource, options: Options) -> Finding:
    """The security policy is on a list of policies that refuse TLS below 1.2."""
    path = "sslPolicy"
    if _protocol(listener) not in SECURE:
        return out_of_scope("not a TLS listener", "protocol")
    policy = text(listener, path)
    if policy is None:
        return failed(path, "no policy is named, and the default admits TLS 1.0")
    if policy not in options.strings("policies"):
        return failed(path, "the policy is not on the list of those that start at TLS 1.2")
    return passed(path)


@judges_in_stack("LB-03", types.LOAD_BALANCER)
def serves_https(balancer: Resource, graph: Graph, _: Options) -> Finding:
    """A load balancer that the internet reaches has an HTTPS listener with a certificate."""
    path = "listener.certificateArn"
    if reason := _not_public_application(balancer):
        return out_of_scope(reason, "internal")
    secure = [
        listener
        for listener in graph.sources(balancer, types.LISTENER, "loadBalancerArn")
        if _protocol(listener) in SECURE
    ]
    if not secure:
        return failed("listener", "no HTTPS listener")
    if not any(_has_certificate(listener) for listener in secure):
        return failed(path, "no HTTPS listener has a certificate of ACM")
    return passed(path)


def _has_certificate(listener: Resource) -> bool:
    """Whether a certificate is named, and is none that was uploaded to IAM."""
    match read(listener, "certificateArn"):
        case Known(str() as arn):
            return bool(arn) and ":iam:" not in arn
        case found:
            return found is not MISSING


def _not_public_application(balancer: Resource) -> str | None:
    """Why a rule about public application load balancers does not concern this one."""
    if (text(balancer, "loadBalancerType") or "application") != "application":
        return "not an application load balancer"
    return "the load balancer is internal" if flag(balancer, "internal") else None


@judges("LB-05", types.LOAD_BALANCER)
def strict_about_headers(balancer: Resource, _: Options) -> Iterator[Finding]:
    """Requests that two servers could read differently do not pass."""
    if (text(balancer, "loadBalancerType") or "application") != "application":
        yield out_of_scope("not an application load balancer", "loadBalancerType")
        return
    if not flag(balancer, "dropInvalidHeaderFields"):
        yield failed("dropInvalidHeaderFields", "invalid header fields are passed on")
    mode = text(balancer, "desyncMitigationMode") or "defensive"
    if mode not in ("defensive", "strictest"):
        yield failed("desyncMitigationMode", "ambiguous requests are only watched")
    yield passed("dropInvalidHeaderFields")


@judges("LB-06", types.LOAD_BALANCER)
def protected_from_deletion(balancer: Resource, options: Options) -> Finding:
    """A production load balancer is not deleted by one call."""
    path = "enableDeletionProtection"
    environment = tag(balancer, options.text("environmentTag"))
    if environment is not None and environment not in options.strings("environments"):
        return out_of_scope("not in an environment that must be protected", "tags")
    return passed(path) if flag(balancer, path) else failed(path, "deletion protection is off")


@judges_in_stack("LB-07", types.LOAD_BALANCER)
def behind_a_firewall(balancer: Resource, graph: Graph, _: Options) -> Finding:
    """A web application firewall looks at what the internet sends."""
    if reason := _not_public_application(balancer):
        return out_of_scope(reason, "internal")
    if graph.sources(balancer, types.WEB_ACL_ASSOCIATION, "resourceArn"):
        return passed("webAclAssociation")
    return failed("webAclAssociation", "no web ACL is associated")


@judges("LB-09", types.TARGET_GROUP)
def checks_health(group: Resource, _: Options) -> Finding:
    """A broken target is found by a request that means something."""
    path = "healthCheck"
    if text(group, "targetType") == "lambda":
        return out_of_scope("functions have no health check by default", "targetType")
    if read(group, path) is MISSING:
        return failed(path, "no health check is defined")
    if flag(group, "healthCheck.enabled") is False:
        return failed("healthCheck.enabled", "the health check is off")
    return passed(path)
