"""Strict JSON and the models that read it: nothing a client sends is guessed at or echoed.

Refused as 400: duplicate keys, NaN and infinities, numbers beyond a double, lone surrogates,
nesting over 16. Wrong fields become one 422 that names each by JSON pointer, code and fixed text.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from budgetbuddy.problems import BadRequest, FieldError, ValidationFailed

NESTING = 16
M = TypeVar("M", bound=BaseModel)


class Input(BaseModel):
    """Base of request bodies: camelCase only, no unknown field, no coercion."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """Base of query strings and paths: texts become what the field says, nothing unknown."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class View(BaseModel):
    """Base of answers: built by field name, written in camelCase, every field present."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True, frozen=True
    )


def parse_json(raw: bytes) -> Any:
    """The document, or `BadRequest`. Numbers with a fraction come as float; models refuse them."""
    try:
        text = raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError as exc:
        raise BadRequest("the body is not UTF-8") from exc
    if _depth(text) > NESTING:
        raise BadRequest(f"the JSON is nested deeper than {NESTING}")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        json.dumps(document, ensure_ascii=False).encode("utf-8")  # finds lone surrogates
    except UnicodeEncodeError as exc:
        raise BadRequest("a string holds half of a surrogate pair") from exc
    except ValueError as exc:
        raise BadRequest("the body is not valid JSON") from exc
    return document


def parse_model(model: type[M], raw: bytes) -> M:
    """`raw` as `model`; raises `BadRequest` (400) or `ValidationFailed` (422)."""
    parse_json(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as exc:
        raise ValidationFailed(errors=field_errors(exc.errors(include_url=False))) from exc


def parse_query(model: type[M], values: dict[str, Any]) -> M:
    """Query values as `model`; raises `ValidationFailed`."""
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        raise ValidationFailed(errors=field_errors(exc.errors(include_url=False))) from exc


def field_errors(errors: Iterable[ErrorDetails]) -> list[FieldError]:
    """Pointer, code and fixed text of each error: pydantic's own message could hold the input."""
    return [
        FieldError(
            pointer="".join(f"/{_escaped(part)}" for part in error["loc"]),
            code=_code(error["type"]),
            detail=_detail(error),
        )
        for error in errors
    ]


_BUILT_IN = frozenset(get_args(ErrorType))
_TEXTS = {
    "missing": "The field is required",
    "extra_forbidden": "There is no such field",
    "string_too_long": "The text is too long",
    "string_too_short": "The text is too short",
    "string_pattern_mismatch": "The text does not have the required form",
    "string_type": "A string is expected",
    "int_type": "A whole number is expected",
    "bool_type": "true or false is expected",
    "enum": "The value is not one of those allowed",
    "literal_error": "The value is not one of those allowed",
    "too_long": "The list is too long",
    "too_short": "The list is too short",
}


def _code(kind: str) -> str:
    return {"missing": "required", "extra_forbidden": "unknown_field"}.get(kind, kind)


def _detail(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind not in _BUILT_IN:  # raised by a validator of ours: the text is fixed
        return error["msg"]
    return _TEXTS.get(kind, "The value is not valid")


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")  # RFC 6901 § 3


def _depth(text: str) -> int:
    """Deepest nesting of brackets outside strings, without recursion."""
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadRequest("an object has the same key twice")
    return found


def _refuse_constant(_: str) -> float:
    raise BadRequest("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise BadRequest("a number is out of range")
    return number
