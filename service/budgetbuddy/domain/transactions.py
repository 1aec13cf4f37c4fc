"""Transactions: one movement of money on one account, and the rules it obeys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from budgetbuddy.domain.cards import contains_card_number
from budgetbuddy.domain.categories import CategoryArchived, CategoryRef
from budgetbuddy.domain.money import Money, total
from budgetbuddy.problems import Conflict, FieldError, Unprocessable, ValidationFailed

EARLIEST: Final = date(1970, 1, 1)
FUTURE: Final = timedelta(days=366)
KEPT_DELETED: Final = timedelta(days=30)


class TransactionStatus(StrEnum):
    """Pending rows count in the pending balance only."""

    POSTED = "posted"
    PENDING = "pending"


class TransactionKind(StrEnum):
    """Only entries count as income and spending."""

    ENTRY = "entry"
    TRANSFER = "transfer"
    OPENING = "opening"
    ADJUSTMENT = "adjustment"


class Review(StrEnum):
    """The user's own mark."""

    NONE = "none"
    FLAGGED = "flagged"
    REVIEWED = "reviewed"


class Source(StrEnum):
    """Where a row came from."""

    MANUAL = "manual"
    IMPORT = "import"
    PLAID = "plaid"


class SplitSumMismatch(Unprocessable):
    """The parts are not the whole."""

    code = "split_sum_mismatch"
    title = "The splits do not sum to the amount"


class RangeTooWide(Unprocessable):
    """The dates are too far apart, or open, for what is asked."""

    code = "range_too_wide"
    title = "The range of dates is too wide"


class SortWindowTooLarge(Unprocessable):
    """Sorting by amount looks at every row that matches, so there must be few."""

    code = "sort_window_too_large"
    title = "There is too much to sort by amount"


class CardNumberDetected(Unprocessable):
    """Card numbers are never stored; `errors` name the fields, not the digits."""

    code = "card_number_detected"
    title = "A text holds a card number"


class DuplicateImport(Conflict):
    """A row with this import id has been on the account before."""

    code = "duplicate_import"
    title = "This row was imported before"


class TransactionDeleted(Conflict):
    """A deleted transaction can only be restored."""

    code = "transaction_deleted"
    title = "The transaction is deleted"


class TransactionNotDeleted(Conflict):
    """Nothing to restore."""

    code = "transaction_not_deleted"
    title = "The transaction is not deleted"


class TransferLeg(Conflict):
    """The two legs of a transfer change together."""

    code = "transfer_leg"
    title = "This is one leg of a transfer"


@dataclass(frozen=True, kw_only=True)
class Split:
    """A part of a transaction with a category of its own; same currency and sign as the whole."""

    category: CategoryRef
    amount: Money
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """A negative amount flows out. Instants are RFC 3339; `deleted_at` is None while it counts."""

    id: str
    account_id: str
    date: date
    amount: Money
    description: str
    merchant: str | None = None
    notes: str | None = None
    category: CategoryRef | None = None
    splits: tuple[Split, ...] = ()
    tags: tuple[str, ...] = ()
    status: TransactionStatus = TransactionStatus.POSTED
    excluded: bool = False
    review: Review = Review.NONE
    import_id: str | None = None
    kind: TransactionKind = TransactionKind.ENTRY
    transfer_id: str | None = None
    source: Source = Source.MANUAL
    created_at: str = ""
    updated_at: str = ""
    deleted_at: str | None = None
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class SplitDraft:
    """A split as a client asks for it."""

    category_id: str
    amount: Money
    note: str | None = None


Fields = Mapping[str, Any]  # attributes of Transaction, `category_id` and `splits` as drafts


@dataclass(frozen=True, kw_only=True)
class TransactionDraft:
    """A transaction as a client asks for it; `fields` are plain attributes of `Transaction`."""

    fields: Fields
    category_id: str | None = None
    splits: tuple[SplitDraft, ...] = field(default=())


def require_valid_splits(splits: Sequence[Split], whole: Money) -> None:
    """Raises `SplitSumMismatch` unless the parts have the whole's sign and sum to it."""
    if not splits:
        return
    amounts = [split.amount for split in splits]
    fits = (
        all(amount.currency == whole.currency for amount in amounts)
        and all((amount.minor < 0) == (whole.minor < 0) and amount.minor for amount in amounts)
        and total(amounts, whole.currency) == whole
    )
    if not fits:
        raise SplitSumMismatch


def require_plausible_date(day: date, today: date, pointer: str = "/date") -> None:
    """Raises `ValidationFailed` unless the date is from 1970 on and at most 366 days ahead."""
    if not EARLIEST <= day <= today + FUTURE:
        detail = "The date is before 1970 or more than a year ahead"
        raise ValidationFailed(
            errors=[FieldError(pointer=pointer, code="date_out_of_range", detail=detail)]
        )


def require_no_card_number(texts: Mapping[str, str | None]) -> None:
    """`texts` is JSON pointer to text. Raises `CardNumberDetected` naming each pointer at fault."""
    found = [pointer for pointer, text in texts.items() if text and contains_card_number(text)]
    if found:
        detail = "holds a card number"
        errors = [
            FieldError(pointer=pointer, code=CardNumberDetected.code, detail=detail)
            for pointer in found
        ]
        raise CardNumberDetected(errors=errors)


def require_live_category(*, archived: bool) -> None:
    """Raises `CategoryArchived`."""
    if archived:
        raise CategoryArchived


def changed(transaction: Transaction, fields: Fields, now: str) -> Transaction:
    """The transaction with these attributes replaced. Raises what the rules above raise."""
    if transaction.deleted_at is not None:
        raise TransactionDeleted
    if transaction.transfer_id and not fields.keys().isdisjoint({"amount", "date", "account_id"}):
        raise TransferLeg
    result = replace(transaction, **fields, updated_at=now, version=transaction.version + 1)
    require_valid_splits(result.splits, result.amount)
    return result


def deleted(transaction: Transaction, now: str) -> Transaction:
    """The transaction in the trash. Raises `TransactionDeleted`, `TransferLeg`."""
    if transaction.deleted_at is not None:
        raise TransactionDeleted
    if transaction.transfer_id is not None:
        raise TransferLeg
    return replace(transaction, deleted_at=now, updated_at=now, version=transaction.version + 1)


def restored(transaction: Transaction, now: str) -> Transaction:
    """The transaction back from the trash. Raises `TransactionNotDeleted`, `TransferLeg`."""
    if transaction.deleted_at is None:
        raise TransactionNotDeleted
    if transaction.transfer_id is not None:
        raise TransferLeg
    return replace(transaction, deleted_at=None, updated_at=now, version=transaction.version + 1)
