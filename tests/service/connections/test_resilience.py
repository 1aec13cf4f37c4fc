"""Deadline, bulkhead, breaker and retry around calls to a provider, on a clock moved by hand."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy.domain.deadline import deadline, time_limit
from budgetbuddy.gateways.breaker import Breaker, BreakerOpen, BreakerPolicy, BreakerState
from budgetbuddy.gateways.resilience import (
    PLAID,
    PLAID_READS,
    DependencyFailed,
    DependencyPolicy,
    Guard,
    RetryPolicy,
    Timeout,
)
from budgetbuddy.problems import Conflict, UpstreamInvalid, UpstreamUnavailable

from .conftest import ManualTime

POLICY = BreakerPolicy(failure_ratio=0.5, window=10, minimum=4, open_seconds=30, successes=2)
DEPENDENCY = DependencyPolicy(
    name="bank", timeout=Timeout(connect=2, read=10), parallel=2, breaker=POLICY
)
THRICE = RetryPolicy(attempts=3, first_seconds=1, within_seconds=12)
Records = Callable[[], list[dict[str, Any]]]


class Bank:
    """A dependency that answers or fails as it is told, and remembers the timeouts it was given."""

    def __init__(self, time: ManualTime, *outcomes: Exception | str, seconds: float = 0) -> None:
        self._time = time
        self._outcomes = list(outcomes)
        self._seconds = seconds
        self.timeouts: list[Timeout] = []

    def __call__(self, timeout: Timeout) -> str:
        self.timeouts.append(timeout)
        self._time.advance(self._seconds)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def guard(time: ManualTime, **changes: Any) -> Guard:
    return Guard(DEPENDENCY, monotonic=time, pause=time.pause, **{"wait_seconds": 0, **changes})


def fail_until_open(guarded: Guard, time: ManualTime) -> None:
    for _ in range(POLICY.minimum):
        with pytest.raises(UpstreamUnavailable):
            guarded.call(Bank(time, DependencyFailed()))


# --- Breaker -------------------------------------------------------------------------------------


def test_a_breaker_opens_at_its_ratio_of_failures_and_not_before(time: ManualTime) -> None:
    breaker = Breaker(POLICY, time)

    opened = [breaker.record(breaker.admit(), failed=failed) for failed in (True, False, True)]
    assert (opened, breaker.state) == ([False] * 3, BreakerState.CLOSED)
    assert breaker.record(breaker.admit(), failed=False)
    with pytest.raises(BreakerOpen) as caught:
        breaker.admit()
    assert caught.value.retry_seconds == 30


def test_old_failures_leave_the_window(time: ManualTime) -> None:
    breaker = Breaker(POLICY, time)
    breaker.record(breaker.admit(), failed=True)
    for _ in range(POLICY.window):
        breaker.record(breaker.admit(), failed=False)

    for _ in range(4):
        assert not breaker.record(breaker.admit(), failed=True)
    assert breaker.record(breaker.admit(), failed=True)


def opened(time: ManualTime) -> Breaker:
    breaker = Breaker(POLICY, time)
    for _ in range(POLICY.minimum):
        breaker.record(breaker.admit(), failed=True)
    return breaker


def test_half_open_one_probe_runs_at_a_time_and_enough_of_them_close_it(time: ManualTime) -> None:
    breaker = opened(time)
    time.advance(POLICY.open_seconds)

    for _ in range(POLICY.successes):
        probe = breaker.admit()
        assert breaker.state is BreakerState.HALF_OPEN
        with pytest.raises(BreakerOpen):
            breaker.admit()
        breaker.record(probe, failed=False)
    assert breaker.state is BreakerState.CLOSED
    assert not breaker.record(breaker.admit(), failed=True)


def test_a_failed_probe_opens_it_for_the_whole_time_again(time: ManualTime) -> None:
    breaker = opened(time)
    time.advance(POLICY.open_seconds)

    assert breaker.record(breaker.admit(), failed=True)
    time.advance(POLICY.open_seconds - 1)
    with pytest.raises(BreakerOpen):
        breaker.admit()


def test_a_probe_that_says_nothing_makes_room_for_the_next(time: ManualTime) -> None:
    breaker = opened(time)
    time.advance(POLICY.open_seconds)
    breaker.release(breaker.admit())

    breaker.record(breaker.admit(), failed=False)
    assert breaker.state is BreakerState.HALF_OPEN


def test_a_call_that_began_before_the_breaker_opened_counts_no_more(time: ManualTime) -> None:
    breaker = Breaker(POLICY, time)
    late = breaker.admit()
    for _ in range(POLICY.minimum):
        breaker.record(breaker.admit(), failed=True)
    time.advance(POLICY.open_seconds)
    probe = breaker.admit()

    breaker.record(late, failed=True)
    breaker.release(late)
    with pytest.raises(BreakerOpen):
        breaker.admit()
    breaker.record(probe, failed=False)
    assert breaker.state is BreakerState.HALF_OPEN


# --- Guard ---------------------------------------------------------------------------------------


def test_an_answer_passes_with_the_dependencys_own_timeouts(time: ManualTime) -> None:
    bank = Bank(time, "answer")

    assert guard(time).call(bank) == "answer"
    assert bank.timeouts == [DEPENDENCY.timeout]


def test_a_failure_is_tried_again_only_as_often_as_allowed(time: ManualTime) -> None:
    bank = Bank(time, DependencyFailed())

    with pytest.raises(UpstreamUnavailable):
        guard(time).call(bank, retry=THRICE)
    assert len(bank.timeouts) == 3
    assert len(time.pauses) == 2
    assert 0 <= time.pauses[0] <= 1
    assert 0 <= time.pauses[1] <= 2


def test_without_a_retry_policy_there_is_one_attempt(time: ManualTime) -> None:
    bank = Bank(time, DependencyFailed())

    with pytest.raises(UpstreamUnavailable):
        guard(time).call(bank)
    assert len(bank.timeouts) == 1


def test_what_cannot_be_repeated_is_not(time: ManualTime) -> None:
    bank = Bank(time, DependencyFailed(repeatable=False))

    with pytest.raises(UpstreamUnavailable):
        guard(time).call(bank, retry=THRICE)
    assert len(bank.timeouts) == 1


def test_an_answer_after_a_failure_is_an_answer(time: ManualTime) -> None:
    assert guard(time).call(Bank(time, DependencyFailed(), "answer"), retry=THRICE) == "answer"


def test_nonsense_is_told_apart_from_silence(time: ManualTime) -> None:
    with pytest.raises(UpstreamInvalid):
        guard(time).call(Bank(time, DependencyFailed(repeatable=False, invalid=True)))


def test_all_attempts_together_end_within_their_span(time: ManualTime) -> None:
    bank = Bank(time, DependencyFailed(), seconds=7)
    began = time()

    with pytest.raises(UpstreamUnavailable):
        guard(time).call(bank, retry=THRICE)
    assert len(bank.timeouts) == 2
    assert bank.timeouts[1].read < 5.1
    assert time() - began < 7 + 1 + 7 + 0.1


def test_a_call_waits_no_longer_than_the_work_around_it_may(time: ManualTime) -> None:
    bank = Bank(time, "answer")
    with time_limit(60, time), time_limit(15, time):
        time.advance(14)
        guard(time).call(bank)
        time.advance(0.95)
        with pytest.raises(UpstreamUnavailable):
            guard(time).call(bank)

    assert bank.timeouts == [Timeout(connect=1, read=1)]


def test_an_inner_limit_cannot_extend_an_outer_one(time: ManualTime) -> None:
    with time_limit(5, time), time_limit(60, time):
        assert deadline(time).left() == 5
    assert deadline(time).left() == 15


def test_an_open_breaker_answers_at_once_and_says_when_to_return(time: ManualTime) -> None:
    guarded, bank = guard(time), Bank(time, "answer")
    fail_until_open(guarded, time)
    time.advance(9.5)

    with pytest.raises(UpstreamUnavailable) as caught:
        guarded.call(bank)
    assert caught.value.headers["Retry-After"] == "21"
    assert bank.timeouts == []
    time.advance(21)
    assert guarded.call(bank) == "answer"


def test_what_the_user_did_wrong_opens_nothing(time: ManualTime) -> None:
    guarded = guard(time)
    for _ in range(POLICY.window):
        with pytest.raises(Conflict):
            guarded.call(Bank(time, Conflict()))

    assert guarded.call(Bank(time, "answer")) == "answer"


def test_a_fault_of_our_own_passes_and_says_nothing_of_the_dependency(time: ManualTime) -> None:
    guarded = guard(time)
    for _ in range(POLICY.window):
        with pytest.raises(ZeroDivisionError):
            guarded.call(Bank(time, ZeroDivisionError()))

    assert guarded.call(Bank(time, "answer")) == "answer"


def test_used_up_time_says_nothing_of_the_dependency(time: ManualTime) -> None:
    guarded, bank = guard(time), Bank(time, "answer")
    with time_limit(0, time):
        for _ in range(POLICY.window):
            with pytest.raises(UpstreamUnavailable):
                guarded.call(bank)

    assert guarded.call(bank) == "answer"


def test_beyond_its_places_a_call_is_refused_and_a_place_is_free_again_afterwards(
    time: ManualTime, records: Records
) -> None:
    guarded = guard(time)
    inside, leave = threading.Barrier(DEPENDENCY.parallel + 1), threading.Event()

    def hang(_: Timeout) -> str:
        inside.wait(10)
        leave.wait(10)
        return "late"

    threads = [
        threading.Thread(target=guarded.call, args=(hang,)) for _ in range(DEPENDENCY.parallel)
    ]
    for thread in threads:
        thread.start()
    inside.wait(10)
    with pytest.raises(UpstreamUnavailable):
        guarded.call(Bank(time, "answer"))
    leave.set()
    for thread in threads:
        thread.join(10)

    assert guarded.call(Bank(time, "answer")) == "answer"
    rejected = [line for line in records() if "BulkheadRejected" in line]
    assert [(line["Dependency"], line["BulkheadRejected"]) for line in rejected] == [("bank", 1)]


def test_parallel_calls_do_not_wait_for_each_other(time: ManualTime) -> None:
    guarded, meet = guard(time), threading.Barrier(DEPENDENCY.parallel)

    def both(_: Timeout) -> str:
        meet.wait(10)
        return "answer"

    threads = [
        threading.Thread(target=guarded.call, args=(both,)) for _ in range(DEPENDENCY.parallel)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert not meet.broken


def test_latency_failures_and_the_breakers_state_are_measured(
    time: ManualTime, records: Records
) -> None:
    guarded = guard(time)
    guarded.call(Bank(time, "answer", seconds=0.25))
    for _ in range(POLICY.minimum - 1):
        with pytest.raises(UpstreamUnavailable):
            guarded.call(Bank(time, DependencyFailed()))
    with pytest.raises(UpstreamUnavailable):
        guarded.call(Bank(time, "answer"))

    lines = [line for line in records() if line.get("Dependency") == "bank"]
    assert lines[0]["DependencyLatency"] == 250
    assert sum(line.get("DependencyErrorCount", 0) for line in lines) == 3
    assert sum(line.get("BreakerOpened", 0) for line in lines) == 1
    assert lines[0]["BreakerState"] == BreakerState.CLOSED
    assert lines[-1]["BreakerState"] == BreakerState.OPEN


def test_a_hanging_plaid_leaves_threads_for_the_ledger_and_ends_within_a_request() -> None:
    assert PLAID.parallel < 8 - 2
    assert PLAID.timeout.connect + PLAID.timeout.read <= PLAID_READS.within_seconds < 15
