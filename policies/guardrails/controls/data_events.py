"""Who touched which object or row: data events of the trail (CT-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges_in_stack
from guardrails.controls.log_storage import holds_audit_logs
from guardrails.controls.tagging import is_sensitive
from guardrails.graph import output
from guardrails.values import items, strings, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource
    from guardrails.values import Node

KINDS: Final = {types.BUCKET: "AWS::S3::Object", types.TABLE: "AWS::DynamoDB::Table"}
SELECTORS: Final = ("advancedEventSelectors", "eventSelectors")
PATH: Final = "trail.dataEvents"
MATCHERS: Final = ("equals", "startsWiths")


@judges_in_stack("CT-07", types.BUCKET, types.TABLE)
def use_is_recorded(resource: Resource, graph: Graph, options: Options) -> Finding:
    """Access to sensitive data, and to the evidence itself, leaves an event."""
    is_evidence = resource.type == types.BUCKET and holds_audit_logs(resource, graph, options)
    if not is_evidence and not is_sensitive(resource, options):
        return out_of_scope("declared to hold no card or health data", "tags")
    if any(_covers(trail, resource, graph) for trail in graph.of(types.TRAIL)):
        return passed(PATH)
    if not graph.of(types.TRAIL) and options.text("heldIn"):
        return out_of_scope("declared to be recorded by a trail of another stack", PATH)
    return failed(PATH, "no trail of this stack records data events of it")


def _covers(trail: Resource, resource: Resource, graph: Graph) -> bool:
    """Whether a selector names the resource, or everything of its kind."""
    kind, arn = KINDS[resource.type], output(resource, "arn")
    if any(resource in graph.targets(trail, prop, resource.type) for prop in SELECTORS):
        return any(kind in _kinds(selector) for selector in _selectors(trail))
    return any(
        value is None or (arn or "").startswith(value.rstrip("/"))
        for selected, value in _selected(trail)
        if selected == kind
    )


def _selected(trail: Resource) -> Iterator[tuple[str, str | None]]:
    """Kind of resource and ARN prefix of every data selector; None when all of the kind are meant.

    The prefix of a basic selector for all buckets is `arn:aws:s3`, for all tables
    `arn:aws:dynamodb`.
    """
    for selector in _selectors(trail):
        fields = _fields(selector)
        arns = fields.get("resources.ARN")
        prefixes = [v for m in MATCHERS for v in strings(arns, m)] if arns else [None]
        if fields:
            yield from ((name, prefix) for name in _kinds(selector) for prefix in prefixes)
        for data in items(selector, "dataResources"):
            for value in strings(data, "values"):
                whole = value.rstrip(":") in ("arn:aws:s3", "arn:aws:dynamodb")
                yield text(data, "type") or "", None if whole else value


def _selectors(trail: Resource) -> list[Node]:
    return [selector for prop in SELECTORS for selector in items(trail, prop)]


def _fields(selector: Node) -> dict[str | None, Node]:
    return {text(field, "field"): field for field in items(selector, "fieldSelectors")}


def _kinds(selector: Node) -> list[str]:
    """The kinds of resource whose data events a selector of either form records."""
    kind = _fields(selector).get("resources.type")
    basic = [text(data, "type") or "" for data in items(selector, "dataResources")]
    return [*(strings(kind, "equals") if kind else []), *basic]
