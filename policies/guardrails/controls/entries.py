"""What reaches load balancers and what they leave behind (LB-04, LB-08, LB-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.security_groups import rules_of
from guardrails.controls.storage import blocks_public_access, bucket_policies
from guardrails.controls.tagging import is_sensitive
from guardrails.documents import Statement, statements
from guardrails.values import MISSING, Node, flag, is_set, items, read, text
from guardrails.verdicts import Finding, Verdict, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

LOGS: Final = "accessLogs"
WRITERS: Final = ("logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com")
HEADER: Final = "byteMatchStatement.fieldToMatch.singleHeader"
ADDRESSES: Final = "ipSetReferenceStatement"
REFERENCE: Final = "statement.ruleGroupReferenceStatement"


@judges("LB-04", types.LOAD_BALANCER)
def access_is_logged(balancer: Resource, _: Options) -> Iterator[Finding]:
    """Every request leaves a line."""
    if text(balancer, "loadBalancerType") == "gateway":
        yield out_of_scope("gateway load balancers write no access log", "loadBalancerType")
    elif not flag(balancer, f"{LOGS}.enabled"):
        yield failed(f"{LOGS}.enabled", "access logs are off")


@judges_in_stack("LB-04", types.LOAD_BALANCER)
def log_bucket_is_ready(balancer: Resource, graph: Graph, options: Options) -> Finding:
    """The bucket is private, and load balancers may write into it."""
    path = f"{LOGS}.bucket"
    if text(balancer, "loadBalancerType") == "gateway":
        return out_of_scope("gateway load balancers write no access log", "loadBalancerType")
    buckets = graph.targets(balancer, LOGS, types.BUCKET)
    if not buckets:
        return failed(path, "the bucket is not in this stack")
    private = blocks_public_access(buckets[0], graph, options)
    if private.verdict is Verdict.FAIL:
        return failed(path, private.found)
    policies = bucket_policies(buckets[0], graph)
    if not any(_admits_balancers(s) for p in policies for s in statements(p, "policy")):
        return failed(path, "the bucket's policy does not let load balancers write")
    return passed(path)


def _admits_balancers(statement: Statement) -> bool:
    """By service; the regions opened before August 2022 use an account of AWS instead."""
    named = any(kind == "service" and name in WRITERS for kind, name in statement.principals)
    return statement.allows_action("s3:putobject") and (named or bool(statement.accounts()))


@judges("LB-08", types.TARGET_GROUP)
def targets_speak_tls(group: Resource, options: Options) -> Finding:
    """Card and health data is encrypted behind the load balancer as well."""
    path = "protocol"
    if text(group, "targetType") == "lambda":
        return out_of_scope("functions are called through AWS's own API", "targetType")
    if not is_sensitive(group, options):
        return out_of_scope("declared to carry no card or health data", "tags")
    if (text(group, path) or "").upper() not in ("HTTPS", "TLS"):
        return failed(path, "targets are reached without TLS")
    return passed(path)


@judges_in_stack("LB-10", types.LOAD_BALANCER)
def only_the_distribution_enters(balancer: Resource, graph: Graph, _: Options) -> Finding:
    """Nobody goes around the distribution and its firewall."""
    path = "securityGroups"
    if not _is_fronted(balancer, graph):
        return out_of_scope("no distribution of this stack stands before it", "distribution")
    if _admits_prefix_lists_only(balancer, graph):
        return passed(path, "its groups admit prefix lists only")
    if _listeners_ask_for_header(balancer, graph) or _firewall_asks_for_header(balancer, graph):
        return passed(path, "requests without a header are refused")
    return failed(path, "requests that come around the distribution are served")


def _is_fronted(balancer: Resource, graph: Graph) -> bool:
    """Whether a distribution names the load balancer, or a record that is its alias."""
    if graph.sources(balancer, types.DISTRIBUTION, "origins"):
        return True
    for record in graph.sources(balancer, types.RECORD, "aliases"):
        name = text(record, "name")
        for distribution in graph.of(types.DISTRIBUTION):
            if record in graph.targets(distribution, "origins", types.RECORD):
                return True
            if any(text(o, "domainName") == name for o in items(distribution, "origins")):
                return True
    return False


def _admits_prefix_lists_only(balancer: Resource, graph: Graph) -> bool:
    groups = graph.targets(balancer, "securityGroups", types.SECURITY_GROUP)
    rules = [rule for group in groups for rule in rules_of(group, graph, "ingress")]
    by_list = [r for r in rules if is_set(r.node, "prefixListId") or items(r.node, "prefixListIds")]
    return bool(rules) and len(by_list) == len(rules)


def _listeners_ask_for_header(balancer: Resource, graph: Graph) -> bool:
    """Whether every HTTPS listener refuses by default and forwards by a header only."""
    listeners = graph.sources(balancer, types.LISTENER, "loadBalancerArn")
    secure = [each for each in listeners if text(each, "protocol") == "HTTPS"]
    return bool(secure) and all(_asks_for_header(listener, graph) for listener in secure)


def _asks_for_header(listener: Resource, graph: Graph) -> bool:
    if any(text(a, "type") != "fixed-response" for a in items(listener, "defaultActions")):
        return False
    rules = graph.sources(listener, types.LISTENER_RULE, "listenerArn")
    return all(
        any(read(condition, "httpHeader") is not MISSING for condition in items(rule, "conditions"))
        for rule in rules
    )


def _firewall_asks_for_header(balancer: Resource, graph: Graph) -> bool:
    """Whether the web ACL blocks what does not carry a header."""
    for link in graph.sources(balancer, types.WEB_ACL_ASSOCIATION, "resourceArn"):
        for acl in graph.targets(link, "webAclArn", types.WEB_ACL):
            default = read(acl, "defaultAction.block") is not MISSING
            if any(_tests_header(rule, by_default=default) for rule in items(acl, "rules")):
                return True
            groups = graph.targets(acl, "rules", types.RULE_GROUP)
            if _heeds_groups(acl) and any(_locks(group) for group in groups):
                return True
    return False


def _heeds_groups(acl: Resource) -> bool:
    """Whether every group of rules that is referred to decides, and none only counts."""
    referring = [r for r in items(acl, "rules") if read(r, REFERENCE) is not MISSING]
    return all(read(rule, "overrideAction.none") is not MISSING for rule in referring)


def _locks(group: Resource) -> bool:
    return any(_tests_header(rule, by_default=False) for rule in items(group, "rules"))


def _tests_header(rule: Node, *, by_default: bool) -> bool:
    if by_default:
        return read(rule, f"statement.{HEADER}") is not MISSING
    if read(rule, "action.block") is MISSING:
        return False
    inverted = (f"statement.notStatement.{name}" for name in ("statement", "statements"))
    return any(_only_ours(rule, path) for path in inverted)


def _only_ours(rule: Node, path: str) -> bool:
    """A header, or a choice of headers and named addresses: whatever else opens another way in."""
    if read(rule, f"{path}.{HEADER}") is not MISSING:
        return True
    choices = items(rule, f"{path}.orStatement.statements")
    headers = [read(choice, HEADER) is not MISSING for choice in choices]
    addresses = [read(choice, ADDRESSES) is not MISSING for choice in choices]
    return any(headers) and all(one or other for one, other in zip(headers, addresses, strict=True))
