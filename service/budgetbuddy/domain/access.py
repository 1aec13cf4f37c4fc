"""Who may call a route: declared where the route is registered, checked before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Forbidden


class Scope(StrEnum):
    """What a token may do. A session has all; write does not include read."""

    PROFILE_READ = "profile:read"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    TRANSACTIONS_READ = "transactions:read"
    TRANSACTIONS_WRITE = "transactions:write"
    BUDGETS_READ = "budgets:read"
    BUDGETS_WRITE = "budgets:write"
    GOALS_READ = "goals:read"
    GOALS_WRITE = "goals:write"
    ANALYTICS_READ = "analytics:read"
    SYNC_READ = "sync:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """What an operator makes of a user; both ask for a second factor."""

    ADMIN = "ADMIN"  # sees the state of the system
    COMPLIANCE = "COMPLIANCE"  # sees reports and evidence


class MfaEnrolmentRequired(Forbidden):
    """Whoever sees more than their own data has a second factor."""

    code = "mfa_enrolment_required"
    title = "The role of this user needs a second factor first"


class Gate(StrEnum):
    """The kinds of access."""

    PUBLIC = "public"  # nobody is asked
    PROVIDER = "provider"  # the route checks the signature of a provider
    TOKEN = "token"  # noqa: S105 - a session, or an access token with the scope
    SESSION = "session"  # a signed-in session only
    FRESH = "fresh"  # a session whose user was authenticated just now
    ROLE = "role"  # a session whose user has one of the roles; the route is a 404 to others


@dataclass(frozen=True, kw_only=True)
class Access:
    """A gate and what it asks for: a scope (`TOKEN`), or any one of some roles (`ROLE`)."""

    gate: Gate
    scope: Scope | None = None
    roles: frozenset[Role] = frozenset()

    @property
    def is_anonymous(self) -> bool:
        """Whether no user stands behind the request."""
        return self.gate in {Gate.PUBLIC, Gate.PROVIDER}


PUBLIC = Access(gate=Gate.PUBLIC)
PROVIDER = Access(gate=Gate.PROVIDER)
SESSION = Access(gate=Gate.SESSION)
FRESH = Access(gate=Gate.FRESH)
ADMIN = Access(gate=Gate.ROLE, roles=frozenset({Role.ADMIN}))
COMPLIANCE = Access(gate=Gate.ROLE, roles=frozenset({Role.ADMIN, Role.COMPLIANCE}))
FRESH_FOR: Final = timedelta(seconds=300)


def scope(name: str) -> Access:
    """Access for sessions and for tokens that hold this scope, e.g. `scope("accounts:read")`."""
    return Access(gate=Gate.TOKEN, scope=Scope(name))


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whom a bearer token stands for: a session, or a personal access token (`token_id`).

    `mfa` is whether the user has a second factor, `amr` how this session was authenticated.
    """

    user: UserRef
    session_id: str = ""
    token_id: str = ""
    auth_time: datetime
    amr: tuple[str, ...] = ()
    mfa: bool = False
    roles: tuple[str, ...] = ()
    scopes: frozenset[Scope] = frozenset(Scope)

    def is_fresh(self, now: datetime) -> bool:
        """Whether all factors of the user were shown within the last five minutes."""
        return now - self.auth_time <= FRESH_FOR and ("mfa" in self.amr or not self.mfa)

    @property
    def actor(self) -> str:
        """As the audit trail names it."""
        return f"pat:{self.token_id}" if self.token_id else "user"


class Authenticator(Protocol):
    """Checks bearer tokens."""

    def authenticate(self, token: str) -> Principal:
        """Raises `TokenInvalid`, `TokenExpired` or `SessionRevoked`."""

    def forget(self, user_id: str, session_id: str) -> None:
        """Do not remember that this session was alive."""

    def forget_token(self, digest: str) -> None:
        """Do not remember that this personal access token was good."""


class Denials(Protocol):
    """What a user was refused, for their audit trail."""

    def record(self, context: Context, route: str, code: str) -> None:
        """Leave an audit row, a few an hour: more are counted only, so that no chain is flooded."""


# --- Limits --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """At most `limit` requests of one key in `window_seconds`.

    `shared` buckets hold across all processes; when their store is down they let requests pass
    (`fails_open`) or refuse them. The others count per process: fairness, no promise.
    """

    name: str
    limit: int
    window_seconds: int
    shared: bool = True
    fails_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Quota:
    """What is left in a bucket after this request."""

    bucket: Bucket
    remaining: int
    reset_seconds: int


BUCKETS: Mapping[str, Bucket] = {
    bucket.name: bucket
    for bucket in (
        Bucket(name="login", limit=10, window_seconds=60),
        Bucket(name="login-account", limit=20, window_seconds=900),
        Bucket(name="login-ip", limit=100, window_seconds=900),
        Bucket(name="mfa", limit=20, window_seconds=3_600),
        Bucket(name="sensitive", limit=10, window_seconds=3_600),
        Bucket(name="denied", limit=10, window_seconds=3_600),
        Bucket(name="register", limit=10, window_seconds=3_600),
        Bucket(name="recover", limit=20, window_seconds=3_600),
        Bucket(name="recover-account", limit=3, window_seconds=3_600),
        Bucket(name="refresh", limit=30, window_seconds=300, fails_open=True),
        Bucket(name="import", limit=20, window_seconds=3_600, fails_open=True),
        Bucket(name="privacy-export", limit=1, window_seconds=86_400),
        Bucket(name="export", limit=10, window_seconds=86_400),
        Bucket(name="link", limit=10, window_seconds=3_600, fails_open=True),
        Bucket(name="bank-sync", limit=1, window_seconds=60),
        Bucket(name="webhook-test", limit=5, window_seconds=60, fails_open=True),
        Bucket(name="read", limit=600, window_seconds=60, shared=False),
        Bucket(name="write", limit=120, window_seconds=60, shared=False),
        Bucket(name="analytics", limit=120, window_seconds=60, shared=False),
        Bucket(name="provider-webhook", limit=300, window_seconds=60, shared=False),
        Bucket(name="public", limit=60, window_seconds=60, shared=False),
    )
}


class Limits(Protocol):
    """Counts requests before their work."""

    def take(self, bucket: str, key: str) -> Quota:
        """One more of `key`; raises `RateLimited`, or `Unavailable` when its store is down."""

    def require_below(self, bucket: str, key: str) -> None:
        """Count nothing; raises `TooManyAttempts` when the bucket is used up already."""
