"""Outputs before anything exists: the inputs, and the unknown for what AWS will compute."""

from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws import facts, schema
from localcloud.providers.aws.schema import Property, Shape
from localcloud.providers.aws.values import UNKNOWN, plain


def given(token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as outputs: without bookkeeping, each scalar in its declared type."""
    known = schema.resource(token).inputs
    return {
        key: coerced(known[key].shape, value) if key in known else value
        for key, value in plain(inputs).items()
    }


def coerced(shape: Shape, value: Any) -> Any:
    """`value` in the type `shape` names: "true" becomes True, 80 becomes "80" for a text."""
    if value == UNKNOWN or value is None:
        return value
    match shape.kind, value:
        case "object", dict() if not shape.text:
            fields = shape.fields()
            return {k: coerced(fields[k].shape, v) if k in fields else v for k, v in value.items()}
        case "map", dict() if shape.item:
            return {k: coerced(shape.item, v) for k, v in value.items()}
        case "array", list() if shape.item:
            return [coerced(shape.item, v) for v in value]
        case _:
            return _scalar(shape.kind, value)


def _scalar(kind: str, value: Any) -> Any:
    match kind, value:
        case "bool", str():
            return value == "true"
        case "number", str():
            number = float(value)
            return int(number) if number.is_integer() else number
        case "string", bool():
            return str(value).lower()
        case "string", int() | float():
            return str(value)
        case _:
            return value


def previewed(token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs before creation: what is not given but will certainly be there is unknown."""
    values = given(token, inputs)
    nested = {
        key: dict.fromkeys(templates, UNKNOWN) | values[key]
        for key, templates in facts.of(token).nested.items()
        if isinstance(values.get(key), dict)
    }
    return values | nested | dict.fromkeys(computed(token, values), UNKNOWN)


def updated(
    token: str, olds: Mapping[str, Any], old_inputs: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, Any]:
    """Outputs an update leads to: new inputs over what AWS computed earlier."""
    known = schema.resource(token).outputs
    dropped = {
        key
        for key in plain(old_inputs).keys() - news.keys()
        if key in known and known[key].optional
    }
    kept = {key: value for key, value in olds.items() if key not in dropped}
    return kept | given(token, news)


def computed(token: str, inputs: Mapping[str, Any]) -> dict[str, Property]:
    """Outputs that appear although no input says them."""
    templates = facts.of(token).outputs
    return {
        key: output
        for key, output in schema.resource(token).outputs.items()
        if key not in inputs and (not output.optional or key in templates)
    }
