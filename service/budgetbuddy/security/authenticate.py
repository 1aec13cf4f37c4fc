"""Bearer tokens to principals: signature or digest, then whether session or token still lives.

The second answer is remembered for 10 seconds in this process, so a revocation is complete within
10 seconds everywhere.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import Principal
from budgetbuddy.domain.access_tokens import (
    PREFIX,
    AccessTokens,
    TokenStanding,
    digest_of,
    is_token,
)
from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.identity import (
    Standing,
    Status,
)
from budgetbuddy.domain.identity_ports import (
    Standings,
)
from budgetbuddy.domain.ports import Clock, UserRef
from budgetbuddy.problems import SessionRevoked, TokenExpired, TokenInvalid
from budgetbuddy.security.tokens import JwtTokens
from budgetbuddy.telemetry import count

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED_SECONDS = 10.0
REMEMBERED_SESSIONS = 10_000


class _Remembered(Generic[K, V]):
    """Answers of the store, kept for a few seconds; the oldest are forgotten first."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What is still remembered."""
        with self._lock:
            found = self._known.get(key)
        return found[1] if found is not None and self._monotonic() < found[0] else None

    def keep(self, key: K, value: V) -> V:
        """Remember it from now on."""
        with self._lock:
            self._known[key] = (self._monotonic() + self._seconds, value)
            while len(self._known) > REMEMBERED_SESSIONS:
                self._known.popitem(last=False)
        return value

    def forget(self, key: K) -> None:
        """Ask again at the next request."""
        with self._lock:
            self._known.pop(key, None)


class TokenAuthenticator:
    """Implements `domain.access.Authenticator`."""

    def __init__(  # noqa: PLR0913 - one argument a port
        self,
        tokens: JwtTokens,
        standings: Standings,
        access_tokens: AccessTokens,
        clock: Clock,
        *,
        remembered_seconds: float = REMEMBERED_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._standings = standings
        self._access_tokens = access_tokens
        self._clock = clock
        self._sessions = _Remembered[tuple[str, str], Standing](remembered_seconds, monotonic)
        self._shown = _Remembered[str, TokenStanding](remembered_seconds, monotonic)

    def authenticate(self, token: str) -> Principal:
        """Raises `TokenInvalid`, `TokenExpired` or `SessionRevoked`."""
        if token.startswith(PREFIX):
            return self._by_access_token(token)
        return self._by_session(token)

    def _by_access_token(self, token: str) -> Principal:
        if not is_token(token):
            raise TokenInvalid
        now, digest = self._clock(), digest_of(token)
        found = self._shown.get(digest) or self._looked_up(digest, now)
        if parse_instant(found.expires_at) <= now:
            raise TokenExpired
        return Principal(
            user=found.user,
            token_id=found.id,
            auth_time=datetime.fromtimestamp(0, tz=UTC),
            scopes=found.scopes,
        )

    def _looked_up(self, digest: str, now: datetime) -> TokenStanding:
        found = self._access_tokens.standing(digest)
        if found is None:
            count(Metric.AUTH_FAILED, dimension="pat")
            raise TokenInvalid
        if found.last_used != now.date():
            self._access_tokens.touch(digest, now.date())
            count(Metric.AUTH_SUCCEEDED, dimension="pat")
        return self._shown.keep(digest, found)

    def _by_session(self, token: str) -> Principal:
        claims = self._tokens.read_access(token)
        user_id, session_id = str(claims["sub"]), str(claims["sid"])
        standing = self._standing(user_id, session_id)
        if standing.status is not Status.ACTIVE or not standing.is_current:
            raise SessionRevoked
        return Principal(
            user=UserRef(id=user_id, subject=str(claims["subject"])),
            session_id=session_id,
            auth_time=datetime.fromtimestamp(claims["auth_time"], tz=UTC),
            amr=tuple(claims["amr"]),
            mfa=standing.mfa,
            roles=standing.roles,
        )

    def _standing(self, user_id: str, session_id: str) -> Standing:
        key = (user_id, session_id)
        if (known := self._sessions.get(key)) is not None:
            return known
        fresh = self._standings(user_id, session_id)
        if fresh is None:
            self._sessions.forget(key)
            raise SessionRevoked
        return self._sessions.keep(key, fresh)

    def forget(self, user_id: str, session_id: str) -> None:
        """Ask again at the next request."""
        self._sessions.forget((user_id, session_id))

    def forget_token(self, digest: str) -> None:
        """Ask again at the next request."""
        self._shown.forget(digest)
