"""The loopback ports of stack `local`: chosen once, remembered between runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from localcloud import supervision
from localcloud.emulator.process import free_port, is_port_taken
from localcloud.failure import LocalCloudError
from localcloud.paths import LOCAL

DEFAULT_API_PORT = 8080
PORTS = LOCAL / "ports.json"


@dataclass(frozen=True)
class Ports:
    """Loopback ports of stack `local`, remembered between runs."""

    emulator: int
    api: int
    plaid: int = 0  # 0: none yet, by an earlier version
    worker: int = 0
    stripe: int = 0


def remembered_ports() -> Ports | None:
    """The ports of the last `up`, or None before the first."""
    return Ports(**json.loads(PORTS.read_text())) if PORTS.exists() else None


def choose_ports(api_port: int | None) -> Ports:
    """Remembered ports first. Raises `LocalCloudError` when one is taken by somebody else."""
    # The embedded AWS keeps its secrets here in clear: nobody else may look.
    LOCAL.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = remembered_ports()
    api = api_port or (old.api if old else DEFAULT_API_PORT)
    emulator = old.emulator if old else free_port()
    running = {state.name for state in supervision.states() if state.is_running}
    if is_port_taken(api) and not (old and old.api == api and "service" in running):
        raise LocalCloudError(
            f"Port {api}, on which the service should answer, is taken.",
            why="another process listens on it (see it with: ss -ltnp)",
            remedy=f"make up API_PORT={free_port()}   (or stop that process)",
        )
    if is_port_taken(emulator) and "emulator" not in running:
        raise LocalCloudError(
            f"Port {emulator}, which stack local remembers for the embedded AWS, is taken.",
            why="another process listens on it (see it with: ss -ltnp)",
            remedy="stop that process, or start over: make down WIPE=1",
        )
    ports = Ports(
        emulator=emulator,
        api=api,
        plaid=(old.plaid if old else 0) or free_port(),
        worker=(old.worker if old else 0) or free_port(),
        stripe=(old.stripe if old else 0) or free_port(),
    )
    PORTS.write_text(json.dumps(asdict(ports)))
    return ports
