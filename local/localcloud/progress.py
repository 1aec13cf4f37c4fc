"""Progress of long steps: what runs, for how long, and how it ended."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

console = Console(highlight=False, soft_wrap=True)

# Where output is not a terminal (CI, a file), a line this often shows that work goes on.
HEARTBEAT_SECONDS = 15


@contextmanager
def step(title: str, *, expected: str | None = None) -> Iterator[None]:
    """Show `title` while the body runs, then how long it took; `expected` is the usual time."""
    hint = f" [dim]({expected})[/dim]" if expected else ""
    started = time.monotonic()
    try:
        if console.is_terminal:
            with console.status(f"{title}{hint}"):
                yield
        else:
            with _heartbeat(f"{title}{hint}", started):
                yield
    except BaseException:
        console.print(f"[red]✗[/red] {title} [dim]{_elapsed(started)}[/dim]")
        raise
    console.print(f"[green]✓[/green] {title} [dim]{_elapsed(started)}[/dim]")


@contextmanager
def _heartbeat(title: str, started: float) -> Iterator[None]:
    console.print(f"… {title}")
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            console.print(f"… {title} [dim]{_elapsed(started)}[/dim]")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _elapsed(started: float) -> str:
    seconds = time.monotonic() - started
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"


def fail(what: str, why: str, remedy: str) -> None:
    """Print a failure: what failed, why, and the command that helps."""
    sys.stdout.flush()
    error = Console(stderr=True, highlight=False, soft_wrap=True)
    error.print(f"[red]Error:[/red] {what}")
    error.print(f"  why: {why}", markup=False)
    error.print(f"  do:  {remedy}", markup=False)
