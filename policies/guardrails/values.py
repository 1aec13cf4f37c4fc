"""Reading properties without guessing: known, missing, or unknown until deployment.

`read` is the only way a control touches a property. Values are plain Python (`dict`, `list`,
`str`, `float`, `bool`, `None`): the engine's wire format is taken apart once, in `plain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

# pulumi_policy/proxy.py and sdk/go/common/resource/plugin/rpc.go: what stands for an unknown value.
UNKNOWN_KINDS: Final = {
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7": "boolean",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421": "number",
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9": "string",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2": "array",
    "030794c1-ac77-496b-92df-f27374a8bd58": "asset",
    "e48ece36-62e2-4504-bad9-02848725956a": "archive",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff": "object",
}
SENTINEL_LENGTH: Final = 36
LARGEST: Final = 1e300
# What the engine shows instead of a secret it may not decrypt; the value exists, and was secret.
REDACTED: Final = "[secret]"

Path: TypeAlias = str | tuple[str, ...]


class Missing(Enum):
    """The type of `MISSING`: the property is not set at all."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True)
class Known:
    """A value that is certain now."""

    value: Any


@dataclass(frozen=True)
class Unknown:
    """A value that exists only after deployment, or is an encrypted secret."""

    path: str
    kind: str


@dataclass(frozen=True)
class Node:
    """A value somewhere inside a resource, and the path that leads to it."""

    value: Any
    path: str = ""

    def at(self, key: str | int) -> str:
        """The path of a child."""
        return f"{self.path}.{key}" if self.path else str(key)


class UndecidedError(Exception):
    """A check needs a value that is unknown; becomes the verdict UNKNOWN."""

    def __init__(self, path: str, kind: str) -> None:
        super().__init__(path)
        self.path = path
        self.kind = kind


class WrongTypeError(Exception):
    """A property holds another type than AWS accepts; becomes FAIL, never a crash."""

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(path)
        self.path = path
        self.expected = expected
        self.found = found


def unknown_kind(value: object) -> str | None:
    """The kind of unknown that `value` stands for; None when it is an ordinary value."""
    if isinstance(value, str):
        if len(value) == SENTINEL_LENGTH:
            return UNKNOWN_KINDS.get(value)
        if value == REDACTED:
            return "secret"
    return None


def type_name(value: object) -> str:
    """The JSON name of a type, for messages that must not show the value."""
    names = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number" if isinstance(value, int | float) else "value")


@lru_cache(maxsize=4096)
def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def read(place: Node, path: Path) -> Known | Missing | Unknown:
    """Follow `path` ("a.b.0.c", or a tuple when a key holds dots) from `place`.

    A block wrapped in a one-element list is entered, because older provider versions wrap single
    blocks that way. Raises `WrongTypeError` when the path leads through something that has no
    children. A null counts as missing: that is what providers make of it.
    """
    value, walked = place.value, place.path
    if kind := unknown_kind(value):
        return Unknown(walked, kind)
    for key in _keys(path) if isinstance(path, str) else path:
        if isinstance(value, list) and not key.isdigit():
            value = _single(value, walked)
            if kind := unknown_kind(value):
                return Unknown(walked, kind)
        value = _child(value, key, walked)
        walked = f"{walked}.{key}" if walked else key
        if value is None:
            return MISSING
        if kind := unknown_kind(value):
            return Unknown(walked, kind)
    return Known(value)


def _single(blocks: list[Any], where: str) -> Any:
    """The only block of a list; an empty list holds none."""
    if len(blocks) > 1:
        raise WrongTypeError(where, "a single block", "a list of several")
    return blocks[0] if blocks else None


def _child(value: Any, key: str, where: str) -> Any:
    """What `key` leads to, or None."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list):
        return value[int(key)] if int(key) < len(value) else None
    if value is None:
        return None
    raise WrongTypeError(where, "object", type_name(value))


def value_at(place: Node, path: Path) -> Any | None:
    """The known value or None when missing. Raises `UndecidedError` when it is unknown."""
    match read(place, path):
        case Known(value):
            return value
        case Unknown(where, kind):
            raise UndecidedError(where, kind)
        case _:
            return None


def join(place: Node, path: Path) -> str:
    """The full path of `path` below `place`, as shown in a message."""
    text = path if isinstance(path, str) else ".".join(path)
    return f"{place.path}.{text}" if place.path else text


def text(place: Node, path: Path) -> str | None:
    """A string, or None when it is not set."""
    value = value_at(place, path)
    if value is None or isinstance(value, str):
        return value
    raise WrongTypeError(join(place, path), "string", type_name(value))


def flag(place: Node, path: Path) -> bool | None:
    """A boolean, or None when it is not set."""
    value = value_at(place, path)
    if value is None or isinstance(value, bool):
        return value
    raise WrongTypeError(join(place, path), "boolean", type_name(value))


def is_set(place: Node, path: Path) -> bool:
    """Whether a text is given, be it known or computed; an empty one is not.

    For "is a key named at all": which one it is, is judged elsewhere, along the dependency graph.
    """
    if isinstance(read(place, path), Unknown):
        return True
    return bool(text(place, path))


def number(place: Node, path: Path) -> float | None:
    """A number, or None when it is not set; the engine sends every number as a float."""
    value = value_at(place, path)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongTypeError(join(place, path), "number", type_name(value))
    # JSON as Python reads it knows NaN, and integers that no other reader can hold.
    if not -LARGEST <= value <= LARGEST:
        raise WrongTypeError(join(place, path), "number", "value that is none")
    return float(value)


def items(place: Node, path: Path) -> list[Node]:
    """The elements of a list, possibly unknown themselves; a single block is a list of one."""
    value, where = value_at(place, path), join(place, path)
    if value is None:
        return []
    if isinstance(value, dict):
        return [Node(value, where)]
    if not isinstance(value, list):
        raise WrongTypeError(where, "list", type_name(value))
    return [Node(element, f"{where}.{index}") for index, element in enumerate(value)]


def block(place: Node, path: Path) -> Node | None:
    """A nested object, or None when it is not set."""
    value, where = value_at(place, path), join(place, path)
    if isinstance(value, list) and len(value) <= 1:
        value = value[0] if value else None
        if kind := unknown_kind(value):
            raise UndecidedError(where, kind)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise WrongTypeError(where, "object", type_name(value))
    return Node(value, where)


def known_text(node: Node) -> str:
    """The string that a list element is; numbers in a list of strings are a wrong type."""
    if kind := unknown_kind(node.value):
        raise UndecidedError(node.path, kind)
    if not isinstance(node.value, str):
        raise WrongTypeError(node.path, "string", type_name(node.value))
    return node.value


def strings(place: Node, path: Path) -> list[str]:
    """All elements of a list of strings; raises when one is unknown or no string."""
    value = value_at(place, path)
    if isinstance(value, str):  # a single value where AWS accepts one or many
        return [value]
    return [known_text(node) for node in items(place, path)]


def leaves(place: Node) -> Iterator[Node]:
    """Every scalar below `place`, unknown ones included, without recursion limits."""
    pending = [place]
    while pending:
        node = pending.pop()
        if isinstance(node.value, dict):
            pending.extend(Node(child, node.at(key)) for key, child in node.value.items())
        elif isinstance(node.value, list):
            pending.extend(Node(child, node.at(i)) for i, child in enumerate(node.value))
        else:
            yield node
