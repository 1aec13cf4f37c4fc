"""What the domain needs from outside, as protocols, and the small types they share.

`Services` is the bag that routes reach through `services()`; `create_app` fills it. A use case
takes a `Context` first: who acts, from where, and how its answer is stored for a retry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from budgetbuddy.domain.audit import Event, Outcome

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# --- Who acts ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class UserRef:
    """A user's id, and the pseudonym that logs, audit rows and encryption contexts carry."""

    id: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A finished HTTP answer, small enough to be kept for a repeated request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Render = Callable[[Any], Reply]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The hold of one request on an Idempotency-Key: the stored row's sort key and its owner."""

    key: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request (or job step) of one user.

    `render` turns the use case's result into the answer; a command that holds a `claim` stores
    that answer in its own transaction, so a retry replays exactly what was committed.
    """

    user: UserRef
    request_id: str
    actor: str = "user"  # as written to the audit row: user, pat:{id}, system, admin:{subject}
    session_id: str | None = None
    ip: str = ""
    user_agent: str = ""
    claim: Claim | None = None
    render: Render | None = None


# --- Commands ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Change:
    """One line of the change feed: what happened to which entity, at which version."""

    type: str  # "account", "transaction", …
    id: str
    op: str  # "upsert" or "delete"
    version: int


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """What a command did, for the user's audit chain. `details` is sealed."""

    event: Event
    object: str  # "{type}:{id}"
    outcome: Outcome = Outcome.SUCCESS
    details: Mapping[str, Any] = field(default_factory=dict)


# --- Reading -------------------------------------------------------------------------------------

Position = Mapping[str, str]  # key attributes of the last row read, without `pk`


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, newest first; `next` is where the following page starts, if any."""

    items: Sequence[T]
    next: Position | None = None


class Clock(Protocol):
    """The time, so that tests can set it."""

    def __call__(self) -> datetime:
        """Now, aware, UTC."""


class Sealer(Protocol):
    """Encryption of a user's personal text under that user's own data key.

    `place` is `table|pk|sk|attribute` of the blob, and authenticated: a blob that was copied to
    another row, attribute or user does not open. Raises `Unavailable` when the key cannot be had.
    """

    def seal(self, user: UserRef, place: str, plain: bytes) -> bytes:
        """Ciphertext of `plain`, bound to `user` and `place`."""

    def open(self, user: UserRef, place: str, sealed: bytes) -> bytes:
        """Plain bytes of `sealed`; raises `SealBroken` when it was tampered with or moved."""


class SealBroken(Exception):  # noqa: N818 - states a fact
    """A sealed value does not belong where it was found."""


class WrappedKeys(Protocol):
    """Where the wrapped data keys are kept."""

    def __call__(self, user_id: str, /) -> bytes | None:
        """The user's wrapped key, `None` once it was shredded."""


class Cursors(Protocol):
    """Signed list positions, bound to user, route and filters."""

    def encode(self, *, subject: str, route: str, filters: str, position: Position) -> str:
        """An opaque cursor, at most 2 KB."""

    def decode(self, cursor: str, *, subject: str, route: str, filters: str) -> Position:
        """The position; raises `InvalidCursor` on any mismatch or after 24 h."""


class Idempotency(Protocol):
    """The state machine of an Idempotency-Key."""

    def claim(self, user: UserRef, *, key: str, owner: str, fingerprint: str) -> Claim | Reply:
        """A `Claim` to do the work under, or the stored `Reply` of the first request.

        Raises `IdempotencyInProgress` (409) and `IdempotencyKeyReused` (422).
        """

    def release(self, user: UserRef, claim: Claim) -> None:
        """Forget a claim whose work failed, unless it was completed or taken over."""


class Health(Protocol):
    """Whether the required tables answer."""

    def checks(self) -> Mapping[str, bool]:
        """By table; cached for 5 s, so that probes cost nothing."""
