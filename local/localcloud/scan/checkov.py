"""Checkov as a process: it reads a plan document, and answers which checks passed and failed."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcloud.failure import LocalCloudError
from localcloud.paths import CHECKOUT, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localcloud.scan.accepted import Accepted

ENVIRONMENT = CHECKOUT / ".venv-scan" / "bin"
PLAN = "plan.json"
TIMEOUT_SECONDS = 300
OFFLINE = ("--skip-download", "--download-external-modules", "false")


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """A check that failed on a resource."""

    check: str
    resource: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """`passed` maps a check to the resources it passed on."""

    passed: Mapping[str, frozenset[str]]
    findings: Sequence[Finding]

    def unexplained(self, accepted: Sequence[Accepted]) -> list[Finding]:
        """Findings that nobody gave a reason for."""
        return [
            each
            for each in self.findings
            if not any(known.covers(each.check, each.resource) for known in accepted)
        ]

    def unused(self, accepted: Sequence[Accepted]) -> list[Accepted]:
        """Reasons for what the scanner no longer finds."""
        return [
            known
            for known in accepted
            if not any(known.covers(each.check, each.resource) for each in self.findings)
        ]


def scan(plan: Mapping[str, Any], directory: Path) -> Report:
    """Write the plan into `directory` and have it read. Raises `LocalCloudError` with a remedy."""
    executable = ENVIRONMENT / "checkov"
    if not executable.exists():
        raise LocalCloudError(
            "The scanner is not installed.",
            why=f"{shown(executable)} does not exist",
            remedy="make .venv-scan/.complete",
        )
    document = directory / PLAN
    document.write_text(json.dumps(plan, indent=1))
    command = [str(executable), "--file", str(document), "--framework", "terraform_plan"]
    done = subprocess.run(  # noqa: S603 - the pinned scanner, arguments as a list
        [*command, "--output", "json", "--soft-fail", *OFFLINE],
        env=os.environ | {"CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false", "LOG_LEVEL": "ERROR"},
        cwd=directory,
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode:
        raise LocalCloudError(
            "The scanner failed.", why=done.stderr[-2000:], remedy=f"look at {shown(document)}"
        )
    return read_report(json.loads(done.stdout))


def read_report(answer: Mapping[str, Any]) -> Report:
    """A report from the scanner's JSON. Raises `LocalCloudError` when it read no plan."""
    summary = answer.get("summary", answer)
    if summary.get("parsing_errors") or not summary.get("resource_count"):
        raise LocalCloudError(
            "The scanner did not read the plan.",
            why=json.dumps(summary),
            remedy="mend localcloud/scan/terraform_plan.py",
        )
    results = answer["results"]
    passed: dict[str, set[str]] = {}
    for each in results["passed_checks"]:
        passed.setdefault(each["check_id"], set()).add(each["resource"])
    return Report(
        passed={check: frozenset(resources) for check, resources in passed.items()},
        findings=sorted(
            Finding(check=each["check_id"], resource=each["resource"], says=each["check_name"])
            for each in results["failed_checks"]
        ),
    )
