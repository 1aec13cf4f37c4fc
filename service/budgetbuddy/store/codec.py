"""Plain values to DynamoDB's and back. Numbers are integers: floats and fractions are refused.

DynamoDB would keep `Decimal("1.50")` as 1.5 and a third with 38 digits, without a word.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

Value: TypeAlias = (
    "str | int | bool | bytes | Sequence[Value] | Mapping[str, Value] | frozenset[str] | None"
)
Item = dict[str, Any]  # decoded: what `decode` returns
Encoded = dict[str, Any]  # in DynamoDB's own notation

_DIGITS = 38  # DynamoDB's precision
_LARGEST = 10**_DIGITS - 1


def encode_value(value: object) -> Encoded:  # noqa: C901, PLR0911 - one line a type
    """One value in DynamoDB's notation; raises `TypeError` on float, Decimal and unknown types."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            if abs(value) > _LARGEST:
                raise ValueError(f"a number of more than {_DIGITS} digits")
            return {"N": str(value)}
        case str():
            return {"S": str(value)}
        case bytes():
            return {"B": value}
        case frozenset() | set():
            if not value:
                raise ValueError("DynamoDB has no empty set: leave the attribute out")
            return {"SS": sorted(value)}
        case Mapping():
            return {"M": encode(value)}
        case list() | tuple():
            return {"L": [encode_value(part) for part in value]}
        case _:
            raise TypeError(f"{type(value).__name__} cannot be stored")


def encode(item: Mapping[str, object]) -> Encoded:
    """A whole item; `TypeError` names the attribute that cannot be stored."""
    encoded = {}
    for name, value in item.items():
        try:
            encoded[name] = encode_value(value)
        except (TypeError, ValueError) as exc:
            raise type(exc)(f"attribute {name}: {exc}") from exc
    return encoded


def decode_value(encoded: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one line a type
    """One value back; raises `ValueError` on a number with a fraction."""
    ((kind, value),) = encoded.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            number = Decimal(value)
            if number != number.to_integral_value():
                raise ValueError("a stored number has a fraction")
            return int(number)
        case "B":
            return bytes(value)
        case "NULL":
            return None
        case "SS":
            return frozenset(value)
        case "M":
            return decode(value)
        case "L":
            return [decode_value(part) for part in value]
        case _:
            raise ValueError(f"attribute type {kind} is never written")


def decode(encoded: Mapping[str, Any]) -> Item:
    """A whole item back."""
    return {name: decode_value(value) for name, value in encoded.items()}


def size_bytes(encoded: Mapping[str, Any]) -> int:
    """Size of an encoded item as AWS counts it, rounded up a little."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in encoded.items())


def _value_bytes(encoded: Mapping[str, Any]) -> int:  # noqa: PLR0911 - one line a type
    ((kind, value),) = encoded.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) // 2 + 2
        case "B":
            return len(value)
        case "SS":
            return sum(len(part.encode()) for part in value)
        case "M":
            return 3 + size_bytes(value) + len(value)
        case "L":
            return 3 + sum(1 + _value_bytes(part) for part in value)
        case _:
            return 1
