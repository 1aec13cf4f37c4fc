"""Three dashboards, and every line in them is of a metric that exists."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from budgetbuddy import contract
from infra.alarms_edge import WatchedEdge
from infra.dashboard import GRID, Graph, Line, Text, dashboard_body
from infra.dashboard_sources import Sources
from infra.dashboards import all_widgets
from infra.event_rules import EVENTS
from infra.log_group import GROUPS
from infra.metrics import AWS_METRICS, Metric, emitted_metric
from infra.naming import Names
from infra.security_events import SECURITY_EVENTS
from infra.settings import AlarmSettings, ServiceSettings

SOURCES = Sources(
    names=Names(account_id="123456789012", region="us-east-1", environment="production"),
    alarms=AlarmSettings(),
    size=ServiceSettings(),
    balancer="app/budgetbuddy-alb/50dc6c495c0c9188",
    blue="targetgroup/budgetbuddy-api-blue/1",
    green="targetgroup/budgetbuddy-api-green/2",
    edge=WatchedEdge(
        certificates={"api": "arn:aws:acm:us-east-1:123456789012:certificate/1"},
        firewalls={"alb": "budgetbuddy-alb", "cdn": "budgetbuddy-cdn"},
        distribution="E0123456789ABC",
        region="us-east-1",
    ),
    vault="budgetbuddy",
    rotation="budgetbuddy-rotate-jwt",
    gateways=["nat-1", "nat-2", "nat-3"],
    tables={table.name: f"BudgetBuddy-{table.name}" for table in contract.TABLES},
    queues={spec.name: f"budgetbuddy-{spec.name}" for spec in contract.QUEUES},
    rules={spec.name: spec.rule_name for spec in EVENTS},
    groups=GROUPS,
)
BODIES = {
    name: json.loads(json.dumps(dashboard_body(widgets, "us-east-1")))
    for name, widgets in all_widgets(SOURCES).items()
}
SEARCH = re.compile(
    r"""SEARCH\('\{BudgetBuddy,Environment,(\w+)\} MetricName="(\w+)" Environment="production"',"""
    r""" '(Sum|p95)', 60\)"""
)


def widgets() -> Iterator[dict[str, Any]]:
    for body in BODIES.values():
        yield from body["widgets"]


def rows() -> Iterator[list[Any]]:
    for widget in widgets():
        yield from widget["properties"].get("metrics", ())


def test_there_are_three_dashboards() -> None:
    assert BODIES.keys() == {"Application", "Infrastructure", "Compliance"}


def test_every_line_is_of_a_metric_that_exists() -> None:
    ours = {str(spec.metric): str(spec.dimension or "") for spec in contract.METRICS}
    events = {event.name for event in SECURITY_EVENTS}
    shown = [row for row in rows() if isinstance(row[0], str)]

    assert len(shown) > 80
    for namespace, name, *dimensions, options in shown:
        keys = set(dimensions[::2])
        match namespace:
            case "BudgetBuddy":
                assert keys <= {"Environment", ours[name]}
            case "BudgetBuddy/Security":
                assert name in events
            case _:
                assert name in AWS_METRICS[namespace].names
                assert keys in AWS_METRICS[namespace].dimensions
        assert options["stat"]


def test_a_search_finds_the_second_dimension_of_a_declared_metric() -> None:
    dimensions = {str(spec.metric): str(spec.dimension or "") for spec in contract.METRICS}
    searches = [
        row[0]["expression"]
        for row in rows()
        if isinstance(row[0], dict) and row[0]["expression"].startswith("SEARCH")
    ]

    assert searches
    for expression in searches:
        found = SEARCH.fullmatch(expression)
        assert found, expression
        assert dimensions[found[2]] == found[1]


def test_an_expression_names_lines_of_its_own_graph() -> None:
    for widget in widgets():
        metrics = widget["properties"].get("metrics", [])
        ids = {row[-1].get("id") for row in metrics if isinstance(row[0], str)}
        for row in metrics:
            if isinstance(row[0], dict) and "SEARCH" not in row[0]["expression"]:
                used = set(re.findall(r"\b[a-z]+\b", row[0]["expression"]))
                assert used <= ids


def test_every_metric_the_service_prints_is_shown_somewhere() -> None:
    text = json.dumps(BODIES["Application"]).replace("\\", "")

    assert [str(spec.metric) for spec in contract.METRICS if f'"{spec.metric}"' not in text] == []


def test_what_the_readme_promises_is_drawn_across() -> None:
    marks = {
        (widget["properties"]["title"], mark["value"])
        for widget in widgets()
        for mark in widget["properties"].get("annotations", {}).get("horizontal", ())
    }

    assert marks >= {
        ("Error rate", 1),
        ("Latency, seconds", 0.5),
        ("CPU, percent of what is reserved", 70),
        ("CPU, percent of what is reserved", 80),
        ("Memory, percent of what is reserved", 80),
        ("Answered without a server error, percent of the day", 99.99),
    }


def test_no_two_widgets_overlap_and_none_leaves_the_grid() -> None:
    for body in BODIES.values():
        taken: set[tuple[int, int]] = set()
        for widget in body["widgets"]:
            cells = {
                (widget["x"] + right, widget["y"] + down)
                for right in range(widget["width"])
                for down in range(widget["height"])
            }
            assert not taken & cells
            assert widget["x"] + widget["width"] <= GRID
            taken |= cells


def test_a_dashboard_stays_within_cloudwatchs_limits() -> None:
    """500 widgets, 500 metrics a graph, 2500 a dashboard."""
    for body in BODIES.values():
        counts = [len(each["properties"].get("metrics", ())) for each in body["widgets"]]
        assert len(body["widgets"]) <= 500
        assert max(counts) <= 500
        assert sum(counts) <= 2500


def test_no_dashboard_claims_compliance() -> None:
    text = json.dumps(BODIES).lower()

    assert "not a promise" in text
    assert "compliant" not in text
    assert "certified" not in text


def test_a_row_starts_where_the_last_one_ended() -> None:
    graph = Graph(title="g", lines=[], width=16, height=3)
    placed = dashboard_body([graph, Text(markdown="t"), graph], "us-east-1")["widgets"]

    assert [(each["x"], each["y"]) for each in placed] == [(0, 0), (0, 3), (0, 5)]


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions", "problem"),
    [
        ("AWS/ECS", "CPUUtilisation", {"ClusterName": "c", "ServiceName": "s"}, "no metric"),
        ("AWS/ECS", "CPUUtilization", {"ClusterName": "c"}, "no dimensions"),
        ("AWS/None", "Any", {}, "no metric"),
    ],
)
def test_a_metric_aws_does_not_have_is_refused(
    namespace: str, name: str, dimensions: dict[str, str], problem: str
) -> None:
    with pytest.raises(LookupError, match=problem):
        Metric(namespace=namespace, name=name, dimensions=dimensions, stat="Sum")


def test_a_dimension_the_service_does_not_print_is_refused() -> None:
    with pytest.raises(LookupError, match="no second dimension"):
        emitted_metric(contract.Metric.UNHANDLED_ERROR, "production", value="auth")


def test_a_hidden_line_is_not_drawn() -> None:
    metric = emitted_metric(contract.Metric.UNHANDLED_ERROR, "production")

    assert Line(metric=metric, query_id="n", hidden=True).rendered()[-1] == {
        "stat": "Sum",
        "id": "n",
        "visible": False,
    }


@pytest.mark.engine
def test_every_stack_has_the_three_and_says_where(plan: Any) -> None:
    made = plan.of("aws:cloudwatch/dashboard:Dashboard")

    assert {each.inputs["dashboardName"] for each in made} == {
        f"BudgetBuddy-{name}" for name in BODIES
    }
    assert plan.outputs["dashboardUrls"].keys() == BODIES.keys()
    assert all(
        url.startswith("https://us-east-1.") for url in plan.outputs["dashboardUrls"].values()
    )
