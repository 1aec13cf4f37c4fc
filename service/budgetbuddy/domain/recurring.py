"""Recurring items: money that moves again and again, on days that can be told ahead.

An item holds the next day and how often; all other days follow from them, and nothing is stored
that a late row could make wrong. Whether a day was kept is read from the rows themselves.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.money import Money
from budgetbuddy.domain.months import month_bounds, month_of, month_plus
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.domain.transactions import Transaction
from budgetbuddy.problems import Conflict, LimitReached

MAX_RECURRING: Final = 200
MAX_EVIDENCE: Final = 100


class AlreadyConfirmed(Conflict):
    """One item a payee, direction, currency and frequency."""

    code = "already_confirmed"
    title = "This is a recurring item already"


class Frequency(StrEnum):
    """How often."""

    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"

    def day(self, anchor: date, number: int) -> date:
        """The day so many turns after `anchor`; of a month too short for it, the last."""
        if self in _DAYS:
            return anchor + timedelta(days=number * _DAYS[self])
        first, last = month_bounds(month_plus(month_of(anchor), number * _MONTHS[self]))
        return min(last, first + timedelta(days=anchor.day - 1))

    def days(self, anchor: date, first: date, last: date) -> Iterator[date]:
        """Those of a span, both ends included; before `anchor` as well as after it."""
        turn = _SHORTEST[self] if first < anchor else _LONGEST[self]
        number = (first - anchor).days // turn - 1  # never too late
        while (day := self.day(anchor, number)) <= last:
            if day >= first:
                yield day
            number += 1


_DAYS: Final = {Frequency.WEEKLY: 7, Frequency.BIWEEKLY: 14}
_MONTHS: Final = {
    Frequency.MONTHLY: 1,
    Frequency.QUARTERLY: 3,
    Frequency.SEMIANNUAL: 6,
    Frequency.ANNUAL: 12,
}
_SHORTEST: Final = {**_DAYS, **{name: 28 * months for name, months in _MONTHS.items()}}
_LONGEST: Final = {**_DAYS, **{name: 31 * months for name, months in _MONTHS.items()}}


class RecurringStatus(StrEnum):
    """Only active items are looked for and counted on."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


Identity = tuple[str, str, bool, Frequency]


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """A negative `amount` flows out. `payee` is how rows of it are known; `evidence` are ids."""

    id: str
    name: str
    payee: str
    amount: Money
    tolerance_percent: int
    frequency: Frequency
    next_date: date
    category_id: str | None = None
    account_id: str | None = None
    status: RecurringStatus = RecurringStatus.ACTIVE
    evidence: tuple[str, ...] = ()
    version: int = 1

    @property
    def identity(self) -> Identity:
        """What there is one living item of."""
        return identity_of(self.payee, self.amount, self.frequency)

    def matches(self, row: Transaction) -> bool:
        """Whether a row could be one of this item's, whenever it was."""
        same_way = (row.amount.minor > 0) is (self.amount.minor > 0)
        if not same_way or row.amount.currency != self.amount.currency:
            return False
        if self.account_id is not None and row.account_id != self.account_id:
            return False
        off = abs(row.amount.minor - self.amount.minor)
        is_near = off * 100 <= self.tolerance_percent * abs(self.amount.minor)
        return is_near and f" {self.payee} " in f" {payee_of(row)} "


class RecurringItems(Protocol):
    """The items of users. Methods raise `NotFound` for an id the user does not have."""

    def list(self, user: UserRef) -> Sequence[Recurring]:
        """All, oldest first."""

    def get(self, user: UserRef, recurring_id: str) -> Recurring:
        """One."""

    def add(self, context: Context, item: Recurring) -> Recurring:
        """Store a new item; its payee is that of its evidence, if it has any.

        Raises `AlreadyConfirmed`, `LimitReached`, `CategoryArchived`, `WrongCurrency`.
        """

    def change(
        self, context: Context, recurring_id: str, version: int, fields: Mapping[str, Any]
    ) -> Recurring:
        """Replace the given fields. Raises as `add`, and `VersionConflict`."""

    def remove(self, context: Context, recurring_id: str, version: int) -> None:
        """Raises `VersionConflict`."""


class Rows(Protocol):
    """Live transactions of a span of dates."""

    def entries(self, user: UserRef, first: date, last: date) -> tuple[Sequence[Transaction], bool]:
        """Entries that are not excluded, newest first, and whether these are all there are."""


def identity_of(
    payee: str, amount: Money, frequency: Frequency
) -> tuple[str, str, bool, Frequency]:
    """Payee, currency, direction and frequency."""
    return payee, amount.currency.code, amount.minor > 0, frequency


def payee_of(row: Transaction) -> str:
    """Who was paid, as far as it is the same from one time to the next."""
    return normalised(row.merchant or row.description)


def normalised(text: str) -> str:
    """Words in lower case; those with digits (dates, references) only when there are no others."""
    words = unicodedata.normalize("NFKC", text).casefold().split()
    stable = [word for word in words if not any(c.isdigit() for c in word)]
    kept = [word.strip(".,:;*#-_/") for word in stable or words]
    return " ".join(word for word in kept if word) or " ".join(words)


def require_room(items: Sequence[Recurring]) -> None:
    """Raises `LimitReached`."""
    if len(items) >= MAX_RECURRING:
        raise LimitReached(f"at most {MAX_RECURRING} recurring items")


def require_new(items: Sequence[Recurring], item: Recurring) -> None:
    """Raises `AlreadyConfirmed` when a living item is the same."""
    for other in items:
        is_living = other.status is not RecurringStatus.ENDED
        if other.id != item.id and is_living and other.identity == item.identity:
            raise AlreadyConfirmed
