"""When recurring items are due, and which of their days were kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from budgetbuddy.domain.months import month_bounds, month_of, month_plus
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.domain.recurring import (
    Frequency,
    Recurring,
    RecurringItems,
    RecurringStatus,
    Rows,
    identity_of,
)
from budgetbuddy.domain.recurring_detection import Candidate, candidates
from budgetbuddy.domain.transactions import Transaction

LOOKED_BACK: Final = timedelta(days=31)  # a day missed longer ago is not shown any more
# A row this many days off a due day is the one that was due.
SLACK: Final = {Frequency.WEEKLY: 2, Frequency.BIWEEKLY: 3}
LONGEST_SLACK: Final = 5


class DueStatus(StrEnum):
    """Of one due day."""

    DUE = "due"
    OVERDUE = "overdue"
    MATCHED = "matched"


@dataclass(frozen=True, kw_only=True)
class Due:
    """One due day of an item, and the row that kept it."""

    item: Recurring
    day: date
    status: DueStatus
    row: Transaction | None = None


@dataclass(frozen=True, kw_only=True)
class Detection:
    """`complete`: every row of the months was looked at."""

    candidates: Sequence[Candidate]
    examined: int
    complete: bool


class RecurringCalendar:
    """Reads only: items and rows."""

    def __init__(self, items: RecurringItems, rows: Rows) -> None:
        self._items = items
        self._rows = rows

    def detect(self, user: UserRef, months: int, today: date) -> Detection:
        """What recurs in the last months and is no item yet."""
        first, _ = month_bounds(month_plus(month_of(today), 1 - months))
        rows, complete = self._rows.entries(user, first, today)
        known = {
            item.identity
            for item in self._items.list(user)
            if item.status is not RecurringStatus.ENDED
        }
        found = [
            candidate
            for candidate in candidates(rows, today)
            if identity_of(candidate.payee, candidate.amount, candidate.frequency) not in known
        ]
        return Detection(candidates=found, examined=len(rows), complete=complete)

    def upcoming(self, user: UserRef, days: int, today: date) -> Sequence[Due]:
        """Due days of active items from a month ago to so many days ahead, the earliest first."""
        items = [i for i in self._items.list(user) if i.status is RecurringStatus.ACTIVE]
        if not items:
            return []
        first, last = today - LOOKED_BACK, today + timedelta(days=days)
        slack = timedelta(days=LONGEST_SLACK)
        rows, _ = self._rows.entries(user, first - slack, last + slack)
        found = [due for item in items for due in due_days(item, rows, first, last, today)]
        return sorted(found, key=lambda due: (due.day, due.item.id))


def due_days(
    item: Recurring, rows: Sequence[Transaction], first: date, last: date, today: date
) -> list[Due]:
    """The due days of one item from its next day on; each row keeps one of them."""
    left = [row for row in rows if item.matches(row)]
    slack = SLACK.get(item.frequency, LONGEST_SLACK)
    found = []
    for day in item.frequency.days(item.next_date, max(first, item.next_date), last):
        near = [row for row in left if abs((row.date - day).days) <= slack]
        row = min(near, key=lambda row: (abs((row.date - day).days), row.id), default=None)
        if row is not None:
            left.remove(row)
            status = DueStatus.MATCHED
        else:
            status = DueStatus.OVERDUE if day < today else DueStatus.DUE
        found.append(Due(item=item, day=day, status=status, row=row))
    return found
