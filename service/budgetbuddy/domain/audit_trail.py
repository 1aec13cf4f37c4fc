"""A user's own audit trail: read, exported, and proved."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from budgetbuddy.domain.audit import GENESIS, AuditRow, Event, Outcome
from budgetbuddy.domain.ports import Context, Page, Position, UserRef


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """One row of the trail in clear; `at` is RFC 3339."""

    seq: int
    at: str
    event: Event
    actor: str
    object: str
    outcome: Outcome
    ip: str
    user_agent: str
    details: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which rows; None does not restrict. Days are UTC and inclusive."""

    start: date | None = None
    end: date | None = None
    event: Event | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """A row as it is stored, beside the hash that was stored with it."""

    row: AuditRow
    stored_hash: str


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Where the chain ended when it was looked at: kept apart from the rows."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What the chain proves. `broken` is the first row that was changed, removed or put in."""

    first: int | None
    last: int | None
    rows: int
    broken: int | None

    @property
    def is_valid(self) -> bool:
        """Whether every row is what was written, and none is missing."""
        return self.broken is None


class AuditTrail(Protocol):
    """The trail of users."""

    def page(
        self, user: UserRef, wanted: AuditFilter, *, limit: int, start: Position | None
    ) -> Page[AuditRecord]:
        """One page, newest first; it may be short and have a `next`."""

    def export(self, context: Context) -> tuple[Anchor, Iterator[AuditRecord]]:
        """The end of the chain, and all rows up to it, oldest first. Leaves a row itself."""

    def verify(self, context: Context) -> Verification:
        """Recompute the chain. Leaves a row itself."""


def verify(links: Iterable[Link], anchor: Anchor, *, may_begin_later: bool) -> Verification:
    """Recompute a chain, oldest row first, up to its anchor.

    `may_begin_later` is whether the oldest rows can have reached the end of their retention.
    """
    first: int | None = None
    number, previous, rows = 0, GENESIS, 0
    for link in links:
        row = link.row
        if row.seq > anchor.seq:
            break  # written after the anchor was read
        if first is None:
            first = row.seq
            if may_begin_later:
                number, previous = row.seq - 1, row.prev
        is_next = row.seq == number + 1 and row.prev == previous
        if not is_next or row.hash() != link.stored_hash:
            return Verification(first=first, last=number or None, rows=rows, broken=number + 1)
        number, previous, rows = row.seq, link.stored_hash, rows + 1
    is_whole = (number, previous) == (anchor.seq, anchor.hash)
    broken = None if is_whole else min(number + 1, anchor.seq)
    return Verification(first=first, last=number or None, rows=rows, broken=broken)


def bounds(wanted: AuditFilter) -> Sequence[str]:
    """First and last instant of the days asked for."""
    first = wanted.start.isoformat() if wanted.start else "0000-00-00"
    last = wanted.end.isoformat() if wanted.end else "9999-99-99"
    return (f"{first}T00:00:00.000Z", f"{last}T23:59:59.999Z")
