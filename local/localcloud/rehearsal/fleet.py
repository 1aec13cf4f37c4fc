"""What ECS does at a release, on this machine: blue and green side by side, and a switch between.

A generation is the service and its worker in processes of their own, started from their image: a
copy of the sources that Build made. Green must become ready before it gets a request; else it goes
and blue stays.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.emulator.process import free_port
from localcloud.rehearsal.proxy import HOST, Proxy
from localcloud.task import task_environment

if TYPE_CHECKING:
    from pathlib import Path

READY_SECONDS = 45.0
DRAIN_SECONDS = 30.0
STOP_SECONDS = 40
POLL_SECONDS = 0.1
SUCCESSFUL, ROLLED_BACK = "SUCCESSFUL", "ROLLBACK_SUCCESSFUL"


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A running copy of the service; `port` is where the API answers."""

    digest: str
    release: str
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)
    worker: subprocess.Popen[bytes] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a generation is started with: where images and logs lie, and what answers for others."""

    images: Path
    logs: Path
    endpoint: str  # the embedded AWS
    plaid_url: str
    stripe_url: str


class Fleet:
    """One generation behind the load balancer on `port`, and for a moment two."""

    def __init__(self, port: int, around: Surroundings) -> None:
        self._port, self._around = port, around
        self._proxy: Proxy | None = None
        self._lock = threading.Lock()  # one deployment at a time
        self.current: Generation | None = None
        self.deployments: list[tuple[str, str]] = []  # digest, status; newest last

    def deploy(self, outputs: dict[str, Any]) -> tuple[str, str]:
        """Bring up what the stack's `outputs` name; status in ECS's words, and why."""
        digest, release = str(outputs["imageDigest"]), str(outputs["release"])
        with self._lock:
            current = self.current
            if current and (current.digest, current.release) == (digest, release):
                return SUCCESSFUL, "nothing to do"
            status, why = self._replace(current, digest, release, outputs)
            self.deployments.append((digest, status))
            return status, why

    def stop(self) -> None:
        """End load balancer and generation."""
        if self._proxy:
            self._proxy.stop()
        if self.current:
            _end(self.current)
        self._proxy = self.current = None

    def _replace(
        self, blue: Generation | None, digest: str, release: str, outputs: dict[str, Any]
    ) -> tuple[str, str]:
        image = self._around.images / digest.removeprefix("sha256:")
        if not image.is_dir():
            return ROLLED_BACK, f"CannotPullContainerError: {digest} is not in the repository"
        green = self._start(image, digest, release, outputs)
        if why := _unready(green):
            _end(green)
            return ROLLED_BACK, f"deployment circuit breaker: {why}"
        if self._proxy is None:
            self._proxy = Proxy(self._port, green.port)
            self._proxy.start()
        self._proxy.switch(green.port)
        self.current = green
        if blue:
            self._proxy.drain(blue.port, DRAIN_SECONDS)
            _end(blue)
        return SUCCESSFUL, f"release {release} serves"

    def _start(self, image: Path, digest: str, release: str, outputs: dict[str, Any]) -> Generation:
        port = free_port()
        return Generation(
            digest=digest,
            release=release,
            port=port,
            process=self._task("budgetbuddy.server", image, port, outputs),
            worker=self._task("budgetbuddy.worker", image, free_port(), outputs),
        )

    def _task(
        self, module: str, image: Path, port: int, outputs: dict[str, Any]
    ) -> subprocess.Popen[bytes]:
        around = self._around
        doubles = {"PLAID_BASE_URL": around.plaid_url, "STRIPE_BASE_URL": around.stripe_url}
        told = task_environment(outputs, around.endpoint, port, doubles)
        inherited = {each: os.environ[each] for each in ("PATH", "HOME") if each in os.environ}
        around.logs.mkdir(parents=True, exist_ok=True)
        with (around.logs / f"{module}-{image.name[:12]}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own service
                [sys.executable, "-P", "-m", module],
                env=inherited | told | {"PYTHONPATH": str(image), "WORKERS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def _unready(green: Generation) -> str:
    """Why it never became ready; empty once it is."""
    pause = threading.Event()
    last = "no answer"
    for _ in range(int(READY_SECONDS / POLL_SECONDS)):
        for task in (green.process, green.worker):
            if (code := task.poll()) is not None:
                return f"a task ended with code {code}"
        connection = http.client.HTTPConnection(HOST, green.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            last = f"status {connection.getresponse().status}"
            if last == "status 200":
                return ""
        except (OSError, http.client.HTTPException):
            pass  # not listening yet
        finally:
            connection.close()
        pause.wait(POLL_SECONDS)
    return f"not ready within {READY_SECONDS:.0f} s, {last}"


def _end(generation: Generation) -> None:
    """SIGTERM, then after the service's own time to drain, an end."""
    tasks = (generation.process, generation.worker)
    for task in tasks:
        task.terminate()
    for task in tasks:
        try:
            task.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            task.kill()
            task.wait()
