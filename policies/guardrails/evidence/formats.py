"""SARIF, JUnit and CSV: the same records for other tools."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from guardrails.frameworks import FRAMEWORKS
from guardrails.messages import WHOLE_RESOURCE, printable
from guardrails.verdicts import Record, Severity, Verdict

if TYPE_CHECKING:
    from guardrails.control import Control
    from guardrails.report import Report

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SARIF_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
SARIF_KINDS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.WAIVED: "fail",
    Verdict.UNKNOWN: "open",
    Verdict.NOT_APPLICABLE: "notApplicable",
}


def as_sarif(report: Report) -> dict[str, Any]:
    """One SARIF 2.1.0 run; ERRORs are notifications of the tool, not results."""
    errors = [record for record in report.records if record.verdict is Verdict.ERROR]
    results = [_result(report, r) for r in report.records if r.verdict is not Verdict.ERROR]
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "guardrails",
                        "rules": [_rule(control) for control in report.controls.values()],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not errors and not report.problems,
                        "toolExecutionNotifications": [
                            {
                                "level": "error",
                                "message": {"text": f"{r.control}: {r.found}"},
                                "locations": [_location(r)],
                            }
                            for r in errors
                        ],
                    }
                ],
                "results": results,
                "properties": report.header | {"resultHash": report.result_hash},
            }
        ],
    }


def _rule(control: Control) -> dict[str, Any]:
    return {
        "id": control.id,
        "shortDescription": {"text": control.title},
        "fullDescription": {"text": control.why},
        "help": {"text": control.fix},
        "helpUri": control.page,
        "properties": {
            "severity": control.severity.value,
            "mappings": [
                f"{FRAMEWORKS[c.framework].tag}:{c.requirement} ({c.relation})"
                for c in control.citations
            ],
        },
    }


def _result(report: Report, record: Record) -> dict[str, Any]:
    control = report.controls.get(record.control)
    kind = SARIF_KINDS[record.verdict]
    severity = control.severity if control else Severity.HIGH
    result: dict[str, Any] = {
        "ruleId": record.control,
        "kind": kind,
        "level": SARIF_LEVELS[severity] if kind == "fail" else "none",
        "message": {"text": _sentence(record)},
        "locations": [_location(record)],
    }
    if record.verdict is Verdict.WAIVED:
        result["suppressions"] = [{"kind": "external", "justification": record.waiver}]
    return result


def _sentence(record: Record) -> str:
    found = record.found or record.verdict.value.lower().replace("_", " ")
    return f"{record.path or WHOLE_RESOURCE}: {found}"


def _location(record: Record) -> dict[str, Any]:
    return {"logicalLocations": [{"fullyQualifiedName": record.urn or "(stack)"}]}


def as_junit(report: Report) -> str:
    """A suite per family, a case per control and resource."""
    suites = ET.Element("testsuites", name="guardrails")
    families: dict[str, list[Record]] = {}
    for record in report.records:
        families.setdefault(record.control.partition("-")[0], []).append(record)
    for family, records in families.items():
        suite = ET.SubElement(suites, "testsuite", name=family)
        totals = {"failure": 0, "error": 0, "skipped": 0}
        for record in records:
            name = printable(record.urn)
            case = ET.SubElement(suite, "testcase", classname=record.control, name=name)
            if outcome := _outcome(report, record):
                ET.SubElement(case, outcome, message=printable(_sentence(record)))
                totals[outcome] += 1
        suite.set("tests", str(len(records)))
        suite.set("failures", str(totals["failure"]))
        suite.set("errors", str(totals["error"]))
        suite.set("skipped", str(totals["skipped"]))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, "unicode") + "\n"


def _outcome(report: Report, record: Record) -> str | None:
    match record.verdict:
        case Verdict.PASS:
            return None
        case Verdict.ERROR:
            return "error"
        case Verdict.FAIL:
            return "failure"
        case Verdict.UNKNOWN:
            return "failure" if record in report.open_unknowns else "skipped"
        case _:
            return "skipped"


def as_csv_by_framework(report: Report) -> dict[str, str]:
    """File name to content: all requirements, and those of each framework by themselves."""
    whole = {"evidence.csv": as_csv(report, None)}
    return whole | {f"evidence-{key}.csv": as_csv(report, key) for key in FRAMEWORKS}


def as_csv(report: Report, framework: str | None) -> str:
    """One row per control, resource and requirement; of one framework, or of all."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        ["control", "severity", "urn", "verdict", "path", "found", "framework", "requirement",
         "relation", "waiver"]
    )  # fmt: skip
    for record in report.records:
        control = report.controls.get(record.control)
        own = [record.urn, record.verdict, record.path, record.found]
        citations = control.citations if control else ()
        for citation in citations:
            if framework not in (None, citation.framework):
                continue
            cited = [citation.framework, citation.requirement, citation.relation]
            severity = control.severity if control else ""
            rows.writerow([record.control, severity, *own, *cited, record.waiver])
        if not citations:
            rows.writerow([record.control, "", *own, "", "", "", record.waiver])
    return text.getvalue()
