"""Alarms on what the service stands on; they need no running task."""

from collections.abc import Mapping, Sequence

import pulumi

from budgetbuddy import contract
from infra.alarms import AlarmSpec
from infra.alarms_service import AT_LEAST, BELOW, FIVE_MINUTES
from infra.metrics import (
    Metric,
    archive_metric,
    function_metric,
    gateway_metric,
    operation_metric,
    queue_metric,
    rule_metric,
    subscription_metric,
    table_metric,
    topic_metric,
)
from infra.naming import SUBSCRIPTION

Name = pulumi.Input[str]
DAY = 86_400
DROPPED_PACKETS = 100
ARCHIVE_DELAY_SECONDS = 900
# A topic that fails cannot tell of it.
OTHER_TOPIC = {"critical": "warning", "warning": "critical", "security": "critical"}
TRANSACTION = "TransactWriteItems"


def table_alarms(tables: Mapping[str, Name]) -> list[AlarmSpec]:
    """Refused requests and DynamoDB's own failures, per table of the contract."""
    specs = {spec.name: spec for spec in contract.TABLES}
    return [
        alarm
        for short, name in tables.items()
        for alarm in (_throttles(short, name), _system_errors(specs[short], name))
    ]


def queue_alarms(queues: Mapping[str, Name], dead: Mapping[str, Name]) -> list[AlarmSpec]:
    """What waits too long, and what nobody could handle."""
    return [
        *(
            AlarmSpec(
                name=f"queue-age-{short}",
                family="queue-age",
                meaning=f"A message of queue {short} has waited for five minutes",
                metrics={"age": queue_metric("ApproximateAgeOfOldestMessage", name)},
                threshold=FIVE_MINUTES,
                datapoints=5,
                severity="warning",
            )
            for short, name in queues.items()
        ),
        *(
            AlarmSpec(
                name=f"dlq-{short}",
                family="dlq",
                meaning=f"A message of queue {short} could not be handled five times over",
                metrics={"n": queue_metric("ApproximateNumberOfMessagesVisible", name)},
                threshold=0,
                period=FIVE_MINUTES,
                datapoints=1,
                window=1,
            )
            for short, name in dead.items()
        ),
    ]


def _throttles(short: str, table: Name) -> AlarmSpec:
    """Requests DynamoDB refused on one table, reads and writes together."""
    return AlarmSpec(
        name=f"ddb-throttles-{short.lower()}",
        meaning=f"Table {short} refuses requests; clients retry or fail",
        metrics={
            "r": table_metric("ReadThrottleEvents", table),
            "w": table_metric("WriteThrottleEvents", table),
        },
        expression="FILL(r,0)+FILL(w,0)",
        threshold=0,
        datapoints=2,
    )


def _system_errors(spec: contract.TableSpec, table: Name) -> AlarmSpec:
    """DynamoDB keeps system errors by operation, and an alarm cannot search for them."""
    metrics = {
        f"m{place}": operation_metric("SystemErrors", table, operation)
        for place, operation in enumerate(table_operations(spec))
    }
    return AlarmSpec(
        name=f"ddb-system-errors-{spec.name.lower()}",
        family="ddb-system-errors",
        meaning=f"DynamoDB fails on table {spec.name}",
        metrics=metrics,
        expression="+".join(f"FILL({query},0)" for query in metrics),
        threshold=0,
        period=FIVE_MINUTES,
        datapoints=2,
        window=3,
    )


def table_operations(spec: contract.TableSpec) -> list[str]:
    """API operations behind the contract's IAM actions; a transaction has no action of its own."""
    names = {action.removeprefix("dynamodb:") for action in spec.actions}
    return sorted({*names - {"ConditionCheckItem"}, TRANSACTION})


def network_alarms(gateways: Sequence[Name]) -> list[AlarmSpec]:
    """Every NAT gateway is the way out of one zone."""
    return [
        alarm
        for place, gateway in enumerate(gateways, start=1)
        for alarm in (_ports(place, gateway), _drops(place, gateway))
    ]


def _ports(place: int, gateway: Name) -> AlarmSpec:
    return AlarmSpec(
        name=f"nat-port-allocation-{place}",
        family="nat-port-allocation",
        meaning="A NAT gateway has no ports left: calls to the internet fail",
        metrics={"n": gateway_metric("ErrorPortAllocation", gateway)},
        threshold=0,
        period=FIVE_MINUTES,
        datapoints=1,
        window=1,
    )


def _drops(place: int, gateway: Name) -> AlarmSpec:
    return AlarmSpec(
        name=f"nat-packet-drop-{place}",
        family="nat-packet-drop",
        meaning="A NAT gateway loses packets",
        metrics={"n": gateway_metric("PacketsDropCount", gateway)},
        threshold=DROPPED_PACKETS,
        period=FIVE_MINUTES,
        datapoints=3,
        window=3,
        severity="warning",
    )


def log_alarms(groups: Mapping[str, Name]) -> list[AlarmSpec]:
    """Log events reach the archive, all of them and soon."""
    late = AlarmSpec(
        name="firehose-freshness",
        meaning="Log events wait too long before they are in the archive",
        metrics={"age": archive_metric("DeliveryToS3.DataFreshness", "Maximum")},
        threshold=ARCHIVE_DELAY_SECONDS,
        period=FIVE_MINUTES,
        datapoints=3,
        window=3,
        severity="warning",
    )
    failed = AlarmSpec(
        name="firehose-failed",
        meaning="Log events do not reach the archive",
        metrics={"ok": archive_metric("DeliveryToS3.Success", "Average")},
        threshold=1,
        comparison=BELOW,
        period=FIVE_MINUTES,
        datapoints=3,
        window=3,
    )
    undelivered = [
        _any_of(
            f"log-delivery-{short}",
            f"Log group {short} cannot hand its events to the archive",
            subscription_metric("DeliveryErrors", group, SUBSCRIPTION),
            severity="warning",
            family="log-delivery",
        )
        for short, group in groups.items()
    ]
    return [late, failed, *undelivered]


def message_alarms(
    topics: Mapping[str, Name], rules: Mapping[str, Name], rotation: Name
) -> list[AlarmSpec]:
    """Alarms and findings reach somebody; the signing key is rotated."""
    unheard = [
        _any_of(
            f"topic-delivery-failed-{severity}",
            f"Messages of topic {severity} reach nobody",
            topic_metric("NumberOfNotificationsFailed", topic),
            severity=OTHER_TOPIC[severity],
            family="topic-delivery-failed",
        )
        for severity, topic in topics.items()
    ]
    untold = [
        _any_of(
            f"event-delivery-failed-{short}",
            f"Events of rule {short} reach no topic",
            rule_metric("FailedInvocations", rule),
            severity="critical",
            family="event-delivery-failed",
        )
        for short, rule in rules.items()
    ]
    stale = _any_of(
        "rotation-failed",
        "The token signing key could not be rotated",
        function_metric("Errors", rotation),
        severity="critical",
    )
    return [*unheard, *untold, stale]


def _any_of(
    name: str, meaning: str, metric: Metric, *, severity: str, family: str = ""
) -> AlarmSpec:
    """One within five minutes is one too many."""
    return AlarmSpec(
        name=name,
        family=family,
        meaning=meaning,
        metrics={"n": metric},
        threshold=1,
        comparison=AT_LEAST,
        period=FIVE_MINUTES,
        datapoints=1,
        window=1,
        severity=severity,
    )
