"""Log groups and alarms (CW-01 to CW-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.retention import kept_long_enough
from guardrails.documents import statements
from guardrails.values import Known, flag, items, number, read
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

RETENTION: Final = "retentionInDays"
KEY: Final = "kmsKeyId"
ACTIONS: Final = "alarmActions"
RULE: Final = "alarmRule"


@judges("CW-01", types.LOG_GROUP)
def retention_is_set(group: Resource, _: Options) -> Iterator[Finding]:
    """A group that keeps everything forever disposes of nothing."""
    if not number(group, RETENTION):
        yield failed(RETENTION, "no retention is set, so nothing is ever disposed of")


@judges_in_stack("CW-01", types.LOG_GROUP)
def retention_is_long_enough(group: Resource, graph: Graph, options: Options) -> Finding:
    """A year, in the group itself or in the encrypted archive it is delivered to."""
    return kept_long_enough(group, graph, options)


@judges("CW-02", types.LOG_GROUP)
def encrypted_with_own_key(group: Resource, _: Options) -> Iterator[Finding]:
    """Reading logs takes a permission on a key of one's own."""
    if not names_customer_key(group, KEY):
        yield failed(KEY, "no key is named")


@judges_in_stack("CW-02", types.LOG_GROUP)
def key_admits_the_logs_service(group: Resource, graph: Graph, _: Options) -> Finding:
    """The key is in this stack and its policy lets CloudWatch Logs use it."""
    keys = graph.targets(group, KEY, types.KEY)
    if not keys:
        return failed(KEY, "the key is not in this stack, so its policy cannot be seen")
    policies = [*graph.sources(keys[0], types.KEY_POLICY, "keyId"), keys[0]]
    for policy in policies:
        for statement in statements(policy, "policy"):
            services = [name for kind, name in statement.principals if kind == "service"]
            if statement.allows and any(_is_logs(service) for service in services):
                return passed(KEY)
    return failed(KEY, "the key's policy does not admit the Logs service")


def _is_logs(service: str) -> bool:
    """`logs.amazonaws.com`, or the regional name."""
    return service.startswith("logs.") and ".amazonaws.com" in service


@judges("CW-03", types.METRIC_ALARM, types.COMPOSITE_ALARM)
def alarm_acts(alarm: Resource, _: Options) -> Iterator[Finding]:
    """The actions of an alarm are not switched off."""
    if flag(alarm, "actionsEnabled") is False:
        yield failed("actionsEnabled", "the alarm's actions are switched off")


@judges_in_stack("CW-03", types.METRIC_ALARM, types.COMPOSITE_ALARM)
def topic_reaches_someone(alarm: Resource, graph: Graph, _: Options) -> Finding:
    """The topic of the alarm exists and somebody listens to it.

    An alarm without an action of its own acts through the composite alarm that reads it.
    """
    topics = graph.targets(alarm, ACTIONS, types.TOPIC)
    if not topics:
        if not items(alarm, ACTIONS):
            if graph.sources(alarm, types.COMPOSITE_ALARM, RULE):
                return passed(RULE, "a composite alarm acts on it")
            return failed(ACTIONS, "the alarm has no action, and no composite alarm reads it")
        if _acts_without_topic(alarm):
            return passed(ACTIONS, "the action is not a notification")
        return failed(ACTIONS, "no topic of this stack is notified")
    heard = [t for t in topics if graph.sources(t, types.TOPIC_SUBSCRIPTION, "topic")]
    if not heard:
        return failed("topic.subscription", "nobody is subscribed to the alarm's topic")
    return passed(ACTIONS)


def _acts_without_topic(alarm: Resource) -> bool:
    """Whether every action is known and none is a topic (scaling, recovery, incidents)."""
    for action in items(alarm, ACTIONS):
        match read(action, ()):
            case Known(str() as arn) if ":sns:" not in arn:
                continue
            case _:
                return False
    return True
