"""The service's errors: one tree of problems, each with a stable code, a title and a status.

Free of any framework, so that domain and store raise them too. `api/_errors.py` turns them into
`application/problem+json` (RFC 9457). A new error is a new subclass beside the rule it belongs to:

    class AccountClosed(Conflict):
        code = "account_closed"
        title = "The account is closed"
"""

from budgetbuddy.problems._access import (
    Forbidden,
    ReauthenticationRequired,
    ScopeMissing,
    SessionRequired,
    SessionRevoked,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    Unauthorized,
)
from budgetbuddy.problems._base import (
    TYPE_PREFIX,
    FieldError,
    Problem,
)
from budgetbuddy.problems._later import (
    InternalError,
    ProviderNotConfigured,
    RateLimited,
    TooManyAttempts,
    Unavailable,
    UpstreamInvalid,
    UpstreamUnavailable,
)
from budgetbuddy.problems._request import (
    BadRequest,
    HeadersTooLarge,
    IdempotencyKeyNotSupported,
    IdempotencyKeyRequired,
    InvalidCursor,
    InvalidHeader,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
    UriTooLong,
)
from budgetbuddy.problems._state import (
    Conflict,
    Gone,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    LimitReached,
    PreconditionRequired,
    Unprocessable,
    ValidationFailed,
    VersionConflict,
)

__all__ = [
    "TYPE_PREFIX",
    "BadRequest",
    "Conflict",
    "FieldError",
    "Forbidden",
    "Gone",
    "HeadersTooLarge",
    "IdempotencyInProgress",
    "IdempotencyKeyNotSupported",
    "IdempotencyKeyRequired",
    "IdempotencyKeyReused",
    "InternalError",
    "InvalidCursor",
    "InvalidHeader",
    "LimitReached",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "PayloadTooLarge",
    "PreconditionRequired",
    "Problem",
    "ProviderNotConfigured",
    "RateLimited",
    "ReauthenticationRequired",
    "ScopeMissing",
    "SessionRequired",
    "SessionRevoked",
    "TokenExpired",
    "TokenInvalid",
    "TokenMissing",
    "TooManyAttempts",
    "Unauthorized",
    "Unavailable",
    "Unprocessable",
    "UnsupportedMediaType",
    "UpstreamInvalid",
    "UpstreamUnavailable",
    "UriTooLong",
    "ValidationFailed",
    "VersionConflict",
]
