"""Calls to providers that may be slow, broken or gone, so that nothing else becomes so.

    deadline ⊃ bulkhead ⊃ breaker ⊃ retry ⊃ timeout ⊃ call

A gateway makes each call through the `Guard` of its dependency and tells failures of the
dependency (`DependencyFailed`) from faults of the user (a `Problem`), which open no breaker.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from budgetbuddy.contract import Metric
from budgetbuddy.domain.dates import format_instant, utc_now
from budgetbuddy.domain.deadline import Deadline, deadline
from budgetbuddy.domain.evidence import Dependency
from budgetbuddy.gateways.breaker import Breaker, BreakerOpen, BreakerPolicy
from budgetbuddy.problems import Problem, UpstreamInvalid, UpstreamUnavailable
from budgetbuddy.telemetry import count, emit, note

if TYPE_CHECKING:
    from datetime import datetime

T = TypeVar("T")

SHORTEST_SECONDS: Final = 0.1  # with less time left, no call is started
BULKHEAD_WAIT_SECONDS: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Timeout:
    """What one attempt may wait for, seconds."""

    connect: float
    read: float


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """`attempts` in all, pauses from 0 to `first_seconds`, doubled each time, within a span."""

    attempts: int
    first_seconds: float
    within_seconds: float


@dataclass(frozen=True, kw_only=True)
class DependencyPolicy:
    """How one dependency is treated; `parallel` calls of this process at once."""

    name: str
    timeout: Timeout
    parallel: int
    breaker: BreakerPolicy


ONCE: Final = RetryPolicy(attempts=1, first_seconds=0, within_seconds=60)

# Plaid's answers depend on banks, so single failures are common and long outages rare: many calls
# are looked at before it is left alone, and then for long. Three of eight threads, so that a
# hanging Plaid never takes those that serve the ledger.
PLAID: Final = DependencyPolicy(
    name="plaid",
    timeout=Timeout(connect=2, read=10),
    parallel=3,
    breaker=BreakerPolicy(failure_ratio=0.7, window=30, minimum=15, open_seconds=120, successes=5),
)
# Stripe seldom fails, and nobody's money waits for it: left alone early, tried again soon. With
# Plaid's three places these two still leave three of eight threads to the ledger.
STRIPE: Final = DependencyPolicy(
    name="stripe",
    timeout=Timeout(connect=2, read=10),
    parallel=2,
    breaker=BreakerPolicy(failure_ratio=0.5, window=10, minimum=5, open_seconds=30, successes=2),
)
# AWS is close and seldom fails: a handful of failures is an outage, and a short one.
SQS: Final = DependencyPolicy(
    name="sqs",
    timeout=Timeout(connect=1, read=5),
    parallel=2,
    breaker=BreakerPolicy(failure_ratio=0.5, window=10, minimum=5, open_seconds=30, successes=1),
)
# Reports about the system itself: nobody's request depends on them, and they must cost nobody else.
EVIDENCE: Final = DependencyPolicy(
    name="evidence",
    timeout=Timeout(connect=1, read=3),
    parallel=2,
    breaker=BreakerPolicy(failure_ratio=0.5, window=10, minimum=5, open_seconds=60, successes=1),
)
PLAID_READS: Final = RetryPolicy(attempts=3, first_seconds=1, within_seconds=12)


class DependencyFailed(Exception):  # noqa: N818 - states a fact
    """The dependency's fault: time-out, lost connection, 429, 5xx or an answer without sense.

    `repeatable` is whether the same call may be made again; `invalid` that it answered nonsense.
    """

    def __init__(self, *, repeatable: bool = True, invalid: bool = False) -> None:
        super().__init__("the dependency failed")
        self.repeatable = repeatable
        self.invalid = invalid


class Guard:
    """Stands before every call to one dependency; shared by the threads of a process."""

    def __init__(
        self,
        policy: DependencyPolicy,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        wait_seconds: float = BULKHEAD_WAIT_SECONDS,
    ) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._pause = pause
        self._wait_seconds = wait_seconds
        self._breaker = Breaker(policy.breaker, monotonic)
        self._slots = threading.BoundedSemaphore(policy.parallel)
        self._busy = 0
        self._last_failure: datetime | None = None

    @property
    def condition(self) -> Dependency:
        """How this process gets on with the dependency."""
        failed = self._last_failure
        return Dependency(
            name=self._policy.name,
            breaker=self._breaker.state.name.lower(),
            busy=self._busy,
            places=self._policy.parallel,
            last_failure_at=format_instant(failed) if failed else None,
        )

    def call(
        self,
        attempt: Callable[[Timeout], T],
        *,
        retry: RetryPolicy = ONCE,
        timeout: Timeout | None = None,
    ) -> T:
        """What `attempt` returns within its timeouts.

        Raises `UpstreamUnavailable` (503) or `UpstreamInvalid` (502) when the dependency fails or
        is left alone, and every problem that `attempt` raises.
        """
        limit = deadline(self._monotonic)
        wanted = timeout or self._policy.timeout
        with self._slot(limit), self._watched():
            return self._tried(attempt, retry, wanted, limit.within(retry.within_seconds))

    @contextmanager
    def _slot(self, limit: Deadline) -> Iterator[None]:
        """One of the places in the bulkhead, waited for a little."""
        if not self._slots.acquire(timeout=min(self._wait_seconds, limit.left())):
            count(Metric.BULKHEAD_REJECTED, dimension=self._policy.name)
            raise UpstreamUnavailable(retry_after_seconds=1)
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._slots.release()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """The breaker around all attempts of one call, and what is measured of it."""
        name, started = self._policy.name, self._monotonic()
        note(dependency=name)
        try:
            ticket = self._breaker.admit()
        except BreakerOpen as exc:
            count(Metric.BREAKER_STATE, self._breaker.state, dimension=name)
            raise UpstreamUnavailable(retry_after_seconds=math.ceil(exc.retry_seconds)) from exc
        failed: bool | None = None
        try:
            yield
            failed = False
        except DependencyFailed as exc:
            failed = True
            raise (UpstreamInvalid() if exc.invalid else UpstreamUnavailable()) from exc
        except UpstreamUnavailable:
            raise  # nothing was tried: the time was up
        except Problem:
            failed = False  # it answered; what was asked was wrong
            raise
        finally:
            self._conclude(ticket, failed, self._monotonic() - started)

    def _conclude(self, ticket: int, failed: bool | None, seconds: float) -> None:  # noqa: FBT001 - three outcomes
        name = self._policy.name
        if failed is None:
            self._breaker.release(ticket)
            return
        if failed:
            self._last_failure = utc_now()
        if self._breaker.record(ticket, failed=failed):
            count(Metric.BREAKER_OPENED, dimension=name)
        measured = {
            Metric.DEPENDENCY_LATENCY: round(seconds * 1_000, 2),
            Metric.DEPENDENCY_ERROR_COUNT: int(failed),
            Metric.BREAKER_STATE: int(self._breaker.state),
        }
        emit(measured, dimension=name)

    def _tried(
        self,
        attempt: Callable[[Timeout], T],
        retry: RetryPolicy,
        wanted: Timeout,
        limit: Deadline,
    ) -> T:
        """The first answer; pauses are drawn from the whole span, so that callers spread out."""
        if limit.left() < SHORTEST_SECONDS:
            raise UpstreamUnavailable("the time for this request is used up")
        for number in range(retry.attempts - 1):
            try:
                return attempt(_clipped(wanted, limit.left()))
            except DependencyFailed as exc:
                longest = retry.first_seconds * 2**number
                wait = random.uniform(0, longest)  # noqa: S311 - jitter, no secret
                if not exc.repeatable or limit.left() < wait + SHORTEST_SECONDS:
                    raise
                self._pause(wait)
        return attempt(_clipped(wanted, limit.left()))


class Guards:
    """One guard a dependency, for a whole process."""

    def __init__(self) -> None:
        self._guards: dict[str, Guard] = {}

    def of(self, policy: DependencyPolicy) -> Guard:
        """The guard of a dependency, made with its first use."""
        return self._guards.setdefault(policy.name, Guard(policy))

    def conditions(self) -> list[Dependency]:
        """How the process gets on with each of them."""
        return [self._guards[name].condition for name in sorted(self._guards)]


def _clipped(wanted: Timeout, left: float) -> Timeout:
    rest = max(left, SHORTEST_SECONDS)  # a pause can last longer than asked for
    return Timeout(connect=min(wanted.connect, rest), read=min(wanted.read, rest))
