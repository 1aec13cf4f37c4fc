"""Whether an image may be deployed: its findings against the limits and the written exceptions."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

MAX_EXCEPTION_DAYS = 90
FIELDS = frozenset({"id", "package", "reason", "owner", "expires"})
CRITICAL, HIGH = "CRITICAL", "HIGH"
GATED = (CRITICAL, HIGH)
COMPLETE = frozenset({"COMPLETE", "ACTIVE"})  # basic scan, continuous scan
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, order=True)
class ScanFinding:
    """One weakness in one package of the image."""

    id: str
    package: str
    severity: str


@dataclass(frozen=True, kw_only=True)
class ScanException:
    """A finding that is accepted until a day, with who answers for it."""

    id: str
    package: str
    reason: str
    owner: str
    expires: date

    def covers(self, finding: ScanFinding) -> bool:
        """Whether this exception is about `finding`."""
        return (self.id, self.package) == (finding.id, finding.package)


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """`problems` is empty when the image may be deployed. Counts are without the excepted."""

    critical: int
    high: int
    problems: tuple[str, ...]


def judge_image(
    status: str,
    findings: Iterable[ScanFinding],
    exceptions: Iterable[ScanException],
    *,
    high_allowed: int,
    today: date,
) -> GateResult:
    """No critical finding, few high ones, and no exception that is over or that nothing needs.

    A scan that has not ended is a failure: what was not looked at is not accepted.
    """
    all_findings, excepted = sorted(set(findings)), list(exceptions)
    valid = [each for each in excepted if each.expires >= today]
    left = [f for f in all_findings if not any(each.covers(f) for each in valid)]
    counts = Counter(finding.severity for finding in left)
    problems = [
        *([f"the scan is {status}, not complete"] if status not in COMPLETE else []),
        *_too_many(left, counts, high_allowed),
        *_idle_exceptions(excepted, all_findings, today),
    ]
    return GateResult(critical=counts[CRITICAL], high=counts[HIGH], problems=tuple(problems))


def _too_many(
    left: list[ScanFinding], counts: Mapping[str, int], high_allowed: int
) -> Iterator[str]:
    for severity, allowed in ((CRITICAL, 0), (HIGH, high_allowed)):
        if counts[severity] > allowed:
            named = ", ".join(f"{f.id} in {f.package}" for f in left if f.severity == severity)
            yield f"{counts[severity]} {severity} findings, {allowed} allowed: {named}"


def _idle_exceptions(
    exceptions: list[ScanException], findings: list[ScanFinding], today: date
) -> Iterator[str]:
    for each in exceptions:
        if each.expires < today:
            yield f"exception {each.id} of {each.owner} expired on {each.expires}"
        elif not any(each.covers(finding) for finding in findings):
            yield f"exception {each.id} for {each.package} matches no finding; take it out"


def read_exceptions(document: Any, today: date) -> list[ScanException]:
    """Exceptions from the parsed file. Raises ValueError that names every malformed entry."""
    entries = document.get("exceptions") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise TypeError("scan exceptions: the file must hold a list under `exceptions`")
    problems = [
        f"entry {number}: {problem}"
        for number, entry in enumerate(entries, start=1)
        for problem in _malformed(entry, today)
    ]
    if problems:
        raise ValueError("scan exceptions: " + "; ".join(problems))
    return [ScanException(**entry) for entry in entries]


def _malformed(entry: Any, today: date) -> Iterator[str]:
    if not isinstance(entry, dict) or set(entry) != FIELDS:
        yield f"must have exactly {', '.join(sorted(FIELDS))}"
        return
    for name in sorted(FIELDS - {"expires"}):
        if not isinstance(entry[name], str) or not entry[name].strip():
            yield f"{name} must be a text"
    expires = entry["expires"]
    if type(expires) is not date:
        yield "expires must be a date, YYYY-MM-DD"
    elif expires > today + timedelta(days=MAX_EXCEPTION_DAYS):
        yield f"expires must lie within {MAX_EXCEPTION_DAYS} days"


def read_findings(answer: Mapping[str, Any]) -> tuple[str, list[ScanFinding]]:
    """Status and findings in ECR's `DescribeImageScanFindings`, basic or enhanced."""
    status = answer.get("imageScanStatus", {}).get("status", "MISSING")
    scan = answer.get("imageScanFindings", {})
    basic = [
        ScanFinding(
            id=each["name"],
            package=_attribute(each, "package_name"),
            severity=each["severity"],
        )
        for each in scan.get("findings", ())
    ]
    enhanced = [
        ScanFinding(
            id=each.get("packageVulnerabilityDetails", {}).get("vulnerabilityId", each["title"]),
            package=_package(each),
            severity=each["severity"],
        )
        for each in scan.get("enhancedFindings", ())
        if each.get("status", "ACTIVE") == "ACTIVE"
    ]
    return status, [*basic, *enhanced]


def _attribute(finding: Mapping[str, Any], key: str) -> str:
    found = (a["value"] for a in finding.get("attributes", ()) if a["key"] == key)
    return str(next(found, "unknown"))


def _package(finding: Mapping[str, Any]) -> str:
    packages = finding.get("packageVulnerabilityDetails", {}).get("vulnerablePackages", ())
    return str(packages[0]["name"]) if packages else "unknown"


def is_digest(text: str) -> bool:
    """Whether `text` names one image for ever; a tag does not."""
    return DIGEST.fullmatch(text) is not None
