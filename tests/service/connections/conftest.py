"""Time that passes when told to, for what waits, opens and gives up."""

import pytest


class ManualTime:
    """A monotonic clock and the pauses taken on it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> ManualTime:
    """A clock that stands until it is moved."""
    return ManualTime()
