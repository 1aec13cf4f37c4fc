"""The bundle as a static site: one overview and a page per control, readable from a file system."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from guardrails.evidence.requirements import requirements
from guardrails.frameworks import FRAMEWORKS
from guardrails.messages import WHOLE_RESOURCE
from guardrails.pages import PRELUDE, difference
from guardrails.terminal import short
from guardrails.verdicts import GRAVITY, Verdict

if TYPE_CHECKING:
    from guardrails.evidence.history import Difference
    from guardrails.report import Report
    from guardrails.verdicts import Record

TEMPLATES = Path(__file__).parent / "templates"
# What needs a reader first comes first.
ORDER = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.UNKNOWN,
    Verdict.WAIVED,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)


def render(report: Report, since: Difference) -> dict[str, str]:
    """File name to content; nothing in them is loaded from elsewhere."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"short": short, "label": _label, "words": _words}
    by_control = report.by_control()
    shared: dict[str, Any] = {
        "report": report,
        "header": report.header,
        "frameworks": FRAMEWORKS,
        "order": [verdict.value for verdict in ORDER],
        "whole": WHOLE_RESOURCE,
        "style": (TEMPLATES / "style.css").read_text(encoding="utf-8"),
        "script": (TEMPLATES / "site.js").read_text(encoding="utf-8"),
        "started": _moment(report.header.get("started")),
    }
    index = environment.get_template("index.html.j2").render(
        **shared,
        by_framework=requirements(report),
        since=since,
        since_when=_moment(since.since),
        controls=[_row(report, key, found) for key, found in by_control.items()],
        records=sorted(report.records, key=lambda r: (-GRAVITY[r.verdict], r.control, r.urn)),
        resources=_by_resource(report.records),
    )
    files = {"index.html": index}
    template = environment.get_template("control.html.j2")
    for key, found in by_control.items():
        control = report.controls.get(key)
        if control is not None:
            files[f"controls/{key}.html"] = template.render(
                **shared,
                control=control,
                records=sorted(found, key=lambda r: (-GRAVITY[r.verdict], r.urn)),
                program=PRELUDE + control.passing,
                difference=difference(control),
            )
    return files


def _row(report: Report, key: str, found: list[Record]) -> dict[str, Any]:
    """One line of the list of controls."""
    gravest = max(found, key=lambda record: GRAVITY[record.verdict])
    control = report.controls.get(key)
    return {
        "id": key,
        "title": control.title if control else gravest.expected,
        "severity": control.severity.value if control else "high",
        "frameworks": sorted({c.framework for c in control.citations}) if control else [],
        "verdict": gravest.verdict.value,
        "count": len(found),
        "has_page": control is not None,
    }


def _by_resource(records: list[Record]) -> list[dict[str, Any]]:
    """Resources with the verdicts about them, the gravest first."""
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.urn, []).append(record)
    rows = [
        {
            "urn": urn,
            "verdict": max(found, key=lambda r: GRAVITY[r.verdict]).verdict.value,
            "records": sorted(found, key=lambda r: (-GRAVITY[r.verdict], r.control)),
        }
        for urn, found in grouped.items()
    ]
    return sorted(rows, key=lambda row: (-GRAVITY[Verdict(row["verdict"])], row["urn"]))


def _label(value: str) -> str:
    """A verdict or status in words."""
    return value.replace("_", " ").lower()


def _words(record: Record) -> str:
    return record.found or ("holds" if record.verdict is Verdict.PASS else "")


def _moment(seconds: Any) -> str:
    """Seconds since 1970 as a date and time in UTC."""
    if not isinstance(seconds, int | float):
        return "unknown"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
