"""Providers that fail at random, or altogether, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from localcloud.doubles.faults import Fault

if TYPE_CHECKING:
    import random

NOISE: Final = (
    Fault(status=429, kind="RATE_LIMIT_EXCEEDED", code="RATE_LIMIT"),
    Fault(status=500, code="INTERNAL_SERVER_ERROR"),
    Fault(status=503, body=b"<html>a proxy's page"),
    Fault(hangs=True),
    Fault(body=b'{"accounts": [', promised=999),
    Fault(body=b"no json"),
    Fault(body=b'{"added": 7}'),
    Fault(late_seconds=0.3, is_good=True),
    Fault(status=500, code="INTERNAL_SERVER_ERROR", is_done=True),  # done, and the answer is lost
)
OUT: Final = Fault(status=503, body=b"out of order")


@dataclass
class Weather:
    """`bad` is the share of calls that go wrong; `is_out` that all of them do."""

    chance: random.Random
    bad: float = 0.0
    is_out: bool = False
    felt: dict[str, int] = field(default_factory=dict)

    def __call__(self) -> Fault | None:
        """What the next call of a provider gets."""
        if self.is_out:
            return OUT
        if self.chance.random() >= self.bad:
            return None
        fault = self.chance.choice(NOISE)
        name = "hangs" if fault.hangs else str(fault.status)
        self.felt[name] = self.felt.get(name, 0) + 1
        return fault
