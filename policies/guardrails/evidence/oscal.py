"""OSCAL assessment results: the same records for tools of governance and audit.

https://pages.nist.gov/OSCAL-Reference/models/latest/assessment-results/json-outline/
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from guardrails.evidence.requirements import Requirement, Status, requirements
from guardrails.frameworks import FRAMEWORKS
from guardrails.messages import WHOLE_RESOURCE
from guardrails.verdicts import Record, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardrails.report import Report

OSCAL_VERSION: Final = "1.2.1"
# Identifiers are made from what they name, so that the same run gives the same file.
SPACE: Final = UUID("7f1d8a52-6a55-4a3a-9d57-2c7f4be0a1c3")
PROPERTIES: Final = "urn:guardrails:oscal"
# Nothing was judged that would say anything about these.
NOT_ASSESSED: Final = (Status.NOT_APPLICABLE, Status.NOT_ESTABLISHABLE)
REMARKS: Final = {
    Status.FAIL: "A control that is mapped to the requirement fails.",
    Status.UNKNOWN: "A control that is mapped to the requirement is undecided before deployment.",
    Status.WAIVED: "A failure is waived for a time; the waiver is in the evidence.",
    Status.EVIDENCE_DIRECT: "Every control that was judged passes, at least one of them directly.",
    Status.EVIDENCE_SUPPORTING: "Supporting evidence only; whether it suffices is for an assessor.",
}


def as_oscal(report: Report) -> dict[str, Any]:
    """One result: an observation per control and resource, a finding per requirement."""
    moment = _moment(report)
    by_framework = requirements(report)
    name = f"{report.header.get('project', '')} {report.header.get('stack', '')}".strip()
    result = {
        "uuid": _id("result", report.result_hash),
        "title": f"Infrastructure of {name or 'the program'} before deployment",
        "description": "Verdicts of the policy controls about every resource the program declares.",
        "start": moment,
        "end": moment,
        "props": [_property("result-hash", report.result_hash)],
        "local-definitions": {"inventory-items": _inventory(report.records)},
        "reviewed-controls": {"control-selections": list(_selections(by_framework))},
        "observations": [_observation(record, moment) for record in report.records],
        "findings": [
            _finding(requirement, report)
            for found in by_framework.values()
            for requirement in found
            if requirement.status not in NOT_ASSESSED
        ],
    }
    return {
        "assessment-results": {
            "uuid": _id("document", report.result_hash),
            "metadata": {
                "title": f"Policy evidence: {name or 'program'}",
                "last-modified": moment,
                "version": report.result_hash.removeprefix("sha256:")[:16],
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {
                "href": "index.html",
                "remarks": "The plan is the catalogue of controls, one page each beside this file.",
            },
            "results": [{key: value for key, value in result.items() if value}],
        }
    }


def _id(*parts: str) -> str:
    return str(uuid5(SPACE, "\n".join(parts)))


def _moment(report: Report) -> str:
    """When the run started, else the day it was judged on."""
    started = report.header.get("started")
    if isinstance(started, int | float):
        return datetime.fromtimestamp(started, UTC).isoformat()
    return datetime(report.today.year, report.today.month, report.today.day, tzinfo=UTC).isoformat()


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value, "ns": PROPERTIES}


def _inventory(records: Iterable[Record]) -> list[dict[str, Any]]:
    urns = dict.fromkeys(record.urn for record in records)
    return [{"uuid": _id("resource", urn), "description": urn or "the whole stack"} for urn in urns]


def _observation(record: Record, moment: str) -> dict[str, Any]:
    found = record.found or record.verdict.value.lower().replace("_", " ")
    properties = [_property("control", record.control), _property("verdict", record.verdict.value)]
    if record.waiver:
        properties.append(_property("waiver", record.waiver))
    return {
        "uuid": _id("observation", record.control, record.urn),
        "title": f"{record.control}: {record.verdict.value}",
        "description": f"{record.path or WHOLE_RESOURCE}: {found}",
        "props": properties,
        "methods": ["TEST"],
        "types": ["finding" if record.verdict is Verdict.FAIL else "control-objective"],
        "subjects": [{"subject-uuid": _id("resource", record.urn), "type": "inventory-item"}],
        "collected": moment,
    }


def identifier(requirement: Requirement) -> str:
    """The requirement as an OSCAL token: letters, digits, dots and dashes, a letter first."""
    raw = f"{FRAMEWORKS[requirement.framework].tag}-{requirement.id}"
    return re.sub(r"[^A-Za-z0-9.]+", "-", raw).strip("-")


def _selections(by_framework: dict[str, list[Requirement]]) -> Iterable[dict[str, Any]]:
    """What was assessed; what code cannot establish is named as excluded."""
    for key, found in by_framework.items():
        assessed = [r for r in found if r.status not in NOT_ASSESSED]
        other = [r for r in found if r.status in NOT_ASSESSED]
        if not assessed:
            continue
        selection: dict[str, Any] = {
            "description": f"{FRAMEWORKS[key].reference}: requirements that controls speak about",
            "include-controls": [{"control-id": identifier(r)} for r in assessed],
        }
        if other:
            selection["exclude-controls"] = [{"control-id": identifier(r)} for r in other]
            selection["remarks"] = (
                "Excluded ones are not assessed: code cannot show them, or nothing was judged."
            )
        yield selection


def _finding(requirement: Requirement, report: Report) -> dict[str, Any]:
    status = requirement.status
    cited = {control.id for control, _ in requirement.cited}
    related = [
        {"observation-uuid": _id("observation", record.control, record.urn)}
        for record in report.records
        if record.control in cited and record.verdict is not Verdict.NOT_APPLICABLE
    ]
    framework = FRAMEWORKS[requirement.framework]
    satisfied = status is Status.EVIDENCE_DIRECT
    return {
        "uuid": _id("finding", requirement.framework, requirement.id),
        "title": f"{framework.name} {requirement.id}",
        "description": f"Status {status.value}, from {', '.join(sorted(cited))}.",
        "target": {
            "type": "objective-id",
            "target-id": identifier(requirement),
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": _reason(status),
                "remarks": REMARKS[status],
            },
        },
        "related-observations": related,
    }


def _reason(status: Status) -> str:
    """`pass` and `fail` are OSCAL's words; `other` is explained in the remarks."""
    known = {Status.EVIDENCE_DIRECT: "pass", Status.FAIL: "fail"}
    return known.get(status, "other")
