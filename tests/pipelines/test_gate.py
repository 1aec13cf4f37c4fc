"""Which images may be deployed."""

from datetime import date, timedelta
from typing import Any

import pytest

from delivery.ops.gate import (
    ScanException,
    ScanFinding,
    is_digest,
    judge_image,
    read_exceptions,
    read_findings,
)

TODAY = date(2026, 1, 31)
CRITICAL = ScanFinding("CVE-1", "openssl", "CRITICAL")
HIGH = ScanFinding("CVE-2", "zlib", "HIGH")
LOW = ScanFinding("CVE-3", "bash", "LOW")


def excepted(finding: ScanFinding, days: int = 30) -> ScanException:
    return ScanException(
        id=finding.id,
        package=finding.package,
        reason="not reachable",
        owner="platform",
        expires=TODAY + timedelta(days=days),
    )


def problems(
    findings: list[ScanFinding],
    exceptions: list[ScanException] | None = None,
    *,
    status: str = "COMPLETE",
    high_allowed: int = 0,
) -> str:
    result = judge_image(status, findings, exceptions or [], high_allowed=high_allowed, today=TODAY)
    return "; ".join(result.problems)


@pytest.mark.parametrize("status", ["COMPLETE", "ACTIVE"])
def test_a_scanned_image_without_grave_findings_passes(status: str) -> None:
    assert problems([LOW], status=status) == ""


@pytest.mark.parametrize("status", ["IN_PROGRESS", "FAILED", "MISSING", "UNSUPPORTED_IMAGE"])
def test_a_scan_that_is_not_complete_is_a_failure(status: str) -> None:
    assert status in problems([], status=status)


def test_critical_and_high_findings_are_named() -> None:
    assert "CVE-1 in openssl" in problems([CRITICAL])
    assert "CVE-2 in zlib" in problems([HIGH])
    assert problems([HIGH], high_allowed=1) == ""
    assert problems([CRITICAL], high_allowed=5)


def test_a_finding_counts_once() -> None:
    assert problems([HIGH, HIGH], high_allowed=1) == ""


def test_an_exception_holds_for_its_finding_until_its_last_day() -> None:
    assert problems([CRITICAL], [excepted(CRITICAL)]) == ""
    assert problems([CRITICAL], [excepted(CRITICAL, days=0)]) == ""
    assert "expired" in problems([CRITICAL], [excepted(CRITICAL, days=-1)])
    assert "CVE-1" in problems([CRITICAL], [excepted(CRITICAL, days=-1)])


def test_an_exception_for_another_package_covers_nothing() -> None:
    other = ScanFinding("CVE-1", "libressl", "CRITICAL")

    assert "CVE-1 in openssl" in problems([CRITICAL], [excepted(other)])


def test_an_exception_that_nothing_needs_has_to_go() -> None:
    assert "matches no finding" in problems([], [excepted(HIGH)])


# --- The file ------------------------------------------------------------------------------------

ENTRY = {
    "id": "CVE-1",
    "package": "openssl",
    "reason": "not reachable",
    "owner": "platform",
    "expires": TODAY + timedelta(days=90),
}


def test_a_right_entry_is_read() -> None:
    (found,) = read_exceptions({"exceptions": [ENTRY]}, TODAY)

    assert found.covers(CRITICAL)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expires": TODAY + timedelta(days=91)}, "within 90 days"),
        ({"expires": "2026-02-01"}, "must be a date"),
        ({"reason": " "}, "reason must be a text"),
        ({"owner": 7}, "owner must be a text"),
        ({"extra": "x"}, "exactly"),
    ],
    ids=["too long", "text", "empty", "number", "unknown key"],
)
def test_a_malformed_entry_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        read_exceptions({"exceptions": [ENTRY, {**ENTRY, **change}]}, TODAY)

    assert "entry 2" in str(caught.value)


@pytest.mark.parametrize("document", [None, [], {}, {"exceptions": {}}, "x"])
def test_a_file_without_a_list_is_refused(document: Any) -> None:
    with pytest.raises(TypeError, match="list under"):
        read_exceptions(document, TODAY)


def test_an_empty_list_is_right() -> None:
    assert read_exceptions({"exceptions": []}, TODAY) == []


# --- ECR's answers -------------------------------------------------------------------------------


def test_a_basic_scan_is_read() -> None:
    answer = {
        "imageScanStatus": {"status": "COMPLETE"},
        "imageScanFindings": {
            "findings": [
                {
                    "name": "CVE-1",
                    "severity": "CRITICAL",
                    "attributes": [{"key": "package_name", "value": "openssl"}],
                }
            ]
        },
    }

    assert read_findings(answer) == ("COMPLETE", [CRITICAL])


def test_a_continuous_scan_is_read_without_what_is_closed() -> None:
    def found(status: str) -> dict[str, Any]:
        return {
            "title": "CVE-2 - zlib",
            "status": status,
            "severity": "HIGH",
            "packageVulnerabilityDetails": {
                "vulnerabilityId": "CVE-2",
                "vulnerablePackages": [{"name": "zlib"}],
            },
        }

    answer = {
        "imageScanStatus": {"status": "ACTIVE"},
        "imageScanFindings": {"enhancedFindings": [found("ACTIVE"), found("SUPPRESSED")]},
    }

    assert read_findings(answer) == ("ACTIVE", [HIGH])


def test_an_image_nobody_scanned_has_no_status() -> None:
    assert read_findings({}) == ("MISSING", [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sha256:" + "a" * 64, True),
        ("sha256:" + "A" * 64, False),
        ("sha256:" + "a" * 63, False),
        ("latest", False),
        ("none", False),
        ("", False),
    ],
)
def test_only_a_digest_names_an_image_for_ever(text: str, *, expected: bool) -> None:
    assert is_digest(text) is expected
