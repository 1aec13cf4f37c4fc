"""The waiver file: what is refused, when it ends, and what it covers."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import waivers
from guardrails.registry import registry
from guardrails.verdicts import Record, Severity, Verdict

CONTROLS = registry()
URN = "urn:pulumi:staging::app::aws:dynamodb/table:Table::ledger"
TODAY = date(2026, 11, 24)
DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1))
FAIL = Record(control="DDB-01", policy="ddb-01", urn=URN, verdict=Verdict.FAIL)
ENTRY = {
    "policy": "DDB-01",
    "urn": "urn:pulumi:staging::*::*aws:dynamodb/table:Table::ledger",
    "stacks": ["staging"],
    "reason": "The table holds only data that can be computed again.",
    "owner": "platform-team",
    "approver": "security-lead",
    "ticket": "SEC-12",
    "compensating_control": "The source is kept.",
    "created": TODAY,
    "expires": TODAY + timedelta(days=30),
}


def parsed(**changes: Any) -> waivers.Waivers:
    return waivers.parse({"waivers": [ENTRY | changes]}, CONTROLS)


def applied(file: waivers.Waivers, today: date, record: Record = FAIL) -> Verdict:
    return file.apply([record], "staging", today)[0].verdict


@given(DAYS, st.integers(0, 90), DAYS)
def test_a_waiver_counts_through_its_last_day_and_not_after(
    created: date, days: int, today: date
) -> None:
    file = parsed(created=created, expires=created + timedelta(days=days))

    expected = Verdict.WAIVED if today <= created + timedelta(days=days) else Verdict.FAIL
    assert applied(file, today) is expected


@given(st.sampled_from(sorted(CONTROLS)), st.integers(-5, 400))
def test_a_term_longer_than_the_severity_allows_is_malformed(control: str, days: int) -> None:
    file = parsed(policy=control, expires=TODAY + timedelta(days=days))

    longest = waivers.MAXIMUM_DAYS[CONTROLS[control].severity]
    assert bool(file.malformed) is not (0 <= days <= longest)
    assert bool(file.waivers) is (0 <= days <= longest)


def test_critical_and_high_end_sooner_than_medium_and_low() -> None:
    assert waivers.MAXIMUM_DAYS[Severity.CRITICAL] == waivers.MAXIMUM_DAYS[Severity.HIGH] == 90
    assert waivers.MAXIMUM_DAYS[Severity.MEDIUM] == waivers.MAXIMUM_DAYS[Severity.LOW] == 180


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"policy": "DDB-99"}, "no control"),
        ({"policy": "*"}, "no control"),
        ({"urn": "*"}, "whole URN"),
        ({"urn": "urn:pulumi:staging::*::*::ledger"}, "resource type"),
        ({"urn": 7}, "urn is not a text"),
        ({"stacks": []}, "stacks"),
        ({"stacks": "staging"}, "stacks"),
        ({"reason": "because"}, "shorter"),
        ({"owner": ""}, "owner"),
        ({"approver": " Platform-Team "}, "the same"),
        ({"ticket": "later"}, "ticket"),
        ({"created": "2026-11-24"}, "created"),
        ({"expires": datetime(2026, 11, 25)}, "expires"),  # noqa: DTZ001 - YAML makes naive ones
        ({"expires": TODAY - timedelta(days=1)}, "before created"),
        ({"note": "x"}, "unknown fields: note"),
        ({"compensating_control": None}, "compensating_control"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_malformed_and_names_it(
    changes: dict[str, Any], why: str
) -> None:
    file = parsed(**changes)

    assert not file.waivers
    assert why in file.malformed[0].reason
    assert file.malformed[0].place == "waivers.0"


@pytest.mark.parametrize("field", sorted(ENTRY))
def test_every_field_is_required(field: str) -> None:
    entry = {key: value for key, value in ENTRY.items() if key != field}

    file = waivers.parse({"waivers": [entry]}, CONTROLS)

    assert field in file.malformed[0].reason


@pytest.mark.parametrize("raw", [[], "text", {"waiver": []}, {"waivers": {}}, {"waivers": [7]}])
def test_a_file_of_another_shape_is_malformed_not_empty(raw: Any) -> None:
    assert waivers.parse(raw, CONTROLS).malformed


def test_only_the_named_control_resource_and_stack_are_covered() -> None:
    file = parsed()

    assert applied(file, TODAY) is Verdict.WAIVED
    assert applied(file, TODAY, replace(FAIL, control="DDB-02")) is Verdict.FAIL
    assert applied(file, TODAY, replace(FAIL, urn=URN + "2")) is Verdict.FAIL
    assert file.apply([FAIL], "production", TODAY)[0].verdict is Verdict.FAIL


@pytest.mark.parametrize("verdict", [Verdict.ERROR, Verdict.UNKNOWN, Verdict.PASS])
def test_nothing_but_a_fail_is_waived(verdict: Verdict) -> None:
    assert applied(parsed(), TODAY, replace(FAIL, verdict=verdict)) is verdict


def test_an_expected_unknown_needs_control_resource_and_path() -> None:
    entry = {
        "control": "DDB-01",
        "urn": "urn:pulumi:*::*::*aws:dynamodb/table:Table::*",
        "path": "pointInTimeRecovery.*",
        "reason": "computed",
    }
    file = waivers.parse({"expected_unknown": [entry]}, CONTROLS)
    gap = replace(FAIL, verdict=Verdict.UNKNOWN, path="pointInTimeRecovery.enabled")

    assert not file.malformed
    assert file.expects(gap)
    assert not file.expects(replace(gap, path="serverSideEncryption"))
    assert not file.expects(replace(gap, control="DDB-02"))


def test_an_unreadable_file_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text("waivers: [")

    file = waivers.load(path, CONTROLS)

    assert file.malformed[0].place == "(file)"
    findings = file.findings([], "staging", "urn", TODAY, set(CONTROLS))
    assert [f.control for f in findings] == ["waiver-malformed"]


def test_a_waiver_of_another_program_is_not_called_unused_by_this_one() -> None:
    file = parsed(urn="urn:pulumi:*::shop::*aws:dynamodb/table:Table::ledger")
    stack = "urn:pulumi:staging::{}::pulumi:pulumi:Stack::x"

    def unused(project: str) -> list[str]:
        found = file.findings([], "staging", stack.format(project), TODAY, set(CONTROLS))
        return [each.control for each in found]

    assert unused("shop") == ["waiver-unused"]
    assert unused("shop-pipelines") == []


def test_a_waiver_that_ends_soon_says_so() -> None:
    (entry,) = parsed(expires=TODAY + timedelta(days=14)).waivers

    assert entry.ends_soon(TODAY)
    assert not entry.ends_soon(TODAY - timedelta(days=1))


def test_the_file_of_this_repository_is_well_formed() -> None:
    file = waivers.load(waivers.default_path(), CONTROLS)

    assert waivers.default_path().exists()
    assert not file.malformed
