"""Every key of a stack file refuses what it cannot be, by itself and together with all others.

What a key cannot be is derived from the models: a new key is tested the moment it is written.
"""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import pytest
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from infra.configuration import ConfigurationError, known_paths, read_settings
from infra.setting_types import Check
from infra.settings import Settings

Edit = Callable[[str, dict[str, Any]], dict[str, str]]

WRONG_TYPE = {"an": "object"}  # no key outside a section takes one
# Any whole number or truth value; what they may be is a rule together with other keys.
WITHOUT_RANGE = {"service.cpu", "service.memory", "worker.cpu", "worker.memory"}


def fields(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(`section.key`, its type with constraints)."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{path}.")
            continue
        for constraint in field.metadata:
            kind = Annotated[kind, constraint]
        yield path, kind


def beyond(kind: Any) -> Iterator[Any]:
    """Values of the right kind that the type does not take."""
    if get_origin(kind) is Annotated:
        inner, *constraints = get_args(kind)
        yield from beyond(inner)
        for constraint in constraints:
            yield from _beyond_constraint(constraint, inner)
    elif get_origin(kind) in {Union, UnionType}:
        for each in get_args(kind):
            yield from beyond(each)
    elif get_origin(kind) is Literal:
        yield "none of these"
    elif get_origin(kind) is tuple:
        for value in beyond(get_args(kind)[0]):
            yield [value]
    elif kind is IPv4Network:
        yield "10.0.0.0/33"
    else:
        assert kind in {str, int, float, bool, NoneType}


def _beyond_constraint(constraint: Any, kind: Any) -> Iterator[Any]:
    match constraint:
        case annotated_types.Ge(ge=least):
            yield least - 1
        case annotated_types.Gt(gt=least):
            yield least
        case annotated_types.Le(le=most):
            yield most + 1
        case AfterValidator(func=Check()):
            yield [] if get_origin(kind) is tuple else -1 if kind is int else "not what, it must be"
        case FieldInfo(metadata=nested):
            for each in nested:
                yield from _beyond_constraint(each, kind)
        case _:
            raise AssertionError(f"what lies beyond {constraint!r}?")


KINDS = dict(fields())
BEYOND = [
    pytest.param(path, value, id=f"{path} {value}")
    for path, kind in KINDS.items()
    for value in beyond(kind)
]


def wrong_keys(config: dict[str, str]) -> set[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(config, "staging")
    return {problem.key.rpartition(":")[2] for problem in caught.value.problems}


def changed(path: str) -> str:
    """The key as `edited` takes it: the region is the engine's own."""
    return "aws:region" if path == "region" else path


def test_every_key_is_here() -> None:
    assert sorted(KINDS) == sorted(known_paths())


def test_a_key_without_a_range_is_a_switch_or_a_size_with_a_rule() -> None:
    ranged = {param.values[0] for param in BEYOND}
    switches = {path for path, kind in KINDS.items() if kind is bool}

    assert KINDS.keys() - ranged == switches | WITHOUT_RANGE


@pytest.mark.parametrize("path", KINDS)
def test_a_key_of_the_wrong_type_is_named(edited: Edit, path: str) -> None:
    found = wrong_keys(edited("staging", {changed(path): WRONG_TYPE}))

    assert any(key == path or key.startswith(f"{path}.") for key in found)


@pytest.mark.parametrize(("path", "value"), BEYOND)
def test_a_key_out_of_range_is_named(edited: Edit, path: str, value: object) -> None:
    found = wrong_keys(edited("staging", {changed(path): value}))

    assert any(key == path or key.startswith(f"{path}.") for key in found)


def test_every_key_at_once_gives_one_error_that_names_every_key(edited: Edit) -> None:
    found = wrong_keys(edited("staging", {changed(path): WRONG_TYPE for path in KINDS}))

    missing = {p for p in KINDS if not any(k == p or k.startswith(f"{p}.") for k in found)}
    assert missing == set()


# What the two real accounts could contradict themselves in, all in one file.
CONTRADICTIONS: dict[str, Any] = {
    "service.spotWeight": 1,
    "network.natStrategy": "Single",
    "logs.retentionDays": 3,
    "service.min": 9,
    "service.max": 8,
    "data.backupRetentionDays": 7,
    "logs.lockDays": 3000,
    "edge.apiHost": "api.example.com",
    "edge.healthCheck": False,
    "release": None,
    "imageDigest": "sha256:" + "a" * 64,
}


def test_contradictions_are_listed_together(edited: Edit) -> None:
    config = edited("production", CONTRADICTIONS)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(config, "production")

    named = {problem.key.rpartition(":")[2] for problem in caught.value.problems}
    assert named == CONTRADICTIONS.keys() - {"service.max", "imageDigest"}
    assert str(caught.value).startswith(f"stack configuration: {len(named)} problems")


def test_a_domain_without_its_zone_is_named(edited: Edit) -> None:
    config = edited("staging", {"edge": {"domain": "staging.budgetbuddy.com"}})

    assert wrong_keys(config) == {"edge.hostedZoneId"}
