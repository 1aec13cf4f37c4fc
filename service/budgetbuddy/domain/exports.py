"""Exports: what a user may take away for seven days, read from the books when it is fetched."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Gone

KEPT: Final = timedelta(days=7)


class ExportExpired(Gone):
    """Seven days have passed."""

    code = "export_expired"
    title = "The export has expired; ask for another"


@dataclass(frozen=True, kw_only=True)
class Export:
    """The right to fetch an archive until `expires_at`. Instants are RFC 3339."""

    id: str
    created_at: str
    expires_at: str


class PersonalData(Protocol):
    """Everything that is kept about a user."""

    def grant(self, context: Context) -> Export:
        """Allow an archive to be fetched for seven days."""

    def get(self, user: UserRef, export_id: str) -> Export:
        """Raises `NotFound`, `ExportExpired`."""

    def fetch(self, context: Context, export_id: str) -> Iterator[bytes]:
        """The archive as it is read. Raises as `get` before the first byte; leaves an audit row."""
