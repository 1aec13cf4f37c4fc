"""What is watched: events of the trail, and every resource that serves (CW-04 to CW-06)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges_in_stack
from guardrails.values import block, items, text
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource
    from guardrails.values import Node

# What a filter pattern must select to notice the event: every term of one line.
INCIDENTS: Final = {
    "use of the root user": ("Root",),
    "refused calls": ("UnauthorizedOperation", "AccessDenied"),
    "sign-in without a second factor": ("ConsoleLogin", "MFAUsed"),
    "failed sign-in": ("ConsoleLogin", "Failed authentication"),
    "changes of the trail": ("UpdateTrail", "DeleteTrail", "StopLogging"),
    "changes of AWS Config": ("StopConfigurationRecorder", "DeleteDeliveryChannel"),
    "disabling or deletion of keys": ("DisableKey", "ScheduleKeyDeletion"),
}
CHANGES: Final = {
    "changes of IAM policies": ("PutRolePolicy", "AttachRolePolicy", "CreatePolicyVersion"),
    "changes of bucket policies": ("PutBucketPolicy", "DeleteBucketPolicy"),
    "changes of security groups": (
        "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress",
    ),
    "changes of network ACLs": ("CreateNetworkAclEntry", "DeleteNetworkAclEntry"),
    "changes of gateways": ("AttachInternetGateway", "DetachInternetGateway"),
    "changes of routes": ("CreateRoute", "ReplaceRoute", "DeleteRoute"),
    "changes of VPCs": ("CreateVpc", "DeleteVpc", "ModifyVpcAttribute"),
}  # fmt: skip
SERVING: Final = (types.LOAD_BALANCER, types.SERVICE, types.TABLE, types.PIPELINE)
GROUP: Final = "cloudWatchLogsGroupArn"
PATH: Final = "logMetricFilter"


@judges_in_stack("CW-04", types.TRAIL)
def incidents_are_noticed(trail: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """Somebody hears of an attack on accounts, on keys, or on the record itself."""
    yield from _watched(trail, graph, INCIDENTS)


@judges_in_stack("CW-05", types.TRAIL)
def changes_are_noticed(trail: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """Somebody hears when permissions or the network change."""
    yield from _watched(trail, graph, CHANGES)


def _watched(
    trail: Resource, graph: Graph, wanted: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    groups = graph.targets(trail, GROUP, types.LOG_GROUP)
    if not groups:
        yield failed(GROUP, "the trail reaches no log group of this stack")
        return
    filters = graph.sources(groups[0], types.METRIC_FILTER, "logGroupName")
    for event, terms in wanted.items():
        selecting = [f for f in filters if all(_selects(f, term) for term in terms)]
        if not selecting:
            yield failed(PATH, f"no metric filter selects {event}")
        elif not any(_has_alarm(one, graph) for one in selecting):
            yield failed("metricAlarm", f"no alarm watches the metric of {event}")
    yield passed(PATH)


def _selects(metric_filter: Resource, term: str) -> bool:
    """Whether the pattern compares something with `term`; a test for its absence does not count.

    `MFAUsed` is a field, and what matters is that it is not Yes.
    """
    pattern = text(metric_filter, "pattern") or ""
    if term == "MFAUsed":
        return term in pattern
    return bool(re.search(rf"(?<!!)=\s*\"?\*?{re.escape(term)}\b", pattern))


def _has_alarm(metric_filter: Resource, graph: Graph) -> bool:
    """Whether an alarm reads the filter's metric, named literally or through the filter."""
    metric = block(metric_filter, "metricTransformation")
    name = _metric(metric, "name", "namespace") if metric else None
    for alarm in graph.of(types.METRIC_ALARM):
        linked = (
            graph.targets(alarm, prop, types.METRIC_FILTER)
            for prop in ("metricName", "metricQueries")
        )
        if any(metric_filter in found for found in linked):
            return True
        queries = items(alarm, "metricQueries")
        queried = (_metric(q, "metric.metricName", "metric.namespace") for q in queries)
        if name and name in (_metric(alarm, "metricName", "namespace"), *queried):
            return True
    return False


def _metric(place: Node, name: str, namespace: str) -> tuple[str, str] | None:
    """Name and namespace; a name means another metric in another namespace."""
    named = text(place, name)
    return (named, text(place, namespace) or "") if named else None


@judges_in_stack("CW-06", *SERVING)
def has_an_alarm(resource: Resource, graph: Graph, _: Options) -> Finding:
    """Whatever serves users is watched by at least one alarm."""
    path = "metricAlarm"
    for prop in ("dimensions", "metricQueries"):
        if graph.sources(resource, types.METRIC_ALARM, prop):
            return passed(path)
    if resource.type == types.PIPELINE and graph.sources(
        resource, types.EVENT_RULE, "eventPattern"
    ):
        return passed(path, "an event rule tells of its failures")
    return failed(path, "no alarm looks at it")
