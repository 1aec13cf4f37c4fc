"""Whether providers must show keys that were pinned beforehand."""

from enum import StrEnum
from typing import Final, Protocol

PINNING_FLAG: Final = "pinning"


class PinningMode(StrEnum):
    """What happens to a connection whose certificates show no pinned key."""

    ENFORCE = "enforce"  # it is not used
    REPORT = "report"  # it is used, counted and logged
    OFF = "off"  # nobody looks


class Flags(Protocol):
    """Switches that an operator sets while the service runs; they win over its configuration."""

    def get(self, name: str) -> str | None:
        """What it was set to, or None."""

    def set(self, name: str, value: str | None, *, request_id: str) -> None:
        """Set it, or with None leave it to the configuration again."""
