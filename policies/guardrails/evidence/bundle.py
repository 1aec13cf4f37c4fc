"""Collecting one preview's evidence and writing it in every format."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardrails import journal as journals
from guardrails.evidence import history
from guardrails.evidence.formats import as_csv_by_framework, as_junit, as_sarif
from guardrails.evidence.oscal import as_oscal
from guardrails.evidence.site import render
from guardrails.messages import parse
from guardrails.report import Report, as_json, build
from guardrails.sources.failure import UnusableInputError
from guardrails.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from guardrails.control import Control
    from guardrails.journal import Journal
    from guardrails.waivers import Waivers

# Records the engine is told about; the others exist in the journal only.
SPOKEN = (Verdict.FAIL, Verdict.ERROR, Verdict.UNKNOWN, Verdict.WAIVED)
PREFIX = "guardrails-"
MANIFEST = "manifest.json"
SEAL = f"{MANIFEST}.minisig"
SCHEMA = Path(__file__).with_name("evidence.schema.json")
# What an auditor compares between two bundles.
MADE = ("project", "stack", "git", "packs", "resources", "controls", "started", "judgedOn")


def collect(
    events_file: Path,
    journal_file: Path,
    controls: Mapping[str, Control],
    waivers: Waivers,
    today: date,
) -> Report:
    """The report of one preview. Raises `UnusableInputError` when there is nothing to report."""
    events = _events(events_file)
    journal = _journal(journal_file)
    judged = {name for summary in journal.summaries.values() for name in summary["controls"]}
    problems = _incompleteness(events, journal)
    problems += _differences(events, journal)
    return build(
        journal.records,
        {key: control for key, control in controls.items() if key in judged} or controls,
        waivers,
        today,
        header=_header(events, journal, waivers, today, len(judged)),
        problems=problems,
    )


def write(report: Report, directory: Path) -> None:
    """Write every format; files of an earlier bundle that are not written again are removed.

    The verdicts of the run before stay as `previous.json`, for the difference.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(directory / "controls", ignore_errors=True)
    (directory / SEAL).unlink(missing_ok=True)
    history.keep_previous(directory, report)
    files = {
        "evidence.json": _json(as_json(report)),
        "evidence.schema.json": SCHEMA.read_text(encoding="utf-8"),
        "evidence.sarif": _json(as_sarif(report)),
        "evidence.oscal.json": _json(as_oscal(report)),
        "evidence.xml": as_junit(report),
        **as_csv_by_framework(report),
        **render(report, history.difference(directory, report)),
    }
    files[MANIFEST] = _json(_manifest(report, files))
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _manifest(report: Report, files: Mapping[str, str]) -> dict[str, Any]:
    """What belongs to the bundle, by SHA-256, and what made it; `sha256sum` can check the names."""
    return {
        "resultHash": report.result_hash,
        "made": {key: report.header.get(key) for key in MADE if key in report.header},
        "files": {
            name: hashlib.sha256(content.encode()).hexdigest() for name, content in files.items()
        },
    }


def _events(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        raise UnusableInputError(
            f"{path} cannot be read",
            error.strerror or "unknown reason",
            "Run `make preview` first.",
        ) from None
    except (ValueError, RecursionError):
        raise UnusableInputError(
            f"{path} is truncated or no event stream",
            "a line of it is not JSON",
            "Record the preview again; see `python -m guardrails evidence --help`.",
        ) from None
    if not events or not all(isinstance(event, dict) for event in events):
        raise UnusableInputError(
            f"{path} holds no events",
            "it is empty or of another shape",
            "Run `make preview` first.",
        )
    return events


def _journal(path: Path) -> Journal:
    if not path.exists():
        raise UnusableInputError(
            f"{path} does not exist",
            "the preview ran without a verdict journal",
            "Set GUARDRAILS_JOURNAL; see `python -m guardrails evidence --help`.",
        )
    try:
        return journals.load(path)
    except (journals.JournalError, UnicodeDecodeError) as error:
        raise UnusableInputError(
            f"{path} is no verdict journal", str(error), "Remove it and run the preview again."
        ) from None


def _incompleteness(events: list[dict[str, Any]], journal: Journal) -> list[str]:
    """Why this run does not show everything, whatever the counts are."""
    problems = [
        f"pack {pack} did not finish its analysis of the stack"
        for pack in journal.packs
        if pack not in journal.summaries
    ]
    if not journal.packs:
        problems.append("no pack wrote to the journal")
    if not any("policyAnalyzeStackSummaryEvent" in event for event in events):
        problems.append("the events hold no summary of the stack analysis")
    violated = any(_is_mandatory(event) for event in events)
    errors = [e["diagnosticEvent"] for e in events if _is_error(e)]
    # "preview failed" is how the engine ends after a violation; alone it means something broke.
    others = [e for e in errors if str(e.get("message", "")).strip() != "preview failed"]
    if others or (errors and not violated):
        problems.append("the engine reported an error, so resources may be missing")
    return problems


def _is_error(event: dict[str, Any]) -> bool:
    diagnostic = event.get("diagnosticEvent")
    return isinstance(diagnostic, dict) and diagnostic.get("severity") == "error"


def _is_mandatory(event: dict[str, Any]) -> bool:
    policy = event.get("policyEvent")
    return isinstance(policy, dict) and policy.get("enforcementLevel") == "mandatory"


def _differences(events: list[dict[str, Any]], journal: Journal) -> list[str]:
    """Verdicts that one source has and the other has not."""
    told = set()
    for event in events:
        policy = event.get("policyEvent")
        if isinstance(policy, dict) and str(policy.get("policyPackName", "")).startswith(PREFIX):
            said = parse(str(policy.get("message", "")))
            verdict = said["verdict"] if said else "UNREADABLE"
            told.add((policy.get("policyName"), policy.get("resourceUrn"), verdict))
    written = {(r.policy, r.urn, r.verdict.value) for r in journal.records if r.verdict in SPOKEN}
    problems = []
    if missing := written - told:
        problems.append(f"{len(missing)} verdicts of the journal are not in the events")
    if extra := told - written:
        problems.append(f"{len(extra)} policy events are not in the journal")
    return problems


def _header(
    events: list[dict[str, Any]], journal: Journal, waivers: Waivers, today: date, judged: int
) -> dict[str, Any]:
    summary = next(iter(journal.summaries.values()), {})
    times = [event["timestamp"] for event in events if isinstance(event.get("timestamp"), int)]
    return {
        "packs": journal.packs,
        "git": _git(),
        "project": summary.get("project", ""),
        "stack": summary.get("stack", ""),
        "source": "preview events and verdict journal",
        "resources": summary.get("resources", 0),
        "controls": judged,
        "started": times[0] if times else None,  # seconds since 1970, UTC
        "judgedOn": today.isoformat(),
        "waivers": [
            {
                "control": w.policy,
                "urn": w.urn,
                "ticket": w.ticket,
                "owner": w.owner,
                "approver": w.approver,
                "reason": w.reason,
                "compensatingControl": w.compensating_control,
                "expires": w.expires.isoformat(),
                "endsSoon": w.ends_soon(today),
            }
            for w in waivers.waivers
        ],
    }


def _git() -> dict[str, Any]:
    """Commit of the checkout and whether it has changes; empty outside of one."""
    try:
        commit = _run("git", "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_run("git", "status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {}


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed commands, no shell
        command, check=True, capture_output=True, text=True, cwd=Path.cwd()
    )
    return done.stdout.strip()
