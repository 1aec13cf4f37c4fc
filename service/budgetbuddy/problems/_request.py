"""400, 404, 405, 406, 413, 414, 415, 431: the request cannot be understood or served at all."""

from budgetbuddy.problems._base import Problem


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


class PayloadTooLarge(Problem):
    """More bytes than the route takes."""

    code = "payload_too_large"
    title = "The request body is too large"
    status = 413


class UriTooLong(Problem):
    """More than 4 KB of path and query."""

    code = "uri_too_long"
    title = "The URL is too long"
    status = 414


class UnsupportedMediaType(Problem):
    """Not the content type the route takes."""

    code = "unsupported_media_type"
    title = "The content type is not supported"
    status = 415


class HeadersTooLarge(Problem):
    """More than 8 KB of headers."""

    code = "headers_too_large"
    title = "The request headers are too large"
    status = 431
