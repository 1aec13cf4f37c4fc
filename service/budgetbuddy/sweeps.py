"""What the worker looks after by itself, whatever became of the messages about it.

Each worker sweeps; what one of them holds, the others leave alone.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final

from budgetbuddy.contract import Metric
from budgetbuddy.domain.services import Services
from budgetbuddy.problems import Problem
from budgetbuddy.telemetry import count, log, note_error, request_line

EVERY_SECONDS: Final = 300.0

Sweep = Callable[[], None]


def sweeps_of(services: Services) -> Mapping[str, Sweep]:
    """By name, each safe to repeat."""

    def erasures() -> None:
        count(Metric.ERASURE_OVERDUE, services.erasures.sweep())

    def pinning() -> None:
        services.pinning()  # tells, once it is asked, whether pins are enforced

    def audit_chains() -> None:
        count(Metric.AUDIT_CHAIN_BROKEN, services.verification.sweep())

    return {
        "erasures": erasures,
        "pinning": pinning,
        "webhooks": services.notices.sweep,
        "audit-chains": audit_chains,
    }


class Sweeper:
    """A thread that runs all sweeps every few minutes until it is told to stop."""

    def __init__(self, sweeps: Mapping[str, Sweep], every_seconds: float = EVERY_SECONDS) -> None:
        self._sweeps = sweeps
        self._every = every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Sweep now, and then again and again."""
        self._thread.start()

    def stop(self, within_seconds: float) -> bool:
        """Begin no sweep any more; whether the one at hand ended in time."""
        self._stopping.set()
        self._thread.join(within_seconds)
        return not self._thread.is_alive()

    def sweep(self) -> None:
        """All of them once; one that fails keeps no other from its turn."""
        for name, sweep in self._sweeps.items():
            with request_line() as fields:
                try:
                    sweep()
                except Problem as exc:
                    fields["code"] = exc.code
                except Exception as exc:  # noqa: BLE001 - the last resort: the next sweep tries again
                    note_error(exc)
                log("sweep", level="warning" if "code" in fields else "info", job=name, **fields)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.sweep()
            self._stopping.wait(self._every)
