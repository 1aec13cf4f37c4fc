"""Web application firewalls (WAF-01 to WAF-06)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.retention import kept_long_enough, lifecycle_gap
from guardrails.controls.tagging import is_protected
from guardrails.values import MISSING, Node, block, flag, is_set, items, read, text
from guardrails.verdicts import Finding, Verdict, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

RULES: Final = "rules"
DESTINATION: Final = "logDestinationConfigs"
MANAGED: Final = "statement.managedRuleGroupStatement.name"


@judges_in_stack("WAF-01", types.WEB_ACL)
def filters_something(acl: Resource, graph: Graph, _: Options) -> Finding:
    """A web ACL has rules, and stands in front of something."""
    if not (items(acl, RULES) or is_set(acl, "ruleJson")):
        return failed(RULES, "the web ACL has no rule")
    if graph.sources(acl, types.WEB_ACL_ASSOCIATION, "webAclArn"):
        return passed(RULES)
    if graph.sources(acl, types.DISTRIBUTION, "webAclId"):
        return passed(RULES)
    return failed("webAclAssociation", "nothing of this stack stands behind the web ACL")


@judges_in_stack("WAF-02", types.WEB_ACL)
def blocked_requests_are_kept(acl: Resource, graph: Graph, options: Options) -> Finding:
    """What was stopped can be looked at for a year."""
    settings = graph.sources(acl, types.WEB_ACL_LOGGING, "resourceArn")
    if not settings:
        return failed("loggingConfiguration", "no logging configuration refers to the web ACL")
    found = [_destination(setting, graph, options) for setting in settings]
    return next((one for one in found if one.verdict is Verdict.PASS), found[0])


def _destination(setting: Resource, graph: Graph, options: Options) -> Finding:
    for group in graph.targets(setting, DESTINATION, types.LOG_GROUP):
        return kept_long_enough(group, graph, options)
    buckets = graph.targets(setting, DESTINATION, types.BUCKET)
    for stream in graph.targets(setting, DESTINATION, types.DELIVERY_STREAM):
        buckets += graph.targets(stream, "extendedS3Configuration", types.BUCKET)
    if not buckets:
        return failed(DESTINATION, "the destination is not in this stack")
    gap = lifecycle_gap(buckets[0], graph, options.number("days"))
    return failed(DESTINATION, gap) if gap else passed(DESTINATION)


def _managed(acl: Resource) -> dict[str, Node]:
    """Rules that use a managed group, by the group's name."""
    return {name: rule for rule in items(acl, RULES) if (name := text(rule, MANAGED))}


@judges("WAF-03", types.WEB_ACL)
def core_rules_block(acl: Resource, options: Options) -> Iterator[Finding]:
    """The groups against common attacks are there, and they stop what they find."""
    managed = _managed(acl)
    for name in options.strings("groups"):
        if name not in managed:
            yield failed(RULES, f"the group {name} is missing")
        elif _only_counts(managed[name]) and is_protected(acl, options):
            yield failed(managed[name].at("overrideAction.count"), "the group only counts")
    yield passed(RULES)


def _only_counts(rule: Node) -> bool:
    return read(rule, "overrideAction.count") is not MISSING


@judges("WAF-04", types.WEB_ACL)
def further_rules_are_there(acl: Resource, options: Options) -> Iterator[Finding]:
    """Injection, known bad addresses and floods are looked for."""
    managed = _managed(acl)
    for option, what in (("injection", "SQL injection"), ("reputation", "known bad addresses")):
        if not any(name in managed for name in options.strings(option)):
            yield failed(RULES, f"no managed group against {what}")
    if all(block(rule, "statement.rateBasedStatement") is None for rule in items(acl, RULES)):
        yield failed(RULES, "no rule limits the rate of requests")
    yield passed(RULES)


@judges("WAF-05", types.WEB_ACL)
def rules_are_visible(acl: Resource, _: Options) -> Iterator[Finding]:
    """Each rule counts what it matches and keeps samples of it."""
    for place in (acl, *items(acl, RULES)):
        for name in ("cloudwatchMetricsEnabled", "sampledRequestsEnabled"):
            if not flag(place, f"visibilityConfig.{name}"):
                where = place.at(f"visibilityConfig.{name}")
                yield failed(where, "a rule or the web ACL is not visible")
    yield passed("visibilityConfig")


@judges("WAF-06", types.WEB_ACL_LOGGING)
def secrets_are_not_logged(setting: Resource, options: Options) -> Iterator[Finding]:
    """Credentials and card numbers in requests do not reach the log."""
    path = "redactedFields"
    fields = items(setting, path)
    headers = {(text(field, "singleHeader.name") or "").lower() for field in fields}
    for name in options.strings("headers"):
        if name not in headers:
            yield failed(path, f"the header {name} is logged")
    if all(read(field, "queryString") is MISSING for field in fields):
        yield failed(path, "the query string, in which card fields may stand, is logged")
    yield passed(path)
