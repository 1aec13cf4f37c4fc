"""Tells the worker that a user's outbox has grown: soon, and as well as it goes.

Whoever commits does not wait for the queue. What is lost here is found by the worker's sweep.
"""

import threading
from queue import Empty, Full
from queue import Queue as Line
from typing import Final

from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.problems import Problem
from budgetbuddy.telemetry import log

LONGEST_LINE: Final = 1_000
IDLE_SECONDS: Final = 30.0  # then the thread ends, until it is needed again


class Bell:
    """Rung with a user's id. `waits` is for where there is no worker: the work is done at once."""

    def __init__(self, queue: Queue, *, waits: bool, idle_seconds: float = IDLE_SECONDS) -> None:
        self._queue = queue
        self._waits = waits
        self._idle = idle_seconds
        self._line: Line[str] = Line(LONGEST_LINE)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self, user_id: str) -> None:
        """Never fails, and without `waits` never waits."""
        if self._waits:
            self._send(user_id)
            return
        try:
            self._line.put_nowait(user_id)
        except Full:
            log("outbox.untold", level="warning")
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._send(self._line.get(timeout=self._idle))
            except Empty:
                with self._lock:
                    if self._line.empty():
                        self._thread = None
                        return

    def _send(self, user_id: str) -> None:
        try:
            self._queue.send(Message(kind=MessageKind.OUTBOX, data={"user": user_id}))
        except Problem as exc:
            log("outbox.untold", level="warning", code=exc.code)
