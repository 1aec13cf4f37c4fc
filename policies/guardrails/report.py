"""What a run established: the records, their header, and whether it is clean."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from guardrails.verdicts import Level, Record, Verdict, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from guardrails.control import Control
    from guardrails.waivers import Waivers


@dataclass(frozen=True)
class Report:
    """One record per control and URN, sorted; `open_unknowns` are those nobody expected.

    `problems` say why the evidence is incomplete; a report with problems is never clean.
    """

    records: list[Record]
    controls: Mapping[str, Control]
    waivers: Waivers
    today: date
    header: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many records carry each verdict, all six named."""
        found = Counter(record.verdict for record in self.records)
        return {verdict.value: found.get(verdict, 0) for verdict in Verdict}

    @property
    def violations(self) -> list[Record]:
        """What stops a deployment: mandatory FAILs, and every ERROR."""
        return [
            record
            for record in self.records
            if record.verdict is Verdict.ERROR
            or (record.verdict is Verdict.FAIL and self.is_mandatory(record))
        ]

    @property
    def open_unknowns(self) -> list[Record]:
        """UNKNOWNs of mandatory controls that the waiver file does not expect."""
        return [
            record
            for record in self.records
            if record.verdict is Verdict.UNKNOWN
            and self.is_mandatory(record)
            and not self.waivers.expects(record)
        ]

    @property
    def is_clean(self) -> bool:
        """Whether the exit code is 0."""
        return not (self.violations or self.open_unknowns or self.problems)

    def is_mandatory(self, record: Record) -> bool:
        """Whether a FAIL of this control stops the engine; waiver findings always do."""
        control = self.controls.get(record.control)
        return control is None or control.level is Level.MANDATORY

    @property
    def result_hash(self) -> str:
        """SHA-256 over the canonical records: same program, same rules, same hash."""
        content = json.dumps(
            [asdict(record) for record in self.records], sort_keys=True, separators=(",", ":")
        )
        return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"

    def by_control(self) -> dict[str, list[Record]]:
        """The records of each control, in catalogue order, waiver findings last."""
        grouped: dict[str, list[Record]] = {control: [] for control in self.controls}
        for record in self.records:
            grouped.setdefault(record.control, []).append(record)
        return {control: found for control, found in grouped.items() if found}


def build(
    records: Iterable[Record],
    controls: Mapping[str, Control],
    waivers: Waivers,
    today: date,
    **rest: Any,
) -> Report:
    """A report of merged records."""
    return Report(merged(records), controls, waivers, today, **rest)


def as_json(report: Report) -> dict[str, Any]:
    """The full record: the header, the counts, and every verdict with its context."""
    return {
        "header": report.header
        | {"counts": report.counts, "resultHash": report.result_hash, "clean": report.is_clean},
        "problems": report.problems,
        "verdicts": [_verdict(report, record) for record in report.records],
    }


def _verdict(report: Report, record: Record) -> dict[str, Any]:
    control = report.controls.get(record.control)
    content: dict[str, Any] = {
        "control": record.control,
        "urn": record.urn,
        "verdict": record.verdict.value,
        "path": record.path,
        "found": record.found,
    }
    if control:
        content |= {"severity": control.severity.value, "title": control.title}
    if record.verdict in (Verdict.FAIL, Verdict.WAIVED, Verdict.ERROR) and control:
        content |= {"expected": record.expected or control.title, "fix": control.fix}
    if record.waiver:
        content["waiver"] = record.waiver
    if record.verdict is Verdict.UNKNOWN:
        content["expected"] = report.waivers.expects(record)
    return content


def control_as_json(control: Control) -> dict[str, Any]:
    """A control as the listing of the catalogue shows it."""
    return {
        "id": control.id,
        "title": control.title,
        "severity": control.severity,
        "kind": control.kind,
        "types": list(control.types),
        "mappings": [
            {
                "framework": c.framework,
                "requirement": c.requirement,
                "relation": c.relation,
                "sources": list(c.sources),
                "rationale": c.rationale,
                "assessorReviewed": c.assessor_reviewed,
            }
            for c in control.citations
        ],
    }
