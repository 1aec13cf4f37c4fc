"""Widgets of CloudWatch dashboards as data, laid out in reading order.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.metrics import Metric

GRID = 24  # units a dashboard is wide
WIDTH, HEIGHT = 8, 6
TEXT_HEIGHT = 2
MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a graph; `query_id` names it for expressions, `hidden` keeps it out of sight."""

    metric: Metric
    label: str = ""
    query_id: str = ""
    hidden: bool = False

    def rendered(self) -> list[Any]:
        """Namespace, name, dimensions and options, flat, as CloudWatch wants them."""
        dimensions = [part for pair in self.metric.dimensions.items() for part in pair]
        options: dict[str, Any] = {"stat": self.metric.stat}
        if self.label:
            options["label"] = self.label
        if self.query_id:
            options["id"] = self.query_id
        if self.hidden:
            options["visible"] = False
        return [self.metric.namespace, self.metric.name, *dimensions, options]


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A line of metric math over the `query_id`s of the graph's other lines, or a SEARCH."""

    expression: str
    label: str = ""

    def rendered(self) -> list[Any]:
        """An expression stands alone in its list."""
        return [{"expression": self.expression, **({"label": self.label} if self.label else {})}]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Lines over time; `limits` are drawn across, label -> value on the left axis."""

    title: str
    lines: Sequence[Line | Formula]
    limits: Mapping[str, float] = field(default_factory=dict)
    period: int = MINUTE
    width: int = WIDTH
    height: int = HEIGHT
    kind: str = "metric"

    def properties(self, region: str) -> dict[str, Any]:
        """Zero stays in sight, so that a small change does not look like a large one."""
        limits = [{"label": label, "value": value} for label, value in self.limits.items()]
        return {
            "title": self.title,
            "region": region,
            "view": "timeSeries",
            "period": self.period,
            "metrics": [line.rendered() for line in self.lines],
            "yAxis": {"left": {"min": 0}},
            **({"annotations": {"horizontal": limits}} if limits else {}),
        }


@dataclass(frozen=True, kw_only=True)
class LogTable:
    """The result of a Logs Insights query on one group."""

    title: str
    group: str
    query: str
    width: int = GRID
    height: int = HEIGHT
    kind: str = "log"

    def properties(self, region: str) -> dict[str, Any]:
        """The group is part of the query."""
        query = f"SOURCE '{self.group}' | {self.query}"
        return {"title": self.title, "region": region, "view": "table", "query": query}


@dataclass(frozen=True, kw_only=True)
class AlarmStates:
    """Which of the alarms fire, by ARN."""

    title: str
    alarms: Sequence[str]
    width: int = GRID
    height: int = HEIGHT
    kind: str = "alarm"

    def properties(self, _region: str) -> dict[str, Any]:
        """The ARNs carry the region."""
        return {"title": self.title, "alarms": list(self.alarms)}


@dataclass(frozen=True, kw_only=True)
class Text:
    """A heading, or what no metric says, in Markdown."""

    markdown: str
    width: int = GRID
    height: int = TEXT_HEIGHT
    kind: str = "text"

    def properties(self, _region: str) -> dict[str, Any]:
        """Text alone."""
        return {"markdown": self.markdown}


Widget = Graph | LogTable | AlarmStates | Text


def dashboard_body(widgets: Sequence[Widget], region: str) -> dict[str, Any]:
    """The whole dashboard; its names may still be outputs."""
    placed = [
        {
            "type": widget.kind,
            "x": x,
            "y": y,
            "width": widget.width,
            "height": widget.height,
            "properties": widget.properties(region),
        }
        for widget, x, y in _placed(widgets)
    ]
    return {"widgets": placed}


def _placed(widgets: Sequence[Widget]) -> Iterator[tuple[Widget, int, int]]:
    """Left to right, a new row where a widget does not fit any more."""
    x = y = row_height = 0
    for widget in widgets:
        if x + widget.width > GRID:
            x, y, row_height = 0, y + row_height, 0
        yield widget, x, y
        x, row_height = x + widget.width, max(row_height, widget.height)
