"""The OpenAPI face of a declared route: answers, problems with examples, security."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from budgetbuddy.api._declaration import Declaration
from budgetbuddy.domain.access import Gate, MfaEnrolmentRequired
from budgetbuddy.problems import (
    BadRequest,
    HeadersTooLarge,
    IdempotencyInProgress,
    IdempotencyKeyNotSupported,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InternalError,
    InvalidHeader,
    NotAcceptable,
    NotFound,
    PayloadTooLarge,
    PreconditionRequired,
    Problem,
    RateLimited,
    ReauthenticationRequired,
    ScopeMissing,
    SessionRequired,
    SessionRevoked,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    Unavailable,
    UnsupportedMediaType,
    UriTooLong,
    ValidationFailed,
    VersionConflict,
)

PROBLEM_JSON = "application/problem+json"
BEARER = "bearer"
EXAMPLE_REQUEST_ID = "3f0c9a52e41b4f0d"
_ALWAYS = (
    BadRequest,
    NotAcceptable,
    UriTooLong,
    ValidationFailed,
    RateLimited,
    HeadersTooLarge,
    InternalError,
    Unavailable,
)
_SIGNED_IN = (TokenMissing, TokenInvalid, TokenExpired, SessionRevoked)


class ProblemField(BaseModel):
    """One wrong field; `line` is there when it is a row of an uploaded file."""

    pointer: str
    code: str
    detail: str
    line: int | None = None


class ProblemDocument(BaseModel):
    """RFC 9457. `errors` is there when fields are at fault."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    requestId: str  # noqa: N815 - as it is sent
    errors: list[ProblemField] | None = None


def describe(name: str, declaration: Declaration) -> dict[str, Any]:
    """Keyword arguments for flask-openapi3: operation id, responses, security."""
    public = declaration.access.is_anonymous
    scope = declaration.access.scope
    responses: dict[str, Any] = {
        str(status): model for status, model in declaration.returns.items()
    }
    return {
        "operation_id": name,
        "responses": responses | _problem_responses(declaration),
        "security": [] if public else [{BEARER: [str(scope)] if scope else []}],
    }


def problems_of(declaration: Declaration) -> tuple[type[Problem], ...]:
    """Every problem that the route can answer with, each once."""
    found = [*_ALWAYS, *declaration.problems, *_refusals(declaration.access.gate)]
    if "path" in declaration.parts:
        found.append(NotFound)
    if {"body", "form"} & declaration.parts.keys() or declaration.signed_by:
        found += (PayloadTooLarge, UnsupportedMediaType)
    if declaration.if_match or declaration.upsert:
        found += (InvalidHeader, PreconditionRequired, VersionConflict)
    if declaration.idempotency == "none":
        found.append(IdempotencyKeyNotSupported)
    else:
        found += (IdempotencyInProgress, IdempotencyKeyReused)
    if declaration.idempotency == "I!":
        found.append(IdempotencyKeyRequired)
    return tuple(dict.fromkeys(found))


def _refusals(gate: Gate) -> tuple[type[Problem], ...]:
    """What a caller is told who may not."""
    match gate:
        case Gate.PUBLIC | Gate.PROVIDER:
            return ()
        case Gate.TOKEN:
            return (*_SIGNED_IN, ScopeMissing)
        case Gate.SESSION:
            return (*_SIGNED_IN, SessionRequired)
        case Gate.FRESH:
            return (*_SIGNED_IN, SessionRequired, ReauthenticationRequired)
        case Gate.ROLE:
            return (*_SIGNED_IN, NotFound, MfaEnrolmentRequired)


def _problem_responses(declaration: Declaration) -> dict[str, Any]:
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in problems_of(declaration):
        by_status.setdefault(problem.status, []).append(problem)
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {
                PROBLEM_JSON: {
                    "schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"},
                    "examples": _examples(problems),
                }
            },
        }
        for status, problems in sorted(by_status.items())
    }


def _examples(problems: Iterable[type[Problem]]) -> dict[str, Any]:
    return {
        problem.code: {
            "summary": problem.title,
            "value": Problem.document(
                _blank(problem), instance="/api/v1/…", request_id=EXAMPLE_REQUEST_ID
            ),
        }
        for problem in problems
    }


def _blank(problem: type[Problem]) -> Problem:
    """An instance with the class's own texts, whatever its constructor asks for."""
    blank = problem.__new__(problem)
    Problem.__init__(blank)
    return blank
