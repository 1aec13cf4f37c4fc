"""The Flask application around the routes: strict URLs, request line, headers, documents."""

import re
import secrets
import time
from http import HTTPStatus
from io import BytesIO
from typing import IO

from flask import Flask, Request, Response, g, request
from flask_openapi3.openapi import OpenAPI

from budgetbuddy.api import all_routes
from budgetbuddy.api._errors import register_errors
from budgetbuddy.api._headers import secure
from budgetbuddy.api._http import RequestState, state, user_agent
from budgetbuddy.api._spec import openapi_arguments
from budgetbuddy.api.docs import register_documents
from budgetbuddy.api.health import register_health
from budgetbuddy.contract import Metric
from budgetbuddy.domain.dates import utc_now
from budgetbuddy.domain.services import Services
from budgetbuddy.problems import HeadersTooLarge, UriTooLong
from budgetbuddy.settings import Environment, Settings
from budgetbuddy.telemetry import emit, note, request_line, write_request_line

HEADER_BYTES = 8 * 1_024
URL_CHARACTERS = 4 * 1_024
UPLOAD_BYTES = 6 * 1_024 * 1_024  # no route takes more; each has its own, smaller limit
# Werkzeug reads 64 KiB at a time and compares that plus what is left of the part before with this
# number, of files too: no less than twice as much, or a file fails by where its lines end.
FORM_FIELD_BYTES = 2 * 64 * 1_024
FORM_PARTS = 10
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_TRACE = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}|Root=([A-Za-z0-9-]{1,40})[;,]?.*")


class MemoryRequest(Request):
    """Keeps uploads in memory, where their size is bounded: the root file system is read-only."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return BytesIO()


def build_app(settings: Settings, services: Services) -> Flask:
    """The application; no request is needed to build it, and no connection is opened."""
    app = OpenAPI("budgetbuddy", **openapi_arguments(settings))
    app.request_class = MemoryRequest
    app.extensions["budgetbuddy"] = services
    app.config.update(
        MAX_CONTENT_LENGTH=UPLOAD_BYTES,
        MAX_FORM_MEMORY_SIZE=FORM_FIELD_BYTES,
        MAX_FORM_PARTS=FORM_PARTS,
        PROVIDE_AUTOMATIC_OPTIONS=False,
        PROPAGATE_EXCEPTIONS=False,
        RELEASE=settings.release,
        SETTINGS=settings,
        STARTED=utc_now(),
        TRAP_HTTP_EXCEPTIONS=False,
    )
    app.url_map.merge_slashes = False  # `//` is another path: 404, never a redirect
    _register_hooks(app, settings)
    register_errors(app)
    for routes in all_routes():
        app.register_api(routes.blueprint)
    register_health(app)
    if settings.environment is not Environment.PRODUCTION:
        register_documents(app)
    return app


def _register_hooks(app: Flask, settings: Settings) -> None:
    @app.before_request
    def begin() -> None:
        g.line = request_line()
        g.line.__enter__()
        g.started = time.perf_counter()
        g.state = RequestState(
            request_id=_request_id(request),
            client_ip=client_ip(request, settings.trusted_proxy_hops),
        )
        _require_small(request)

    @app.after_request
    def finish(response: Response) -> Response:
        secure(response)
        response.headers["X-Request-ID"] = state().request_id
        _record(response)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        line = g.pop("line", None)
        if line is not None:
            line.__exit__(None, None, None)


def _require_small(incoming: Request) -> None:
    if len(incoming.full_path) > URL_CHARACTERS:
        raise UriTooLong
    if sum(len(name) + len(value) for name, value in incoming.headers) > HEADER_BYTES:
        raise HeadersTooLarge


def _request_id(incoming: Request) -> str:
    given = incoming.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def client_ip(incoming: Request, hops: int) -> str:
    """The address that our outermost proxy saw: counted from the right, where nobody can forge."""
    forwarded = [part.strip() for part in incoming.headers.get("X-Forwarded-For", "").split(",")]
    if hops and len(forwarded) >= hops and forwarded[-hops]:
        return forwarded[-hops]
    return incoming.remote_addr or ""


def _trace_id(incoming: Request) -> str | None:
    for header in ("traceparent", "X-Amzn-Trace-Id"):
        if found := _TRACE.fullmatch(incoming.headers.get(header, "")):
            return found.group(1) or found.group(2)
    return None


def _record(response: Response) -> None:
    """One log line and one metric line a request."""
    millis = round((time.perf_counter() - g.started) * 1_000, 2)
    is_server_error = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    is_client_error = response.status_code >= HTTPStatus.BAD_REQUEST and not is_server_error
    note(
        requestId=state().request_id,
        traceId=_trace_id(request),
        method=request.method,
        route=str(request.url_rule) if request.url_rule else None,
        status=response.status_code,
        durationMs=millis,
        clientIp=state().client_ip,
        userAgent=user_agent() or None,
        bytesIn=request.content_length,
        bytesOut=response.content_length,
    )
    area = write_request_line(response.status_code)
    emit(
        {
            Metric.REQUEST_COUNT: 1,
            Metric.REQUEST_LATENCY: millis,
            Metric.SERVER_ERROR_COUNT: int(is_server_error),
            Metric.CLIENT_ERROR_COUNT: int(is_client_error),
        },
        dimension=area,
    )
