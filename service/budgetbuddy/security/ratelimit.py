"""Rate limits: fixed windows, counted before the work.

Shared buckets count on the Runtime table and hold across all processes. The others count in this
process: they keep one client from starving the rest, and promise nothing beyond.
"""

import threading
from collections import OrderedDict
from typing import Protocol

from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import BUCKETS, Bucket, Quota
from budgetbuddy.domain.ports import Clock
from budgetbuddy.problems import RateLimited, TooManyAttempts, Unavailable
from budgetbuddy.security.tokens import KeyedLookups
from budgetbuddy.telemetry import count, log

REMEMBERED_KEYS = 50_000  # of a process; the oldest are forgotten first


class Counters(Protocol):
    """Counts per bucket, key and window."""

    def add(self, bucket: str, key: str, window: int, seconds: int) -> int:
        """One more; how many in this window now."""

    def read(self, bucket: str, key: str, window: int) -> int:
        """How many in this window."""


class MemoryCounters:
    """Counters of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()

    def add(self, bucket: str, key: str, window: int, seconds: int) -> int:
        """One more; an older window is forgotten."""
        del seconds
        with self._lock:
            number = self._read(bucket, key, window) + 1
            self._counts[bucket, key] = (window, number)
            self._counts.move_to_end((bucket, key))
            while len(self._counts) > REMEMBERED_KEYS:
                self._counts.popitem(last=False)
        return number

    def read(self, bucket: str, key: str, window: int) -> int:
        """How many in this window."""
        with self._lock:
            return self._read(bucket, key, window)

    def _read(self, bucket: str, key: str, window: int) -> int:
        known, number = self._counts.get((bucket, key), (window, 0))
        return number if known == window else 0


class WindowLimits:
    """Implements `domain.access.Limits`."""

    def __init__(self, shared: Counters, lookups: KeyedLookups, clock: Clock) -> None:
        self._shared = shared
        self._memory = MemoryCounters()
        self._lookups = lookups
        self._clock = clock

    def take(self, bucket: str, key: str) -> Quota:
        """One more of `key`."""
        rule = BUCKETS[bucket]
        window, reset = self._window(rule)
        try:
            used = self._counters(rule).add(
                rule.name, self._lookups.limit(key), window, rule.window_seconds
            )
        except Unavailable:
            if not rule.fails_open:
                raise
            count(Metric.RATE_LIMITER_DEGRADED)
            log("security.limiter_degraded", level="warning", code=rule.name)
            used = 0
        if used > rule.limit:
            count(Metric.RATE_LIMITED, dimension=rule.name)
            raise RateLimited(reset)
        return Quota(bucket=rule, remaining=rule.limit - used, reset_seconds=reset)

    def require_below(self, bucket: str, key: str) -> None:
        """Raises `TooManyAttempts` when nothing is left."""
        rule = BUCKETS[bucket]
        window, reset = self._window(rule)
        used = self._counters(rule).read(rule.name, self._lookups.limit(key), window)
        if used >= rule.limit:
            count(Metric.RATE_LIMITED, dimension=rule.name)
            raise TooManyAttempts(reset)

    def _counters(self, rule: Bucket) -> Counters:
        return self._shared if rule.shared else self._memory

    def _window(self, rule: Bucket) -> tuple[int, int]:
        """Number of the window that is now, and the seconds left of it."""
        now = int(self._clock().timestamp())
        window, into = divmod(now, rule.window_seconds)
        return window, rule.window_seconds - into
