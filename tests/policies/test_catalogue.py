"""Every control against its own two programs, on a stack in which nothing has an identifier yet."""

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from guardrails.control import Control
from guardrails.registry import registry
from guardrails.verdicts import Record, Verdict, merged

CONTROLS = list(registry().values())


@pytest.fixture(params=CONTROLS, ids=lambda control: control.id)
def control(request: pytest.FixtureRequest) -> Control:
    return request.param


def verdicts(control: Control, records: list[Record]) -> set[Verdict]:
    return {record.verdict for record in merged(records) if record.control == control.id}


@cache
def passing_program(harness: Any, control: Control) -> list[Any]:
    return harness.record(control.passing)


def judged(harness: Any, control: Control, resources: list[Any]) -> set[Verdict]:
    return verdicts(control, harness.Bench([control]).run(resources))


def test_the_remediation_passes(control: Control, harness: Any) -> None:
    found = judged(harness, control, harness.record(control.passing))

    assert Verdict.PASS in found
    assert found <= {Verdict.PASS, Verdict.NOT_APPLICABLE}


def test_the_program_before_the_fix_fails(control: Control, harness: Any) -> None:
    assert Verdict.FAIL in judged(harness, control, harness.record(control.failing))
