"""Reports for people at a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from guardrails.messages import WHOLE_RESOURCE, printable
from guardrails.verdicts import Record, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardrails.control import Control
    from guardrails.report import Report

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.UNKNOWN: "yellow",
    Verdict.WAIVED: "cyan",
    Verdict.NOT_APPLICABLE: "dim",
}
PIPE_WIDTH = 132
SHOWN = (Verdict.ERROR, Verdict.FAIL, Verdict.UNKNOWN, Verdict.WAIVED)


def terminal() -> Console:
    """The terminal; a pipe or a log file has no width of its own and gets one that is readable."""
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def short(urn: str) -> str:
    """Type and name of a resource, without stack, project and ancestors."""
    parts = urn.split("::")
    kind = parts[-2].rpartition("$")[2] if len(parts) > 1 else ""
    return printable(f"{kind.rpartition(':')[2]} {parts[-1]}".strip())


def print_report(report: Report, console: Console) -> None:
    """What needs attention as a table, then the counts and the next step."""
    rows = [record for record in report.records if record.verdict in SHOWN]
    if rows:
        console.print(_table(report, rows))
    for problem in report.problems:
        console.print(Text(f"incomplete: {problem}", style="bold magenta"))
    counts = Text()
    for verdict, count in report.counts.items():
        style = STYLES[Verdict(verdict)] if count else "dim"
        counts.append(f"{count} {verdict.replace('_', ' ').lower()}   ", style=style)
    console.print(counts)
    console.print(_last_line(report))


def _table(report: Report, rows: list[Record]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("control", "verdict", "resource", "property and what was found"):
        table.add_column(heading, overflow="fold")
    order = list(SHOWN)
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in sorted(rows, key=lambda r: (order.index(r.verdict), r.control, r.urn)):
        key = (record.control, record.verdict, record.path, record.found, record.waiver)
        groups.setdefault(key, []).append(record)
    for group in groups.values():
        control = report.controls.get(group[0].control)
        table.add_row(
            group[0].control,
            Text(group[0].verdict, style=STYLES[group[0].verdict]),
            "\n".join(short(record.urn) for record in group),
            _detail(group[0], control),
        )
    return table


def _detail(record: Record, control: Control | None) -> Text:
    """What was found, and how to mend it."""
    detail = Text(printable(f"{record.path or WHOLE_RESOURCE}: {record.found}"))
    if control and record.verdict in (Verdict.FAIL, Verdict.ERROR):
        detail.append(f"\nfix: {control.fix}", style="dim")
    if record.waiver:
        detail.append(f"\nwaived: {record.waiver}", style="dim")
    return detail


def _last_line(report: Report) -> Text:
    if report.is_clean:
        return Text("✓ clean", style="bold green")
    failed = len(report.violations)
    if failed:
        return Text(
            f"✗ {failed} violation{'s' if failed > 1 else ''}; "
            "each control is explained by `python -m guardrails controls ID`",
            style="bold red",
        )
    if report.open_unknowns:
        return Text(
            f"✗ {len(report.open_unknowns)} undecided; list them under expected_unknown, or judge "
            "the exported state after the deployment",
            style="bold yellow",
        )
    return Text("✗ the evidence is incomplete", style="bold magenta")


def print_controls(controls: Iterable[Control], console: Console) -> None:
    """The catalogue as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("control", "severity", "kind", "statement", "requirements"):
        table.add_column(heading, overflow="fold")
    total = 0
    for control in controls:
        total += 1
        cited = ", ".join(f"{c.framework} {c.requirement}" for c in control.citations)
        table.add_row(control.id, control.severity, control.kind, control.title, Text(cited, "dim"))
    console.print(table)
    console.print(Text(f"{total} controls", style="bold"))
