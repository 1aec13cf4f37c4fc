"""Exports of the books: transactions of a span, or the audit trail, as CSV or JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.ports import Context, UserRef

MAX_LIVE: Final = 5
EARLIEST: Final = date(1970, 1, 1)
LATEST: Final = date(9999, 12, 31)


class ExportKind(StrEnum):
    """What is exported."""

    TRANSACTIONS = "transactions"
    AUDIT = "audit"


class ExportFormat(StrEnum):
    """How."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class BookExport:
    """The right to fetch an export until `expires_at`; days are inclusive, instants RFC 3339."""

    id: str
    kind: ExportKind
    format: ExportFormat
    start: date = EARLIEST
    end: date = LATEST
    created_at: str
    expires_at: str


class BookExports(Protocol):
    """The exports of users."""

    def add(self, context: Context, export: BookExport) -> BookExport:
        """Raises `LimitReached`."""

    def list(self, user: UserRef) -> Sequence[BookExport]:
        """Those that can be fetched, newest first."""

    def get(self, user: UserRef, export_id: str) -> BookExport:
        """Raises `NotFound`, `ExportExpired`."""

    def remove(self, context: Context, export_id: str) -> None:
        """Raises `NotFound`."""

    def fetch(self, context: Context, export: BookExport) -> Iterator[bytes]:
        """The export as it is read; leaves an audit row."""
