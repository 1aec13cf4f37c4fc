"""409, 410, 412, 422, 428: the resource and its state."""

from budgetbuddy.problems._base import Problem


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
