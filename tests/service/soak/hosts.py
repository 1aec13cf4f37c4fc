"""The service in processes that are killed, and come back as a scheduler would bring them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

HERE = Path(__file__).parent
SECONDS_TO_FALL = 10
SECONDS_TO_START = 60
SECONDS_OF_PEACE = (1.0, 3.0)  # between two kills: long enough to get something done


@dataclass
class Host:
    """One server with its workers; `kill` and `revive` are called by one thread."""

    variables: dict[str, str]
    log: IO[bytes]
    process: subprocess.Popen[bytes] = field(init=False)
    kills: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A new server process, in a group of its own."""
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "target.py")],
            env=self.variables | {"PYTHONPATH": str(HERE), "PATH": os.environ["PATH"]},
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def workers(self) -> list[int]:
        """Process ids below the server that serve requests."""
        listing = subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid=,args="],
            check=False,
            capture_output=True,
            text=True,
        )
        lines = [line.split(maxsplit=1) for line in listing.stdout.splitlines()]
        return [int(pid) for pid, command in lines if "resource_tracker" not in command]

    def kill(self, chance: random.Random) -> None:
        """Kill one worker, or every third time everything at once, without any warning."""
        self.kills += 1
        workers = self.workers()
        if self.kills % 3 and workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
        else:
            self.fall()

    def fall(self) -> None:
        """The whole task dies."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SECONDS_TO_FALL)

    def revive(self) -> None:
        """Start again what has ended."""
        if self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """Ended in order, then by force."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS_TO_FALL)
            except subprocess.TimeoutExpired:
                self.fall()


def torment(
    host: Host, seconds: float, chance: random.Random, is_ready: Callable[[], bool]
) -> None:
    """Kill something every few seconds for `seconds`, then leave a host that is whole."""
    pause, give_up = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < give_up:
        pause.wait(chance.uniform(*SECONDS_OF_PEACE))
        host.kill(chance)
        pause.wait(0.2)
        recover(host, is_ready)


def recover(host: Host, is_ready: Callable[[], bool]) -> None:
    """Until it serves again; a server whose workers die in a row gives up, and is replaced."""
    pause, give_up = threading.Event(), time.monotonic() + SECONDS_TO_START
    while not is_ready():
        assert time.monotonic() < give_up, "the service does not start"
        host.revive()
        pause.wait(0.1)
