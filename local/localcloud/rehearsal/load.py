"""Steady load on one address, and what came of it."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from dataclasses import dataclass, field

from localcloud.rehearsal.proxy import HOST

THREADS = 4
PAUSE_SECONDS = 0.05
TIMEOUT_SECONDS = 15
LAST_GOOD = 299


@dataclass
class Load:
    """Requests one after another in each of a few threads, over connections that stay open.

    `paths` are asked in turn; a request fails by any status but 2xx, or by no answer at all.
    """

    port: int
    paths: tuple[str, ...]
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    answered: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Nothing is sent before `start`."""
        self._end, self._lock = threading.Event(), threading.Lock()
        self._threads = [
            threading.Thread(target=self._send, args=(each,), daemon=True)
            for each in range(THREADS)
        ]

    @property
    def total(self) -> int:
        """Requests that have ended."""
        with self._lock:
            return self.answered.total() + self.failures.total()

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the requests that are under way."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, total: int, seconds: float) -> bool:
        """Wait until `total` requests have ended; False when `seconds` have passed first."""
        pause = threading.Event()
        while self.total < total and seconds > 0:
            pause.wait(0.1)
            seconds -= 0.1
        return self.total >= total

    def _send(self, number: int) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_SECONDS)
        while not self._end.wait(PAUSE_SECONDS):
            path = self.paths[number % len(self.paths)]
            number += 1
            try:
                connection.request("GET", path, headers=self.headers)
                answer = connection.getresponse()
                answer.read()
                word = "" if answer.status <= LAST_GOOD else f"{path}: {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                word = f"{path}: {type(error).__name__}"
            with self._lock:
                if word:
                    self.failures[word] += 1
                else:
                    self.answered[path] += 1
        connection.close()
