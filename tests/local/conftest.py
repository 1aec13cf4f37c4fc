"""Throw-away local clouds: nothing here touches the state kept in the checkout's `build/local`."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localcloud import supervision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class CommandLine:
    """`python -m localcloud` of a local cloud of its own, kept under `state`."""

    state: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "localcloud", *arguments],
            env=os.environ | {"LOCALCLOUD_STATE": str(self.state), "COLUMNS": "200"},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "cloud")


@pytest.fixture
def supervisor(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory of a supervisor that the command line of this test sees as well."""
    local = command_line.state / "local"
    monkeypatch.setattr(supervision, "LOCAL", local)
    monkeypatch.setattr(supervision, "LOGS", local / "logs")
    monkeypatch.setattr(supervision, "CONFIGURATION", local / "supervisord.conf")
    yield local
    supervision.stop()
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(supervision.runtime_directory())


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether `holds` becomes true within `seconds`."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.05)
    return True


@pytest.fixture
def eventually() -> Callable[..., bool]:
    """Asks until a condition holds; False when it never does."""
    return wait_until


def alive(pid: int) -> bool:
    """Whether the process runs; one that only waits for its parent's attention does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    return alive


@pytest.fixture
def marked(tmp_path: Path) -> Callable[[], list[int]]:
    """Process ids of everything started with `LOCALCLOUD_TEST` set to this test's directory."""
    mark = f"LOCALCLOUD_TEST={tmp_path}".encode()

    def find() -> list[int]:
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (directory / "environ").read_bytes().split(b"\0"):
                    found.append(int(directory.name))
        return [pid for pid in found if alive(pid)]

    return find
