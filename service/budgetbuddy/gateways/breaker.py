"""A circuit breaker that remembers, and never stands between parallel calls.

    ticket = breaker.admit()             # raises `BreakerOpen` while the dependency is left alone
    breaker.record(ticket, failed=...)   # or breaker.release(ticket) when the call says nothing

The lock is held to look and to record, never during a call. Half open, one probe runs at a time.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class BreakerState(IntEnum):
    """As the metric counts it."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class BreakerOpen(Exception):  # noqa: N818 - states a fact
    """No call is made; `retry_seconds` is the rest of the time that the breaker stays open."""

    def __init__(self, retry_seconds: float) -> None:
        super().__init__("the breaker is open")
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, kw_only=True)
class BreakerPolicy:
    """Opens when `failure_ratio` of the last `window` calls failed, of at least `minimum`.

    After `open_seconds` it lets probes through; `successes` of them in a row close it.
    """

    failure_ratio: float
    window: int
    minimum: int
    open_seconds: float
    successes: int


class Breaker:
    """The state of one dependency in this process."""

    def __init__(self, policy: BreakerPolicy, monotonic: Callable[[], float]) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures: deque[bool] = deque(maxlen=policy.window)
        self._state = BreakerState.CLOSED
        self._opened_at = 0.0
        self._period = 0  # tickets of an earlier state count no more
        self._is_probing = False
        self._successes = 0

    @property
    def state(self) -> BreakerState:
        """The state now; an open breaker turns half open with the first call after its time."""
        return self._state

    def admit(self) -> int:
        """A ticket to make one call with; raises `BreakerOpen`."""
        with self._lock:
            if self._state is BreakerState.OPEN:
                rest = self._opened_at + self._policy.open_seconds - self._monotonic()
                if rest > 0:
                    raise BreakerOpen(rest)
                self._enter(BreakerState.HALF_OPEN)
            if self._state is BreakerState.HALF_OPEN:
                if self._is_probing:
                    raise BreakerOpen(1.0)
                self._is_probing = True
            return self._period

    def record(self, ticket: int, *, failed: bool) -> bool:
        """Note how a call ended; whether that opened the breaker."""
        with self._lock:
            if ticket != self._period:
                return False
            self._is_probing = False
            if self._state is BreakerState.HALF_OPEN:
                self._successes += not failed
                if failed:
                    self._enter(BreakerState.OPEN)
                elif self._successes >= self._policy.successes:
                    self._enter(BreakerState.CLOSED)
            else:
                self._failures.append(failed)
                if self._is_failing():
                    self._enter(BreakerState.OPEN)
            return self._state is BreakerState.OPEN

    def release(self, ticket: int) -> None:
        """The call was never made, or says nothing about the dependency."""
        with self._lock:
            if ticket == self._period:
                self._is_probing = False

    def _is_failing(self) -> bool:
        calls = len(self._failures)
        ratio = sum(self._failures) / calls
        return calls >= self._policy.minimum and ratio >= self._policy.failure_ratio

    def _enter(self, state: BreakerState) -> None:
        self._state = state
        self._period += 1
        self._successes = 0
        self._is_probing = False
        self._failures.clear()
        self._opened_at = self._monotonic()
