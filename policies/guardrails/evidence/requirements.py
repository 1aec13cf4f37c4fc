"""The status of each requirement, from the verdicts of the controls mapped to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from guardrails.frameworks import FRAMEWORKS, Limit, Relation, limits, order
from guardrails.verdicts import Record, Verdict

if TYPE_CHECKING:
    from guardrails.control import Citation, Control
    from guardrails.report import Report


class Status(StrEnum):
    """What the evidence says about one requirement; it never says that it is met."""

    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    WAIVED = "WAIVED"
    EVIDENCE_DIRECT = "EVIDENCE_DIRECT"
    EVIDENCE_SUPPORTING = "EVIDENCE_SUPPORTING"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_ESTABLISHABLE = "NOT_ESTABLISHABLE"


@dataclass
class Requirement:
    """One requirement with the controls that speak about it and what code cannot show of it."""

    framework: str
    id: str
    cited: list[tuple[Control, Citation]] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    status: Status = Status.NOT_APPLICABLE


def requirements(report: Report) -> dict[str, list[Requirement]]:
    """The requirements of every framework, in their own order."""
    found: dict[tuple[str, str], Requirement] = {}
    for control in report.controls.values():
        for citation in control.citations:
            key = (citation.framework, citation.requirement)
            found.setdefault(key, Requirement(*key)).cited.append((control, citation))
    for limit in limits():
        covered = [r for r in found.values() if limit.covers(r.framework, r.id)]
        for requirement in covered:
            requirement.limits.append(limit)
        if not covered:
            key = (limit.framework, limit.requirement)
            found.setdefault(key, Requirement(*key)).limits.append(limit)
    by_control = report.by_control()
    for requirement in found.values():
        requirement.status = _status(requirement, by_control)
    return {
        framework: sorted(
            (r for r in found.values() if r.framework == framework), key=lambda r: order(r.id)
        )
        for framework in FRAMEWORKS
    }


def _status(requirement: Requirement, by_control: dict[str, list[Record]]) -> Status:
    verdicts: set[Verdict] = set()
    direct = False
    for control, citation in requirement.cited:
        found = {record.verdict for record in by_control.get(control.id, ())}
        verdicts |= found
        direct |= citation.relation is Relation.DIRECT and Verdict.PASS in found
    whole = any(limit.whole for limit in requirement.limits)
    for verdict, status in (
        (Verdict.ERROR, Status.FAIL),
        (Verdict.FAIL, Status.FAIL),
        (Verdict.UNKNOWN, Status.UNKNOWN),
        (Verdict.WAIVED, Status.WAIVED),
    ):
        if verdict in verdicts:
            return status
    if whole or not requirement.cited:
        return Status.NOT_ESTABLISHABLE
    if Verdict.PASS not in verdicts:
        return Status.NOT_APPLICABLE
    return Status.EVIDENCE_DIRECT if direct else Status.EVIDENCE_SUPPORTING
