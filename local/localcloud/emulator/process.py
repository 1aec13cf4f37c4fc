"""The embedded AWS as a process: ministack, on loopback only, in an environment of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localcloud.failure import LocalCloudError
from localcloud.paths import CHECKOUT, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERPRETER = CHECKOUT / ".venv-emulator" / "bin" / "python"
HOST = "127.0.0.1"
ACCOUNT_ID = "000000000000"  # what ministack says when the access key is no account id
REGION = "us-east-1"

START_SECONDS = 20
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Emulator:
    """One embedded AWS: where it answers and where it keeps its state."""

    port: int
    state: Path

    @property
    def endpoint(self) -> str:
        """URL that serves every AWS API."""
        return f"http://{HOST}:{self.port}"

    @property
    def command(self) -> list[str]:
        """Arguments that start the process. Raises `LocalCloudError` where it is not installed."""
        if not INTERPRETER.exists():
            raise LocalCloudError(
                "The embedded AWS is not installed.",
                why=f"{shown(INTERPRETER)} does not exist",
                remedy="make setup",
            )
        return [str(INTERPRETER), "-m", "ministack"]

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the process: loopback only, and state that survives a clean stop."""
        return {
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            # Its MQTT listener would bind every interface.
            "IOT_MTLS_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state / "s3"),
            "LOG_LEVEL": "WARNING",
            # It must not look for a container engine: nothing here runs containers.
            "DOCKER_HOST": f"tcp://{HOST}:1",
        }

    def is_healthy(self) -> bool:
        """Whether the process answers its health route."""
        return self._get("/_ministack/health") is not None

    def wait_until_healthy(self, seconds: float = START_SECONDS) -> None:
        """Return once it answers. Raises `LocalCloudError` when it has not after `seconds`."""
        pause = threading.Event()
        for _ in range(int(seconds / POLL_SECONDS)):
            if self.is_healthy():
                return
            pause.wait(POLL_SECONDS)
        raise LocalCloudError(
            f"The embedded AWS does not answer on {self.endpoint}.",
            why=f"no healthy answer within {seconds:.0f} s",
            remedy="python -m localcloud logs emulator",
        )

    def sent_mail(self) -> list[dict[str, Any]]:
        """Mail that SES has accepted, oldest first: `To`, `Subject`, `BodyText`, `Timestamp`."""
        answer = self._get("/_ministack/ses/messages") or {}
        messages: dict[str, list[dict[str, Any]]] = answer.get("messages", {})
        return sorted(
            (mail for mailbox in messages.values() for mail in mailbox),
            key=lambda mail: float(mail["Timestamp"]),
        )

    def _get(self, path: str) -> dict[str, Any] | None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if response.status != http.client.OK:
            return None
        try:
            answer = json.loads(body)
        except ValueError:  # some other server
            return None
        return answer if isinstance(answer, dict) else None


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
    return port


def is_port_taken(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@contextlib.contextmanager
def running(state: Path) -> Iterator[Emulator]:
    """A throw-away embedded AWS on a free port; gone, with its process, when the block ends."""
    emulator = Emulator(port=free_port(), state=state)
    state.mkdir(parents=True, exist_ok=True)
    with (state / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, arguments as a list
            emulator.command,
            env=os.environ | emulator.environment,
            stdout=log,
            stderr=log,
            cwd=state,
        )
    try:
        emulator.wait_until_healthy()
        yield emulator
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
