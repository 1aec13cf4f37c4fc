"""The service's errors: one tree of problems, each with a stable code, a title and a status.

Free of any framework, so that domain and store raise them too. `api/_errors.py` turns them into
`application/problem+json` (RFC 9457). A new error is a new subclass beside the rule it belongs to:

    class AccountClosed(Conflict):
        code = "account_closed"
        title = "The account is closed"
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

TYPE_PREFIX = "urn:budgetbuddy:problem:"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One wrong field: JSON pointer into the request, stable code, fixed text. Never its value."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Anything a client is told instead of the answer it asked for.

    `detail` helps the reader and holds no secret and nothing the client sent; `headers` go out
    with the response, e.g. `Retry-After`.
    """

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "The service failed"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def document(self, *, instance: str, request_id: str) -> dict[str, object]:
        """The members of RFC 9457 § 3.1, and `errors` when fields are at fault."""
        document: dict[str, object] = {
            "type": TYPE_PREFIX + self.code.replace("_", "-"),
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "instance": instance,
            "code": self.code,
            "requestId": request_id,
        }
        if self.errors:
            document["errors"] = [vars(error) for error in self.errors]
        return document


# --- 400: the request cannot be understood -------------------------------------------------------


class BadRequest(Problem):
    """Base of the 400s."""

    code = "malformed_request"
    title = "The request is malformed"
    status = 400


class InvalidCursor(BadRequest):
    """The cursor is forged, too old, or belongs to another list."""

    code = "invalid_cursor"
    title = "The cursor is not valid for this list"


class InvalidHeader(BadRequest):
    """A header has no meaning here."""

    code = "invalid_header"
    title = "A request header is not valid"


class IdempotencyKeyRequired(BadRequest):
    """A retry of this write could double it."""

    code = "idempotency_key_required"
    title = "This request needs an Idempotency-Key"


class IdempotencyKeyNotSupported(BadRequest):
    """The answer holds a secret and is never stored."""

    code = "idempotency_key_not_supported"
    title = "This request takes no Idempotency-Key"


# --- 401 and 403: who are you, may you ------------------------------------------------------------


class Unauthorized(Problem):
    """Base of the 401s; each carries `WWW-Authenticate` (RFC 9110 § 15.5.2)."""

    code = "token_invalid"
    title = "The access token is not valid"
    status = 401

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="budgetbuddy"'})


class TokenMissing(Unauthorized):
    """No bearer token was sent."""

    code = "token_missing"
    title = "An access token is needed"


class TokenInvalid(Unauthorized):
    """Signature, type, audience or shape of the token is wrong."""


class TokenExpired(Unauthorized):
    """The token was good once."""

    code = "token_expired"
    title = "The access token has expired"


class SessionRevoked(Unauthorized):
    """The session ended, or the password changed since."""

    code = "session_revoked"
    title = "The session has ended"


class Forbidden(Problem):
    """Base of the 403s."""

    code = "forbidden"
    title = "This is not allowed"
    status = 403


class ScopeMissing(Forbidden):
    """The token does not cover this route."""

    code = "scope_missing"
    title = "The token lacks the scope of this request"


class SessionRequired(Forbidden):
    """A personal access token cannot do this."""

    code = "session_required"
    title = "This request needs a signed-in session"


# --- 404 to 428: the resource and its state -------------------------------------------------------


class NotFound(Problem):
    """Missing, malformed or foreign: the client cannot tell which."""

    code = "not_found"
    title = "There is no such resource"
    status = 404


class MethodNotAllowed(Problem):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    title = "The resource does not support this method"
    status = 405


class NotAcceptable(Problem):
    """The client refuses JSON."""

    code = "not_acceptable"
    title = "The service answers JSON only"
    status = 406


class Conflict(Problem):
    """Base of the 409s."""

    code = "conflict"
    title = "The request conflicts with the current state"
    status = 409


class LimitReached(Conflict):
    """A cap per user is used up."""

    code = "limit_reached"
    title = "The limit for this kind of resource is reached"


class IdempotencyInProgress(Conflict):
    """The first request with this key has not finished."""

    code = "idempotency_in_progress"
    title = "The first request with this Idempotency-Key is still running"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


class Gone(Problem):
    """Base of the 410s."""

    code = "gone"
    title = "The resource is gone"
    status = 410


class VersionConflict(Problem):
    """Another writer came first. `stored` is the current version, sent back as `ETag`."""

    code = "version_conflict"
    title = "The resource has changed since it was read"
    status = 412

    def __init__(self, stored: int) -> None:
        super().__init__(headers={"ETag": f'"{stored}"'})


class PayloadTooLarge(Problem):
    """More bytes than the route takes."""

    code = "payload_too_large"
    title = "The request body is too large"
    status = 413


class UnsupportedMediaType(Problem):
    """Not the content type the route takes."""

    code = "unsupported_media_type"
    title = "The content type is not supported"
    status = 415


class Unprocessable(Problem):
    """Base of the 422s: understood, and wrong."""

    code = "validation_failed"
    title = "Some fields are not valid"
    status = 422


class ValidationFailed(Unprocessable):
    """`errors` names each wrong field."""


class IdempotencyKeyReused(Unprocessable):
    """Same key, another request."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key was used for another request"


class PreconditionRequired(Problem):
    """A change must say which version it changes."""

    code = "precondition_required"
    title = "This request needs If-Match"
    status = 428


class UriTooLong(Problem):
    """More than 4 KB of path and query."""

    code = "uri_too_long"
    title = "The URL is too long"
    status = 414


class HeadersTooLarge(Problem):
    """More than 8 KB of headers."""

    code = "headers_too_large"
    title = "The request headers are too large"
    status = 431


# --- 429 and 5xx: later, perhaps ------------------------------------------------------------------


class RateLimited(Problem):
    """Too many requests in the window of a bucket."""

    code = "rate_limited"
    title = "Too many requests"
    status = 429

    def __init__(self, retry_after_seconds: int, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after_seconds))})


class TooManyAttempts(RateLimited):
    """The account is locked for a while after failed log-ins."""

    code = "too_many_attempts"
    title = "Too many failed attempts"


class InternalError(Problem):
    """The last resort: the cause is in the log under the request id, never in the answer."""


class Unavailable(Problem):
    """A dependency does not answer, or too many writers met."""

    code = "unavailable"
    title = "The service cannot answer right now"
    status = 503

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})
