"""Which transactions are listed or summed, and the port that knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, Page, Position, UserRef
from budgetbuddy.domain.transactions import (
    Fields,
    Review,
    Transaction,
    TransactionDraft,
    TransactionKind,
    TransactionStatus,
)


@dataclass(frozen=True, kw_only=True)
class TransactionFilter:
    """Which transactions to list; None and False do not restrict. Dates are inclusive.

    `deleted` lists the trash instead, by time of deletion.
    """

    start: date | None = None
    end: date | None = None
    account_id: str | None = None
    category_id: str | None = None
    status: TransactionStatus | None = None
    kind: TransactionKind | None = None
    review: Review | None = None
    tag: str | None = None
    text: str | None = None
    min_minor: int | None = None
    max_minor: int | None = None
    currency: str | None = None
    deleted: bool = False
    oldest_first: bool = False  # by amount: the smallest first
    by_amount: bool = False

    def matches_text(self, transaction: Transaction) -> bool:
        """Whether description, merchant or notes hold the text, whatever its case."""
        if self.text is None:
            return True
        texts = (transaction.description, transaction.merchant, transaction.notes)
        return any(self.text.casefold() in (text or "").casefold() for text in texts)


@dataclass(frozen=True, kw_only=True)
class CurrencyTotals:
    """Sums of one currency; `outflow` is negative."""

    inflow: Money
    outflow: Money
    count: int


class Transactions(Protocol):
    """The transactions of users. Methods raise `NotFound` for an id the user does not have."""

    def list(
        self, user: UserRef, wanted: TransactionFilter, *, limit: int, start: Position | None
    ) -> Page[Transaction]:
        """One page, newest first unless asked otherwise; it may be short and have a `next`."""

    def totals(
        self, user: UserRef, wanted: TransactionFilter
    ) -> tuple[Sequence[CurrencyTotals], bool]:
        """Sums by currency of what matches, and whether every row was looked at."""

    def get(self, user: UserRef, transaction_id: str) -> Transaction:
        """One, deleted ones included."""

    def add(self, context: Context, draft: TransactionDraft) -> Transaction:
        """Raises `AccountClosed`, `DuplicateImport`, `WrongCurrency`, `CategoryArchived`."""

    def change(
        self, context: Context, transaction_id: str, version: int, fields: Fields
    ) -> Transaction:
        """Replace fields; accounts and months follow. Raises as `add`, and `VersionConflict`."""

    def remove(self, context: Context, transaction_id: str, version: int) -> None:
        """Delete softly: it can be restored for 30 days. Raises `VersionConflict`."""

    def restore(self, context: Context, transaction_id: str) -> Transaction:
        """Undo a deletion. Raises `TransactionNotDeleted`."""
