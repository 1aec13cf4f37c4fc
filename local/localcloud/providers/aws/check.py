"""Check: judge inputs as the real provider would, and fill in what it fills in.

The messages are those of the real provider's type checker, so that a program that fails here fails
there in the same words. Inputs stay as the program gave them; only documents given as objects
become JSON text, and defaults, names, `region` and `tagsAll` are added.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.providers.aws import facts, naming, schema
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.aws.schema import Property, Shape
from localcloud.providers.aws.values import (
    DEFAULTS_KEY,
    UNKNOWN,
    has_unknown,
    plain,
    type_name,
)

CONTAINERS = {"array": list, "map": dict, "object": dict}
EXPECTED = {"map": "object"}
ASSETS = ("asset", "archive")


def failures(token: str, name: str, inputs: Mapping[str, Any]) -> list[str]:
    """What is wrong with `inputs` of a type, one sentence each; `name` is the logical name."""
    return list(_object_failures(schema.resource(token).inputs, inputs, name))


def _object_failures(
    known: Mapping[str, Property], given: Mapping[str, Any], path: str
) -> Iterator[str]:
    for key, value in given.items():
        where = f"{path}.{key}"
        if key not in known:
            yield f"Invalid or unknown key. Examine values at '{where}'."
        else:
            yield from _value_failures(known[key].shape, value, where)
    for key, wanted in known.items():
        if not wanted.optional and given.get(key) is None:
            yield (
                f'Missing required argument. The argument "{_snake(key)}" is required, '
                f"but no definition was found. Examine values at '{path}.{key}'."
            )


def _value_failures(shape: Shape, value: Any, where: str) -> Iterator[str]:
    if value == UNKNOWN or shape.kind == "any" or (shape.text and isinstance(value, str)):
        return
    if not _fits(shape.kind, value):
        expected = EXPECTED.get(shape.kind, shape.kind)
        yield (
            f"expected {expected} type, got {type_name(value)} type. Examine values at '{where}'."
        )
    elif shape.kind == "object":
        # A policy document given as an object has AWS's own keys, not the SDK's.
        if not shape.text:
            yield from _object_failures(shape.fields(), plain(value), where)
    elif shape.item is not None:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _value_failures(shape.item, item, f"{where}[{key}]")


def _fits(kind: str, value: Any) -> bool:
    """Whether a value has a type, conversions between text, numbers and booleans included."""
    if kind in CONTAINERS:
        return isinstance(value, CONTAINERS[kind])
    if isinstance(value, list | dict) or value is None:
        return False
    if kind == "number" and isinstance(value, str):
        return _is_number(value)
    if kind == "bool":
        return isinstance(value, bool) or value in ("true", "false")
    return kind != "number" or not isinstance(value, bool)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def completed(
    token: str,
    inputs: Mapping[str, Any],
    olds: Mapping[str, Any],
    request: naming.Request,
    config: ProviderConfig,
) -> dict[str, Any]:
    """`inputs` with what the provider adds: documents as text, defaults, name, region, tags."""
    known = schema.resource(token)
    about = facts.of(token)
    result = {key: _noted(known.inputs[key].shape, value) for key, value in inputs.items()}
    added: list[str] = []
    for key, value in about.defaults.items():
        if key not in result:
            result[key] = value
            added.append(key)
    rule = about.autoname
    if rule and not result.get(rule.property) and not result.get(rule.prefix):
        result[rule.property] = naming.physical_name(rule, request, olds)
        added.append(rule.property)
    if "region" in known.inputs and "region" not in result:
        result["region"] = config.region
        added.append("region")
    if "tagsAll" in known.outputs:
        result["tagsAll"] = config.all_tags(result.get("tags"))
    result[DEFAULTS_KEY] = sorted(added)
    return result


def _noted(shape: Shape, value: Any) -> Any:
    """A value with an empty `__defaults` in each nested object, as the real provider keeps it."""
    if shape.kind == "object" and isinstance(value, dict):
        if shape.text:
            return UNKNOWN if has_unknown(value) else json.dumps(value)
        fields = shape.fields()
        noted = {k: _noted(fields[k].shape, v) for k, v in value.items() if k != DEFAULTS_KEY}
        return {DEFAULTS_KEY: [], **noted}
    if shape.item is not None and isinstance(value, list):
        return [_noted(shape.item, item) for item in value]
    return value
