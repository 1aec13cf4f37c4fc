"""What changed since the bundle before this one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardrails.verdicts import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from guardrails.report import Report

CURRENT: Final = "evidence.json"
PREVIOUS: Final = "previous.json"
ABSENT: Final = "ABSENT"  # the resource or the control was not there
OPEN: Final = {Verdict.FAIL.value, Verdict.ERROR.value, Verdict.UNKNOWN.value, Verdict.WAIVED.value}


@dataclass(frozen=True)
class Change:
    """One verdict that is another one now."""

    control: str
    urn: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        """Worse, better, or neither."""
        if self.after in OPEN and self.before not in OPEN:
            return "appeared"
        if self.before in OPEN and self.after not in OPEN:
            return "resolved"
        return "changed"


@dataclass(frozen=True)
class Difference:
    """Changes against an earlier run; `since` is when that one started, None when there is none."""

    since: int | None
    changes: tuple[Change, ...] = ()

    def of(self, kind: str) -> list[Change]:
        """The changes of one kind, by control and resource."""
        return [change for change in self.changes if change.kind == kind]


def keep_previous(directory: Path, report: Report) -> None:
    """Set aside the bundle that lies in `directory` when it is of another run.

    Writing the same run again leaves the one before in place, so the bytes stay the same.
    """
    last = _read(directory / CURRENT)
    if last is not None and last["header"].get("started") != report.header.get("started"):
        (directory / PREVIOUS).write_bytes((directory / CURRENT).read_bytes())


def difference(directory: Path, report: Report) -> Difference:
    """What changed since the bundle set aside; nothing is said about another stack's."""
    last = _read(directory / PREVIOUS)
    if last is None or last["header"].get("stack") != report.header.get("stack"):
        return Difference(None)
    before = {(v["control"], v["urn"]): v["verdict"] for v in last["verdicts"]}
    after = {record.key: record.verdict.value for record in report.records}
    changes = (
        Change(control, urn, *(side.get((control, urn), ABSENT) for side in (before, after)))
        for control, urn in sorted(before.keys() | after.keys())
    )
    # A resource that came or went without anything open about it is no news to an auditor.
    kept = (c for c in changes if c.before != c.after and {c.before, c.after} & OPEN)
    return Difference(last["header"].get("started"), tuple(kept))


def _read(path: Path) -> dict[str, Any] | None:
    """An earlier bundle, None when there is none or it is not whole."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(content, dict) and {"header", "verdicts"} <= content.keys()
    return content if whole else None
