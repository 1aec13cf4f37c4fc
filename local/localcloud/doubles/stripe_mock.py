"""Stripe's own `stripe-mock`: checks every request against Stripe's published API, keeps no state.

Taken from PATH, or built from its Go module into the user's cache, about half a minute once.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.failure import LocalCloudError
from localcloud.paths import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = Path(__file__).parent / "stripe_cli"
PACKAGE = "github.com/stripe/stripe-mock"
LISTENING = re.compile(r"Listening for HTTP at address: (127\.0\.0\.1:[0-9]+)")


def acquire() -> Path:
    """The program. Raises `LocalCloudError` where it can neither be found nor built."""
    found = shutil.which("stripe-mock")
    if found is not None:
        return Path(found)
    key = hashlib.sha256((MODULE / "go.sum").read_bytes()).hexdigest()[:16]
    target = cache_directory() / "stripe-mock" / key / "stripe-mock"
    if not target.is_file():
        _build(target)
    return target


def _build(target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise LocalCloudError(
            "stripe-mock cannot be had.",
            why="it is not on PATH, and there is no Go to build it with",
            remedy="install Go ≥ 1.25 (https://go.dev/doc/install)",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its final place and renamed, so an interrupted build leaves nothing half-made.
    half_made = target.with_name(f"stripe-mock.{os.getpid()}")
    command = [go, "build", "-trimpath", "-mod=readonly", "-ldflags", "-s -w"]
    try:
        subprocess.run(  # noqa: S603 - a fixed program, arguments as a list
            [*command, "-o", str(half_made), PACKAGE],
            cwd=MODULE,
            check=True,
            capture_output=True,
            text=True,
        )
        half_made.rename(target)
    except subprocess.CalledProcessError as exc:
        lines = (exc.stderr or exc.stdout).strip().splitlines() or [f"exit code {exc.returncode}"]
        raise LocalCloudError(
            "stripe-mock cannot be built.", why=lines[-1], remedy="go env GOPROXY"
        ) from exc
    finally:
        half_made.unlink(missing_ok=True)


@contextmanager
def serve() -> Iterator[str]:
    """Where it answers, on a free port of loopback."""
    command = [str(acquire()), "-http-addr", "127.0.0.1:0"]
    with subprocess.Popen(  # noqa: S603 - our own build, arguments as a list
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield f"http://{_address(process)}"
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if found := LISTENING.search(line):
            return found.group(1)
    raise LocalCloudError(
        "stripe-mock does not start.", why=" ".join(said).strip(), remedy="run it by hand"
    )
