"""What the policy packs add to a preview, on the real engine."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from results import Result

from localcloud.progress import step
from localcloud.stack import preview_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.stack import Stack

ROUNDS = 3
BAR = 1.5
SECONDS_BAR = 15.0


def measure() -> Iterator[Result]:
    """Preview of production with pack `all` against the same without packs, interleaved."""
    judged = preview_stack("production")
    bare = replace(judged, packs=())
    judged.prepare(judged.program.sample)  # with the service, as make preview shows it
    with_packs, without = [], []
    for _ in range(ROUNDS):
        without.append(_seconds(bare))
        with_packs.append(_seconds(judged))
    ours, theirs = statistics.median(with_packs), statistics.median(without)
    yield Result(
        name="preview of production under pack all",
        measured=f"{ours:.1f} s",
        baseline=f"{theirs:.1f} s without packs",
        ratio=ours / theirs,
        bar=BAR,
    )
    yield Result(
        name="the same against its allowance",
        measured=f"{ours:.1f} s",
        baseline=f"{SECONDS_BAR:.0f} s",
        ratio=ours / SECONDS_BAR,
        bar=1.0,
    )


def _seconds(stack: Stack) -> float:
    with step(f"Previewing with {len(stack.packs)} packs"):
        started = time.perf_counter()
        failures = stack.preview()
        spent = time.perf_counter() - started
    assert not failures, failures
    return spent
