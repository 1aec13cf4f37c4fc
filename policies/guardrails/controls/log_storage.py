"""What happens to objects over time: logged, locked, kept, disposed of (S3-05, S3-09 to S3-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.retention import LIFECYCLE, lifecycle_gap, lifecycle_rules
from guardrails.controls.storage import is_log_target
from guardrails.controls.tagging import tag
from guardrails.values import MISSING, Node, block, is_set, items, number, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

LOGGING: Final = "logging"
LOCK: Final = "objectLockConfiguration.rule.defaultRetention"
DAYS_PER_YEAR: Final = 365


@judges_in_stack("S3-05", types.BUCKET)
def access_is_logged(bucket: Resource, graph: Graph, _: Options) -> Finding:
    """Who read which object can be told afterwards."""
    split = graph.sources(bucket, types.BUCKET_LOGGING, "bucket")
    for setting in split:
        if not is_set(setting, "targetBucket"):
            return failed("logging.targetBucket", "no bucket is named for the log")
        if bucket in graph.targets(setting, "targetBucket", types.BUCKET):
            return failed("logging.targetBucket", "the bucket logs to itself, without an end")
    inline = [*items(bucket, LOGGING), *items(bucket, "loggings")]
    if any(not is_set(setting, "targetBucket") for setting in inline):
        return failed("logging.targetBucket", "no bucket is named for the log")
    if split or inline:
        return passed(LOGGING)
    if is_log_target(bucket, graph):
        return out_of_scope("access logs are written here, and logging them would not end", LOGGING)
    return failed(LOGGING, "access is not logged")


def holds_audit_logs(bucket: Resource, graph: Graph, options: Options) -> bool:
    """Whether a trail, a flow log or a delivery writes here, or the bucket's class says so."""
    if tag(bucket, options.text("dataClassTag")) in options.strings("auditClasses"):
        return True
    writers = ((types.TRAIL, "s3BucketName"), (types.FLOW_LOG, "logDestination"))
    if any(graph.sources(bucket, kind, prop) for kind, prop in writers):
        return True
    streams = graph.sources(bucket, types.DELIVERY_STREAM, "extendedS3Configuration")
    return any(graph.sources(s, types.LOG_SUBSCRIPTION, "destinationArn") for s in streams)


@judges("S3-09", types.BUCKET)
def inline_lock_is_long_enough(bucket: Resource, options: Options) -> Iterator[Finding]:
    """A lock that is given in the bucket itself lasts long enough."""
    retention = block(bucket, LOCK)
    if retention and (gap := _retention_gap(retention, options.number("days"))):
        yield failed(LOCK, gap)


@judges_in_stack("S3-09", types.BUCKET)
def audit_logs_are_locked(bucket: Resource, graph: Graph, options: Options) -> Finding:
    """Nobody deletes or shortens the record, not even an administrator."""
    if not holds_audit_logs(bucket, graph, options):
        return out_of_scope("not a bucket for audit logs", LOCK)
    if is_log_target(bucket, graph):
        return out_of_scope("S3 and load balancers cannot deliver into a locked bucket", LOCK)
    locks = graph.sources(bucket, types.BUCKET_OBJECT_LOCK, "bucket")
    found = [block(lock, "rule.defaultRetention") for lock in locks] or [block(bucket, LOCK)]
    for retention in found:
        if retention is None:
            return failed(LOCK, "no default retention")
        if gap := _retention_gap(retention, options.number("days")):
            return failed(LOCK, gap)
    return passed(LOCK)


def _retention_gap(retention: Node, days: float) -> str | None:
    if (text(retention, "mode") or "") not in ("COMPLIANCE", "GOVERNANCE"):
        return "no retention mode"
    years = number(retention, "years") or 0
    kept = number(retention, "days") or years * DAYS_PER_YEAR
    return None if kept >= days else "objects are locked for too short a time"


@judges_in_stack("S3-10", types.BUCKET)
def disposes_of_objects(bucket: Resource, graph: Graph, _: Options) -> Finding:
    """What is no longer needed goes away, and so do uploads that nobody finished."""
    rules = list(lifecycle_rules(bucket, graph))
    if not any(_expires(rule) for rule in rules):
        return failed(LIFECYCLE, "no rule ever deletes an object")
    if not any(_aborts(rule) for rule in rules):
        return failed(LIFECYCLE, "unfinished uploads stay forever")
    return passed(LIFECYCLE)


def _expires(rule: Node) -> bool:
    ends = ("expiration.days", "expiration.date", "noncurrentVersionExpiration.noncurrentDays",
            "noncurrentVersionExpiration.days")  # fmt: skip
    return any(read(rule, path) is not MISSING for path in ends)


def _aborts(rule: Node) -> bool:
    paths = (
        "abortIncompleteMultipartUpload.daysAfterInitiation",
        "abortIncompleteMultipartUploadDays",
    )
    return any(read(rule, path) is not MISSING for path in paths)


@judges_in_stack("S3-11", types.BUCKET)
def logs_are_kept_and_at_hand(bucket: Resource, graph: Graph, options: Options) -> Finding:
    """A year of logs, the last three months of them without waiting for a restore."""
    if not (is_log_target(bucket, graph) or holds_audit_logs(bucket, graph, options)):
        return out_of_scope("not a bucket for logs", LIFECYCLE)
    gap = lifecycle_gap(bucket, graph, options.number("days"))
    return failed(LIFECYCLE, gap) if gap else passed(LIFECYCLE)
