"""How long the work at hand may take in all, whatever its parts would wait for.

with time_limit(15):
    banks.exchange(...)      # every call below gets its own timeout or the rest, if that is less
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

REQUEST_SECONDS: Final = 15.0  # of calls to providers in one request


@dataclass(frozen=True)
class Deadline:
    """A moment on a monotonic clock."""

    until: float
    monotonic: Callable[[], float]

    def left(self) -> float:
        """Seconds until then, 0 when it has passed."""
        return max(0.0, self.until - self.monotonic())

    def within(self, seconds: float) -> "Deadline":
        """The sooner of this and `seconds` from now."""
        return replace(self, until=min(self.until, self.monotonic() + seconds))


_active: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def time_limit(seconds: float, monotonic: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Whatever runs inside ends within `seconds`, or sooner when a limit is set already."""
    outer = _active.get()
    mine = outer.within(seconds) if outer else Deadline(monotonic() + seconds, monotonic)
    token = _active.set(mine)
    try:
        yield
    finally:
        _active.reset(token)


def deadline(monotonic: Callable[[], float] = time.monotonic) -> Deadline:
    """The limit of the work at hand; where nobody set one, that of a request."""
    return _active.get() or Deadline(monotonic() + REQUEST_SECONDS, monotonic)
