"""Between protobuf structs and Python values, and comparisons that ignore spelling.

Shapes: a value is None, bool, int, float, str, list or dict with string keys. A struct knows only
floats, so whole floats become ints. `UNKNOWN` stands for a value that exists only after deployment.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

# Fixed by the engine's protocol (pulumi.runtime.rpc keeps the same constants).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type marker, no secret
DEFAULTS_KEY = "__defaults"

EMPTY: tuple[Any, ...] = (None, "", [], {})

TYPE_NAMES = {
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def type_name(value: object) -> str:
    """Name of a value's type as the provider's messages spell it."""
    return "null" if value is None else TYPE_NAMES[type(value)]


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties in `struct`; secrets are unwrapped, nulls dropped."""
    return {k: v for k, raw in struct.fields.items() if (v := _from_value(raw)) is not None}


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            fields = from_struct(value.struct_value)
            return fields["value"] if fields.get(SIGNATURE_KEY) == SECRET_SIGNATURE else fields
        case _:
            return None


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The struct for `properties`; nulls are left out."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        if value is not None:
            _fill(struct.fields[key], value)
    return struct


def _fill(target: struct_pb2.Value, value: Any) -> None:
    match value:
        case None:
            target.null_value = struct_pb2.NULL_VALUE
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = value
        case str():
            target.string_value = value
        case Mapping():
            target.struct_value.CopyFrom(to_struct(value))
        case Sequence():
            target.list_value.SetInParent()
            for item in value:
                _fill(target.list_value.values.add(), item)
        case _:
            raise TypeError(f"a {type(value).__name__} has no place in a property")


def has_unknown(value: object) -> bool:
    """Whether `value` is or contains something known only after deployment."""
    match value:
        case str():
            return value == UNKNOWN
        case Mapping():
            return any(has_unknown(item) for item in value.values())
        case list():
            return any(has_unknown(item) for item in value)
        case _:
            return False


def plain(value: Any) -> Any:
    """`value` without the `__defaults` bookkeeping, at every depth."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items() if k != DEFAULTS_KEY}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def parsed_json(value: object) -> Any:
    """The object or array a string holds, or None when it holds none."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return None


def equivalent(mine: Any, live: Any) -> bool:
    """Whether `live` says what `mine` says, more or less of its own defaults apart.

    Lists are compared as bags, since AWS returns most of them unordered; JSON documents by content;
    nothing and empty are the same; and an object may carry fields that the caller did not set.
    """
    if mine in EMPTY and live in EMPTY:
        return True
    if isinstance(mine, Mapping) and isinstance(live, Mapping):
        return all(equivalent(value, live.get(key)) for key, value in plain(mine).items())
    if isinstance(mine, list) and isinstance(live, list):
        rest = list(live)
        for item in mine:
            found = next((i for i, other in enumerate(rest) if equivalent(item, other)), None)
            if found is None:
                return False
            del rest[found]
        return not rest
    documents = parsed_json(mine), parsed_json(live)
    if None not in documents:
        return bool(documents[0] == documents[1])
    return bool(mine == live)
