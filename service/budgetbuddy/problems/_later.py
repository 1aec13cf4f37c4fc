"""429 and 5xx: later, perhaps."""

from budgetbuddy.problems._base import Problem


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


class UpstreamUnavailable(Unavailable):
    """A provider fails, hangs, or is left alone for a while because it did."""

    code = "upstream_unavailable"
    title = "A provider does not answer right now"


class UpstreamInvalid(Problem):
    """A provider's answer makes no sense."""

    code = "upstream_invalid"
    title = "A provider's answer cannot be read"
    status = 502


class ProviderNotConfigured(Unavailable):
    """The operator has given no credentials of this provider."""

    code = "provider_not_configured"
    title = "This provider is not set up here"

    def __init__(self) -> None:
        super().__init__(retry_after_seconds=3_600)
