"""Sweeps: run again and again, and one that fails keeps no other from its turn."""

import threading
from collections.abc import Callable
from typing import Any

from budgetbuddy.domain.services import Services
from budgetbuddy.problems import Unavailable
from budgetbuddy.sweeps import Sweeper, sweeps_of


def test_a_sweep_that_fails_keeps_no_other_from_its_turn(
    records: Callable[[], list[dict[str, Any]]],
) -> None:
    swept: list[str] = []

    def busy() -> None:
        raise Unavailable

    def broken() -> None:
        raise RuntimeError("secret text")

    Sweeper({"busy": busy, "broken": broken, "good": lambda: swept.append("good")}).sweep()

    assert swept == ["good"]
    lines = {line["job"]: line for line in records() if line.get("event") == "sweep"}
    assert {name: line.get("code") for name, line in lines.items()} == {
        "busy": "unavailable",
        "broken": "internal_error",
        "good": None,
    }
    assert "secret text" not in str(lines)


def test_they_begin_at_once_and_go_on_until_told_to_stop() -> None:
    again = threading.Semaphore(0)
    sweeper = Sweeper({"count": again.release}, every_seconds=0.001)
    sweeper.start()

    assert all(again.acquire(timeout=5) for _ in range(3))
    assert sweeper.stop(5)


def test_how_many_erasures_are_overdue_is_told_even_when_none_is(
    wired: Services, records: Callable[[], list[dict[str, Any]]]
) -> None:
    Sweeper(sweeps_of(wired)).sweep()

    assert [line["ErasureOverdue"] for line in records() if "ErasureOverdue" in line] == [0]
