"""How long logs are kept: in the group itself, or in the archive it is delivered to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.storage import encryption_rules
from guardrails.values import block, flag, is_set, items, number, text
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource
    from guardrails.values import Node

SHORT_DAYS: Final = 30  # what a group must keep itself when an archive keeps the rest
IMMEDIATE_DAYS: Final = 90  # PCI DSS 10.5.1: three months immediately available
# S3 classes that answer at once; the others need a restore first.
IMMEDIATE_CLASSES: Final = (
    "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
)  # fmt: skip
PATH: Final = "retentionInDays"
LIFECYCLE: Final = "lifecycleRules"


def kept_long_enough(group: Resource, graph: Graph, options: Options) -> Finding:
    """Retention of at least `days`, or 30 days and an encrypted archive that keeps `days`."""
    days, wanted = number(group, PATH), options.number("days")
    if days is None or days == 0:
        return failed(PATH, "no retention is set, so nothing is ever disposed of")
    if days >= wanted:
        return passed(PATH)
    if days < SHORT_DAYS:
        return failed(PATH, f"fewer than {SHORT_DAYS} days")
    found = [_archived(link, graph, wanted) for link in _whole_deliveries(group, graph)]
    if not found:
        return failed(PATH, "too short, and no unfiltered delivery to an archive follows")
    gaps = [gap for gap in found if gap]
    return failed(PATH, gaps[0]) if len(gaps) == len(found) else passed(PATH, "kept in an archive")


def _whole_deliveries(group: Resource, graph: Graph) -> Iterator[Resource]:
    """Subscriptions that deliver every event: a filter that drops events is no archive."""
    for link in graph.sources(group, types.LOG_SUBSCRIPTION, "logGroup"):
        if not (text(link, "filterPattern") or "").strip():
            yield link


def _archived(link: Resource, graph: Graph, days: float) -> str | None:
    """What is wrong with the archive behind a subscription; None when nothing is."""
    streams = graph.targets(link, "destinationArn", types.DELIVERY_STREAM)
    if not streams:
        return "the log delivery does not end in a delivery stream of this stack"
    buckets = graph.targets(streams[0], "extendedS3Configuration", types.BUCKET)
    if not buckets:
        return "the delivery stream does not end in a bucket of this stack"
    if not has_customer_key(buckets[0], graph):
        return "the archive bucket is not encrypted with a customer key"
    return lifecycle_gap(buckets[0], graph, days)


def has_customer_key(bucket: Resource, graph: Graph) -> bool:
    """Whether the bucket's default encryption names a KMS key."""
    blocks = (
        block(rule, "applyServerSideEncryptionByDefault")
        for rule in encryption_rules(bucket, graph)
    )
    return any(inner and names_customer_key(inner, "kmsMasterKeyId") for inner in blocks)


def lifecycle_rules(bucket: Resource, graph: Graph) -> Iterator[Node]:
    """Rules in force; the inline ones of older programs when there are no split ones."""
    split = graph.sources(bucket, types.BUCKET_LIFECYCLE, "bucket")
    for setting in split:
        for rule in items(setting, "rules"):
            if (text(rule, "status") or "Enabled") == "Enabled":
                yield rule
    if not split:
        yield from (r for r in items(bucket, LIFECYCLE) if flag(r, "enabled") is not False)


def lifecycle_gap(bucket: Resource, graph: Graph, days: float) -> str | None:
    """Why the bucket's lifecycle rules do not keep `days`; None when they do."""
    gaps = (_rule_gap(rule, days) for rule in lifecycle_rules(bucket, graph))
    return next((gap for gap in gaps if gap), None)


def _rule_gap(rule: Node, days: float) -> str | None:
    expiration = block(rule, "expiration")
    ends = number(expiration, "days") if expiration else None
    if expiration and is_set(expiration, "date"):
        return "the archive bucket expires all objects on one day"
    if ends is not None and ends < days:
        return "the archive bucket expires objects too early"
    for step in items(rule, "transitions"):
        after, storage = number(step, "days") or 0, text(step, "storageClass") or ""
        if after < IMMEDIATE_DAYS and storage not in IMMEDIATE_CLASSES:
            return "the archive bucket needs a restore within the first 90 days"
    return None
