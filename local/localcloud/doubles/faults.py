"""What goes wrong at a double of a provider: told beforehand, or by chance."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Callable

HANG_SECONDS: Final = 30.0  # longer than any client waits
EVERY_ROUTE: Final = "*"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens instead of an answer: an error of the provider's, our own bytes, or nothing.

    `is_done` is whether what was asked for is done all the same, and only the answer goes wrong.
    """

    status: int = 200
    kind: str = "API_ERROR"
    code: str = "api_error"
    body: bytes | None = None  # sent as it is
    promised: int | None = None  # Content-Length, when more than the body has
    hangs: bool = False
    late_seconds: float = 0.0  # before anything else
    is_good: bool = False  # late, and otherwise as it should be
    is_done: bool = False


@dataclass
class Faults:
    """By route and in order; where nothing was told, `chance` decides."""

    told: dict[str, deque[Fault]] = field(default_factory=dict)
    chance: Callable[[], Fault | None] = lambda: None

    def __post_init__(self) -> None:
        self._leave = threading.Event()

    def tell(self, route: str, fault: Fault, times: int) -> None:
        """The next calls of a route get this."""
        self.told.setdefault(route, deque()).extend([fault] * times)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.told.clear()

    def next(self, route: str) -> Fault | None:
        """What this call gets."""
        waiting = self.told.get(route) or self.told.get(EVERY_ROUTE)
        return waiting.popleft() if waiting else self.chance()

    def respond(
        self,
        fault: Fault,
        answer: Callable[[], Response],
        error: Callable[[Fault], Response],
    ) -> Response:
        """The answer as the fault has it; `answer` does the work, `error` is the provider's own."""
        if fault.late_seconds:
            self._leave.wait(fault.late_seconds)
        done = answer() if fault.is_done or fault.is_good else None
        if fault.is_good and done is not None:
            return done
        if fault.hangs:
            self._leave.wait(HANG_SECONDS)
        if fault.body is None:
            return error(fault)
        response = Response(fault.body, fault.status, mimetype="application/json")
        if fault.promised is not None:
            response.automatically_set_content_length = False
            response.headers["Content-Length"] = str(fault.promised)
        return response

    def leave(self) -> None:
        """Whoever waits goes on."""
        self._leave.set()
