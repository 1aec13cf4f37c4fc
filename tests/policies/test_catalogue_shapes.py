"""Every control on its own programs in their other shapes: twin tokens, inline and split."""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import policy_shapes as shapes
import pytest

from guardrails.control import Control
from guardrails.registry import registry
from guardrails.verdicts import Verdict, merged

CONTROLS = list(registry().values())
SHAPES = (*shapes.FOLDS, *shapes.UNFOLDS)
THE_SHAPE_ITSELF = {"VPC-13"}  # judges that the two shapes are not mixed
EVERYONE = {
    "test_the_remediation_passes",
    "test_the_program_before_the_fix_fails",
    "test_the_remediation_breaks_no_other_control",
    "test_an_unknown_input_is_never_a_violation_and_never_a_silent_pass",
    "test_an_input_of_a_wrong_type_never_crashes_the_check",
    "test_a_secret_input_is_judged_like_any_other",
    "test_a_stack_without_its_types_is_not_applicable",
}
TOKEN_TEST = "test_every_token_of_a_type_is_judged_alike"
SHAPE_TEST = "test_a_setting_is_judged_alike_inline_and_split"


def alb(token: str) -> str:
    return token.replace("aws:lb/", "aws:alb/")


def elbv2(token: str) -> str:
    return token.replace("aws:lb/", "aws:elasticloadbalancingv2/")


def bucket_v2(token: str) -> str:
    head, _, name = token.partition(":s3/")[2].partition(":")
    return f"aws:s3/{head}V2:{name}V2" if token.startswith("aws:s3/bucket") else token


RENAMES: dict[str, Callable[[str], str]] = {"alb": alb, "elbv2": elbv2, "V2": bucket_v2}


def has_twin(control: Control) -> bool:
    return any(rename(token) != token for rename in RENAMES.values() for token in control.types)


def snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def has_shape(control: Control) -> bool:
    """Whether the control's program declares a setting that has another shape."""
    return control.id not in THE_SHAPE_ITSELF and any(
        f".{shape.kind.rpartition(':')[2]}(" in control.passing
        or (
            f".{shape.owner.rpartition(':')[2]}(" in control.passing
            and re.search(rf"\b{snake(shape.inline)}=", control.passing)
        )
        for shape in SHAPES
    )


TWINS = [control for control in CONTROLS if has_twin(control)]
SHAPED = [control for control in CONTROLS if has_shape(control)]


@cache
def program(harness: Any, source: str) -> tuple[Any, ...]:
    return tuple(harness.record(source))


def judged(harness: Any, control: Control, resources: Any) -> set[Verdict]:
    records = harness.Bench([control]).run(list(resources))
    return {record.verdict for record in merged(records)}


@pytest.mark.parametrize("control", TWINS, ids=lambda control: control.id)
def test_every_token_of_a_type_is_judged_alike(control: Control, harness: Any) -> None:
    for source in (control.passing, control.failing):
        resources = program(harness, source)
        expected = judged(harness, control, resources)
        for rename in RENAMES.values():
            other = shapes.retokened(resources, rename, harness)
            assert judged(harness, control, other) == expected


def variants(resources: tuple[Any, ...], harness: Any) -> dict[Any, list[Any]]:
    folds = {fold: shapes.folded(resources, fold, harness) for fold in shapes.FOLDS}
    splits = {split: shapes.unfolded(resources, split, harness) for split in shapes.UNFOLDS}
    return {shape: found for shape, found in (folds | splits).items() if found is not None}


@pytest.mark.parametrize("control", SHAPED, ids=lambda control: control.id)
def test_a_setting_is_judged_alike_inline_and_split(control: Control, harness: Any) -> None:
    passing = variants(program(harness, control.passing), harness)
    failing = variants(program(harness, control.failing), harness)

    assert passing
    for changed in passing.values():
        found = judged(harness, control, changed)
        assert Verdict.PASS in found
        assert Verdict.FAIL not in found
    for changed in failing.values():
        assert Verdict.FAIL in judged(harness, control, changed)


def test_every_other_shape_is_used_by_some_control(harness: Any) -> None:
    used = {
        shape
        for control in CONTROLS
        for shape in variants(program(harness, control.passing), harness)
    }

    assert {(s.owner, s.inline) for s in used} == {(s.owner, s.inline) for s in SHAPES}


FILES = (Path(__file__), Path(__file__).with_name("test_catalogue.py"))


def collected(request: pytest.FixtureRequest) -> str:
    """The tests of both files as pytest collects them: in this session, unless it chose some."""
    here = [item.nodeid for item in request.session.items if item.path in FILES]
    if len(here) > len(EVERYONE) * len(CONTROLS):
        return "\n".join(here)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider",
         *map(str, FILES)],
        capture_output=True, text=True, check=True, timeout=120, cwd=FILES[0].parents[2],
    )  # fmt: skip
    return done.stdout


def test_no_control_lacks_a_test_of_any_kind(request: pytest.FixtureRequest) -> None:
    tests = defaultdict(set)
    for name, control in re.findall(r"::(test_\w+)\[(\w+-\d\d)\]", collected(request)):
        tests[control].add(name)

    assert set(tests) == set(registry())
    for control, found in tests.items():
        assert found >= EVERYONE, control
    twins = {key for key, found in tests.items() if TOKEN_TEST in found}
    split = {key for key, found in tests.items() if SHAPE_TEST in found}
    assert twins == {key for key, control in registry().items() if has_twin(control)}
    assert split == {key for key, control in registry().items() if has_shape(control)}
