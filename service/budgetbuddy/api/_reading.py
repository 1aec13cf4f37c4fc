"""Path, query, body and form of a request, as the models that the route names."""

from collections.abc import Mapping
from typing import Any

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from budgetbuddy.api._body import Query, field_errors, parse_model, parse_query
from budgetbuddy.problems import (
    BadRequest,
    NotAcceptable,
    NotFound,
    UnsupportedMediaType,
    ValidationFailed,
)

_CHARSETS = frozenset({"utf-8", "utf8"})


class NoQuery(Query):
    """Stands for the query string of a route that takes none."""


def read_parts(
    parts: Mapping[str, type[BaseModel]], url: Mapping[str, str], *, is_raw: bool = False
) -> dict[str, BaseModel]:
    """Each part by name. A malformed path is 404, like a missing resource; the rest 400 or 422."""
    _require_json_accepted()
    read: dict[str, BaseModel] = {}
    if "path" in parts:
        read["path"] = _path(parts["path"], url)
    query = parse_query(parts.get("query", NoQuery), _query())
    if "query" in parts:
        read["query"] = query
    if "body" in parts:
        _require_type("application/json")
        read["body"] = parse_model(parts["body"], request.get_data())
    elif "form" in parts:
        _require_type("multipart/form-data")
        read["form"] = _form(parts["form"])
    elif is_raw:
        _require_type("application/json")
    elif request.get_data():
        raise BadRequest("this request takes no body")
    return read


def _path(model: type[BaseModel], url: Mapping[str, str]) -> BaseModel:
    try:
        return model.model_validate(dict(url))
    except ValidationError as exc:
        raise NotFound from exc


def _query() -> dict[str, Any]:
    return _single(request.args)


def _single(given: MultiDict[str, Any]) -> dict[str, Any]:
    """Values by name; a name given twice is a list, which only list fields accept."""
    return {
        name: values[0] if len(values) == 1 else values
        for name, values in given.to_dict(flat=False).items()
    }


def _form(model: type[BaseModel]) -> BaseModel:
    once: dict[str, Any] = {**_single(request.form), **_single(request.files)}
    try:
        return model.model_validate(once)
    except ValidationError as exc:
        raise ValidationFailed(errors=field_errors(exc.errors(include_url=False))) from exc


def _require_type(expected: str) -> None:
    if request.content_encoding not in {None, "identity"}:
        raise UnsupportedMediaType("compressed requests are not supported")
    if request.mimetype != expected:
        raise UnsupportedMediaType(f"the content type must be {expected}")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in _CHARSETS:
        raise UnsupportedMediaType("the charset must be utf-8")


def _require_json_accepted() -> None:
    accepted = request.accept_mimetypes
    if accepted and not (accepted.accept_json or accepted["application/problem+json"]):
        raise NotAcceptable
