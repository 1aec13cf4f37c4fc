"""Bearer tokens to principals: signature, then whether the session still lives.

The second answer is remembered for 10 seconds in this process, so a revocation is complete within
10 seconds everywhere.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from budgetbuddy.domain.access import Principal
from budgetbuddy.domain.identity import Standing, Standings, Status
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.problems import SessionRevoked
from budgetbuddy.security.tokens import JwtTokens

REMEMBERED_SECONDS = 10.0
REMEMBERED_SESSIONS = 10_000


class TokenAuthenticator:
    """Implements `domain.access.Authenticator`."""

    def __init__(
        self,
        tokens: JwtTokens,
        standings: Standings,
        *,
        remembered_seconds: float = REMEMBERED_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tokens = tokens
        self._standings = standings
        self._seconds = remembered_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[float, Standing]] = OrderedDict()

    def authenticate(self, token: str) -> Principal:
        """Raises `TokenInvalid`, `TokenExpired` or `SessionRevoked`."""
        claims = self._tokens.read_access(token)
        user_id, session_id = str(claims["sub"]), str(claims["sid"])
        standing = self._standing(user_id, session_id)
        if standing.status is not Status.ACTIVE or standing.epoch != claims["epoch"]:
            raise SessionRevoked
        return Principal(
            user=UserRef(id=user_id, subject=str(claims["subject"])),
            session_id=session_id,
            auth_time=datetime.fromtimestamp(claims["auth_time"], tz=UTC),
            roles=standing.roles,
        )

    def _standing(self, user_id: str, session_id: str) -> Standing:
        key, now = (user_id, session_id), self._monotonic()
        with self._lock:
            until, standing = self._known.get(key, (0.0, None))
        if standing is not None and now < until:
            return standing
        fresh = self._standings(user_id, session_id)
        if fresh is None:
            self.forget(user_id, session_id)
            raise SessionRevoked
        with self._lock:
            self._known[key] = (now + self._seconds, fresh)
            while len(self._known) > REMEMBERED_SESSIONS:
                self._known.popitem(last=False)
        return fresh

    def forget(self, user_id: str, session_id: str) -> None:
        """Ask again at the next request."""
        with self._lock:
            self._known.pop((user_id, session_id), None)
