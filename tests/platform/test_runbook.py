"""Whoever an alarm wakes finds the section it links to."""

import re
from pathlib import Path
from typing import Any

import pytest

from budgetbuddy import contract
from infra.alarms import RUNBOOK
from infra.alarms_edge import WatchedEdge, edge_alarms, endpoint_alarm
from infra.alarms_platform import (
    log_alarms,
    message_alarms,
    network_alarms,
    queue_alarms,
    table_alarms,
)
from infra.alarms_service import Watched, rollback_alarms, service_alarms, worker_alarms
from infra.event_rules import EVENTS
from infra.log_group import GROUPS
from infra.security_events import SECURITY_EVENTS
from infra.settings import AlarmSettings
from infra.slo import BUDGET_COMPOSITES, burn_alarms, data_composite, service_composites

ROOT = Path(__file__).parents[2]
SECTION = "## Alarms"
ALARM_HEADING = re.compile(r"^#### (\S+)$", re.MULTILINE)
LINK = re.compile(re.escape(RUNBOOK) + r"#(\S+)$")
QUESTIONS = ("**Means**", "**First look**", "**Likely causes**", "**Fix**", "**Who**")


def alarm_sections() -> set[str]:
    """Anchors that the platform's alarms link to."""
    settings = AlarmSettings()
    watched = Watched(environment="e", service="s", balancer="b", blue="b", green="g")
    edge = WatchedEdge(
        certificates={"api": "arn"}, firewalls={"alb": "acl"}, distribution="d", region="us-east-1"
    )
    specs = [
        *service_alarms(settings, watched),
        *rollback_alarms(settings, "balancer"),
        *burn_alarms(settings, "balancer"),
        *table_alarms({table.name: table.name for table in contract.TABLES}),
        *network_alarms(["nat"]),
        *edge_alarms(edge),
        endpoint_alarm("check"),
        *log_alarms(GROUPS),
        *worker_alarms(settings, "e", "w"),
        *queue_alarms({"jobs": "q"}, {"jobs": "d"}),
        *message_alarms({"critical": "c"}, {"rule": "r"}, "function"),
    ]
    composites = [*BUDGET_COMPOSITES, *service_composites(()), data_composite(["a"])]
    return (
        {spec.section for spec in specs}
        | {spec.name for spec in composites}
        | {event.name for event in SECURITY_EVENTS}
    )


def sections() -> dict[str, str]:
    """Text below each heading of an alarm, by the heading, which is its own anchor."""
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8").partition(f"\n{SECTION}\n")[2]
    alarms = re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]
    _, *parts = ALARM_HEADING.split(alarms)
    headings = parts[::2]
    assert len(headings) == len(set(headings)), "a second heading would get another anchor"
    return dict(zip(headings, parts[1::2], strict=True))


def test_the_runbook_has_a_section_for_each_alarm_and_for_no_other() -> None:
    assert sections().keys() == alarm_sections()


@pytest.mark.parametrize("name", sorted(alarm_sections()))
def test_the_section_of_an_alarm_answers_what_somebody_woken_asks(name: str) -> None:
    section = sections()[name]

    assert [section.count(question) for question in QUESTIONS] == [1] * len(QUESTIONS)


def test_the_runbook_has_a_row_for_each_event_that_writes() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| \S", (ROOT / RUNBOOK).read_text("utf-8"), re.MULTILINE)

    assert rows == [spec.name for spec in EVENTS]


@pytest.mark.engine
def test_every_alarm_that_would_be_created_links_to_a_section(plan: Any, stack: str) -> None:
    kinds = ("metricAlarm:MetricAlarm", "compositeAlarm:CompositeAlarm")
    alarms = [each for kind in kinds for each in plan.of(f"aws:cloudwatch/{kind}")]
    linked = {each.name: LINK.search(each.inputs["alarmDescription"]) for each in alarms}

    assert all(link and name.startswith(link.group(1)) for name, link in linked.items())
    unseen = set() if stack == "production" else {"endpoint-down"}  # asked from outside alone there
    assert {link and link.group(1) for link in linked.values()} == sections().keys() - unseen
