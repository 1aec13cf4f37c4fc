"""What a control may say about a resource, and how several statements become one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """The six verdicts; the word *compliant* is none of them."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    UNKNOWN = "UNKNOWN"
    WAIVED = "WAIVED"
    ERROR = "ERROR"


# A worse verdict hides a better one when two halves of a control judge the same resource.
GRAVITY = {
    Verdict.ERROR: 5,
    Verdict.FAIL: 4,
    Verdict.UNKNOWN: 3,
    Verdict.WAIVED: 2,
    Verdict.PASS: 1,
    Verdict.NOT_APPLICABLE: 0,
}


class Severity(StrEnum):
    """How bad a FAIL is; independent of whether it stops the preview."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Level(StrEnum):
    """What the engine does with a FAIL: stop, mention it, or not ask at all."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One statement about one resource.

    `path` names the property that decided. `found` describes what was there as a class of thing
    ("a listener that forwards plain HTTP") and never quotes a property value. `expected` is left
    empty when the control's own statement says it already.
    """

    verdict: Verdict
    path: str = ""
    found: str = ""
    expected: str = ""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A finding with its address: what the journal, the reports and the engine are made from."""

    control: str
    policy: str
    urn: str
    verdict: Verdict
    path: str = ""
    found: str = ""
    expected: str = ""
    waiver: str = ""  # ticket of the waiver that covers it

    @property
    def key(self) -> tuple[str, str]:
        """Control and URN: there is one verdict for each such pair in a report."""
        return self.control, self.urn


def passed(path: str, found: str = "") -> Finding:
    """The statement holds, and every input of the check was known."""
    return Finding(verdict=Verdict.PASS, path=path, found=found)


def failed(path: str, found: str, expected: str = "") -> Finding:
    """The statement is false; `found` says what was there without quoting it."""
    return Finding(verdict=Verdict.FAIL, path=path, found=found, expected=expected)


def out_of_scope(reason: str, path: str = "") -> Finding:
    """The statement does not concern this resource; the reason is shown to the auditor."""
    return Finding(verdict=Verdict.NOT_APPLICABLE, path=path, found=reason)


def undecided(path: str, kind: str) -> Finding:
    """Neither: an input is known only after deployment."""
    return Finding(verdict=Verdict.UNKNOWN, path=path, found=f"{kind} not known before deployment")


def worst(findings: Iterable[Finding]) -> Finding | None:
    """The gravest of several findings about one resource, the first of equals; None if empty."""
    return max(findings, key=lambda finding: GRAVITY[finding.verdict], default=None)


def merged(records: Iterable[Record]) -> list[Record]:
    """One record per control and URN, the gravest wins; sorted by control, then URN."""
    by_key: dict[tuple[str, str], Record] = {}
    for record in records:
        known = by_key.get(record.key)
        if known is None or GRAVITY[record.verdict] > GRAVITY[known.verdict]:
            by_key[record.key] = record
    return [by_key[key] for key in sorted(by_key)]


def waived(record: Record, ticket: str) -> Record:
    """The same finding, covered by a waiver; it stays in every export."""
    return replace(record, verdict=Verdict.WAIVED, waiver=ticket)
