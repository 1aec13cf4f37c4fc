"""Every control against its own two programs, on a stack in which nothing has an identifier yet,
and against every way its inputs can be unknown, secret or of a wrong type."""

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from guardrails.control import Control, Source
from guardrails.controls.coverage import AUXILIARY
from guardrails.controls.coverage import judged as judged_types
from guardrails.frameworks import FRAMEWORKS, Relation, limits
from guardrails.pages import control_page, index_page
from guardrails.registry import registry
from guardrails.verdicts import Record, Verdict, merged

CONTROLS = list(registry().values())
PAGES = Path(__file__).parents[2] / "docs" / "controls"
DECIDED = {Verdict.PASS, Verdict.NOT_APPLICABLE}
WRONG = (7.0, "text", [7.0], {"other": 7.0}, True)
# Controls whose statement holds whatever an input turns out to be, and why.
NEVER_UNKNOWN = {
    "ACC-09": "looks at resource options only",
    "ACC-10": "looks at resource types only",
    "CF-04": "asks whether a web ACL is named at all",
    "CF-05": "asks whether a log target is named at all",
    "CT-04": "asks whether a key is named at all",
    "CT-05": "asks for a name, and follows the dependency graph",
    "CW-06": "asks whether an alarm refers to the resource",
    "ECS-12": "compares who the two roles are, along the dependency graph",
    "LB-10": "asks whether rules name a prefix list or a header at all",
    "S3-05": "asks whether a log bucket is named at all",
    "SEC-01": "asks whether a key is named at all",
    "SEC-05": "looks for literals, and what is unknown is none",
}
NEVER_WRONG = {
    "ACC-09": "reads no property",
    "ACC-10": "reads no property",
    "CW-06": "reads no property, only who refers to whom",
    "SEC-05": "reads text wherever it stands, and other types hold none",
}


@pytest.fixture(params=CONTROLS, ids=lambda control: control.id)
def control(request: pytest.FixtureRequest) -> Control:
    return request.param


@cache
def program(harness: Any, source: str) -> tuple[Any, ...]:
    return tuple(harness.record(source))


def verdicts(control: Control, records: list[Record]) -> set[Verdict]:
    return {record.verdict for record in merged(records) if record.control == control.id}


def judged(harness: Any, control: Control, resources: Any) -> set[Verdict]:
    return verdicts(control, harness.Bench([control]).run(list(resources)))


def mutations(resources: tuple[Any, ...], value: Any) -> Any:
    """Each program in which one property of one resource became `value(old)`."""
    for index, resource in enumerate(resources):
        for key, old in resource.props.items():
            changed = replace(resource, props=resource.props | {key: value(old)})
            yield [*resources[:index], changed, *resources[index + 1 :]]


def test_the_remediation_passes(control: Control, harness: Any) -> None:
    found = judged(harness, control, program(harness, control.passing))

    assert Verdict.PASS in found
    assert found <= DECIDED


def test_the_program_before_the_fix_fails(control: Control, harness: Any) -> None:
    assert Verdict.FAIL in judged(harness, control, program(harness, control.failing))


def failures(harness: Any, source: str) -> set[tuple[str, str]]:
    """Control and resource name of everything the whole catalogue objects to in a program."""
    records = merged(harness.Bench(CONTROLS).run(list(program(harness, source))))
    assert not [record for record in records if record.verdict is Verdict.ERROR]
    failed = (record for record in records if record.verdict is Verdict.FAIL)
    return {(record.control, record.urn.rpartition("::")[2]) for record in failed}


def test_the_remediation_breaks_no_other_control(control: Control, harness: Any) -> None:
    """The examples are minimal, so other controls object to both; the fix adds no objection."""
    assert failures(harness, control.passing) <= failures(harness, control.failing)


def test_an_unknown_input_is_never_a_violation_and_never_a_silent_pass(
    control: Control, harness: Any
) -> None:
    resources = program(harness, control.passing)
    found = [
        judged(harness, control, changed)
        for changed in mutations(resources, lambda _: harness.UNKNOWN)
    ]

    assert not any(verdict & {Verdict.FAIL, Verdict.ERROR} for verdict in found)
    assert any(Verdict.UNKNOWN in verdict for verdict in found) is (control.id not in NEVER_UNKNOWN)


def test_an_input_of_a_wrong_type_never_crashes_the_check(control: Control, harness: Any) -> None:
    resources = program(harness, control.passing)
    found = [
        judged(harness, control, changed)
        for wrong in WRONG
        for changed in mutations(resources, lambda _, wrong=wrong: wrong)
    ]

    assert not any(Verdict.ERROR in verdict for verdict in found)
    assert any(Verdict.FAIL in verdict for verdict in found) is (control.id not in NEVER_WRONG)


def test_a_secret_input_is_judged_like_any_other(control: Control, harness: Any) -> None:
    resources = program(harness, control.passing)
    for changed in mutations(resources, lambda old: harness.SECRET | {"value": old}):
        assert judged(harness, control, changed) == judged(harness, control, resources)


def test_a_stack_without_its_types_is_not_applicable(control: Control, harness: Any) -> None:
    bench = harness.Bench([control])

    records = bench.run([])

    assert [record.verdict for record in records] == [Verdict.NOT_APPLICABLE]
    assert records[0].found


def test_its_page_is_the_generated_one(control: Control) -> None:
    page = PAGES / f"{control.id}.md"

    assert page.read_text(encoding="utf-8") == control_page(control), (
        "run: python -m guardrails controls --pages docs/controls"
    )


def test_no_page_is_left_of_a_control_that_is_gone() -> None:
    assert {p.stem for p in PAGES.glob("*-*.md")} == set(registry())
    assert (PAGES / "README.md").read_text(encoding="utf-8") == index_page(CONTROLS)


def test_every_mapping_has_a_reason_and_a_source(control: Control) -> None:
    assert control.citations
    for citation in control.citations:
        assert len(citation.rationale.split()) > 2
        assert citation.sources
        assert Source.JUDGEMENT not in citation.sources or len(citation.sources) == 1
    cited = [(c.framework, c.requirement) for c in control.citations]
    assert len(set(cited)) == len(cited)
    assert len(control.requirements("pci")) <= 5  # breadth makes a report useless


def test_no_mapping_claims_what_code_cannot_establish(control: Control) -> None:
    for citation in control.citations:
        whole = [
            limit
            for limit in limits()
            if limit.whole and limit.covers(citation.framework, citation.requirement)
        ]
        assert not whole or citation.relation is Relation.SUPPORTING


def test_no_type_is_called_auxiliary_that_a_control_judges() -> None:
    assert not AUXILIARY & judged_types()


def test_policy_names_are_unique() -> None:
    names = [name for c in CONTROLS for name in {c.policy, c.stack_policy}]

    assert len(set(names)) == len(names)


def test_the_catalogue_is_whole() -> None:
    severities = Counter(control.severity.value for control in CONTROLS)

    assert len(CONTROLS) == 133
    assert severities == {"critical": 23, "high": 61, "medium": 40, "low": 9}
    assert sum(1 for control in CONTROLS if control.join) == 64  # look at several resources
    kinds = Counter(control.kind.value for control in CONTROLS)
    assert kinds == {"resource": 69, "stack": 43, "both": 21}


def test_every_framework_has_a_pack_of_its_own() -> None:
    policies = Path(__file__).parents[2] / "policies"

    for name in (*FRAMEWORKS, "all"):
        assert (policies / name / "PulumiPolicy.yaml").exists()
        assert (policies / name / "__main__.py").exists()
