"""One local cloud for the whole session, brought up as a user would, beside any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from localcloud.client import Client
from localcloud.emulator.process import Emulator, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UP_SECONDS = 300


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud: its state directory, the service's port and what `up` printed."""

    state: Path
    port: int
    printed: str

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"LOCALCLOUD_STATE": str(self.state)}

    @property
    def ports(self) -> dict[str, int]:
        """By process."""
        ports: dict[str, int] = json.loads((self.state / "local" / "ports.json").read_text())
        return ports

    @property
    def emulator(self) -> Emulator:
        return Emulator(port=self.ports["emulator"], state=self.state / "local" / "emulator")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m localcloud ARGUMENTS` against this cloud."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "localcloud", *arguments],
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
        )

    def client(self) -> Client:
        token = self.run("token")
        assert token.returncode == 0, token.stderr
        return Client(self.port, token=token.stdout.strip())


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    state = tmp_path_factory.mktemp("cloud")
    cloud = LocalCloud(state, free_port(), "")
    try:
        up = cloud.run("up", "--api-port", str(cloud.port))
        assert up.returncode == 0, up.stdout + up.stderr
        yield LocalCloud(state, cloud.port, up.stdout)
    finally:
        cloud.run("down", "--wipe")
