"""Every failure as `application/problem+json`, with its log fields and metrics; none escapes."""

from http import HTTPStatus

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from budgetbuddy.api._gates import rejects_key
from budgetbuddy.api._http import state
from budgetbuddy.api._operation import PROBLEM_JSON
from budgetbuddy.contract import Metric
from budgetbuddy.problems import (
    BadRequest,
    InternalError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Problem,
    UnsupportedMediaType,
    VersionConflict,
)
from budgetbuddy.telemetry import count, note, note_error

_BY_STATUS: dict[int, type[Problem]] = {
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: PayloadTooLarge,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: UnsupportedMediaType,
}


def register_errors(app: Flask) -> None:
    """Handlers for our problems, for the framework's, and for everything unforeseen."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unforeseen)


def _problem(problem: Problem) -> Response:
    note(code=problem.code)
    if isinstance(problem, VersionConflict):
        count(Metric.VERSION_CONFLICT)
    elif rejects_key(problem):
        count(Metric.IDEMPOTENCY_REJECTED)
    elif problem.code == "card_number_detected":
        count(Metric.PAN_REJECTED)
    return _response(problem)


def _http_exception(exc: HTTPException) -> Response:
    status = exc.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen(exc)
    problem = _BY_STATUS.get(status, BadRequest)()
    note(code=problem.code)
    response = _response(problem)
    for name, value in exc.get_headers(request.environ):
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _unforeseen(exc: Exception) -> Response:
    """The last resort: class and place go to the log, nothing of it to the client."""
    note_error(exc)
    return _response(InternalError())


def _response(problem: Problem) -> Response:
    document = problem.document(instance=request.path, request_id=state().request_id)
    response = Response(orjson.dumps(document), status=problem.status, mimetype=PROBLEM_JSON)
    response.headers.extend(problem.headers)
    return response
