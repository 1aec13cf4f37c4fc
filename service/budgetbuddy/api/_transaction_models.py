"""What `/transactions` takes and gives."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import (
    CalendarDate,
    Description,
    ImportId,
    Merchant,
    MoneyView,
    NonZeroMoney,
    Note,
    Notes,
    Tag,
    unset,
)
from budgetbuddy.domain.transaction_queries import (
    CurrencyTotals,
)
from budgetbuddy.domain.transactions import (
    Review,
    Source,
    SplitDraft,
    Transaction,
    TransactionDraft,
    TransactionKind,
    TransactionStatus,
)

Tags = Annotated[tuple[Tag, ...], Field(max_length=20)]


class TransactionPath(Query):
    """Path of one transaction."""

    transaction_id: str


class SplitInput(Input):
    """A part of a transaction; currency and sign are those of the whole."""

    category_id: str
    amount: NonZeroMoney
    note: Note | None = None

    def draft(self) -> SplitDraft:
        """The part as the domain takes it."""
        return SplitDraft(category_id=self.category_id, amount=self.amount.money(), note=self.note)


SplitList = Annotated[tuple[SplitInput, ...], Field(min_length=2, max_length=50)]


class SplitsInput(Input):
    """All parts; they sum to the amount of the transaction."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "splits": [
                    {
                        "categoryId": "cat_01jdk2v7x8e9rts0a1b2c3d4e5",
                        "amount": {"amount": "-30.00", "currency": "EUR"},
                    },
                    {
                        "categoryId": "cat_01jdk2v7x8e9rts0a1b2c3d4e6",
                        "amount": {"amount": "-12.50", "currency": "EUR"},
                    },
                ]
            }
        }
    )

    splits: SplitList


class NoSplitsQuery(Query):
    """The category that the whole goes to."""

    category_id: str | None = None


class _Fields(Input):
    """What new and changed transactions have in common: how fields reach the domain."""

    @field_validator("tags", check_fields=False)
    @classmethod
    def _no_tag_twice(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(tags)) < len(tags):
            raise PydanticCustomError("duplicate_tag", "A tag stands in the list twice")
        return tags

    def fields(self) -> dict[str, Any]:
        """The fields given, named and typed as the domain has them."""
        fields = {name: getattr(self, name) for name in self.model_fields_set}
        if "amount" in fields:
            fields["amount"] = fields["amount"].money()
        if "splits" in fields:
            fields["splits"] = tuple(split.draft() for split in fields["splits"] or ())
        return fields


class NewTransaction(_Fields):
    """A transaction to be booked."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accountId": "acc_01jdk2p6m4ze5v9q0w3n8r7t1x",
                "date": "2026-01-31",
                "amount": {"amount": "-12.50", "currency": "EUR"},
                "description": "Lunch with Ada",
                "tags": ["team"],
            }
        }
    )

    account_id: str
    date: CalendarDate
    amount: NonZeroMoney
    description: Description
    merchant: Merchant | None = None
    notes: Notes | None = None
    category_id: str | None = None
    splits: SplitList | None = None
    tags: Tags = ()
    status: TransactionStatus = TransactionStatus.POSTED
    excluded: bool = False
    review: Review = Review.NONE
    import_id: ImportId | None = None

    def draft(self) -> TransactionDraft:
        """The transaction as the domain takes it."""
        fields = self.fields()
        category_id, splits = fields.pop("category_id", None), fields.pop("splits", ())
        return TransactionDraft(fields=fields, category_id=category_id, splits=splits)


class TransactionChange(_Fields):
    """Fields to replace; absent ones stay, null clears where there can be nothing."""

    model_config = ConfigDict(json_schema_extra={"example": {"description": "Lunch with Bob"}})

    account_id: str = unset()
    date: CalendarDate = unset()
    amount: NonZeroMoney = unset()
    description: Description = unset()
    merchant: Merchant | None = unset()
    notes: Notes | None = unset()
    category_id: str | None = unset()
    splits: SplitList | None = unset()
    tags: Tags = unset()
    status: TransactionStatus = unset()
    excluded: bool = unset()
    review: Review = unset()


class SplitView(View):
    """A part of a transaction."""

    category_id: str
    amount: MoneyView
    note: str | None


class TransactionView(View):
    """A transaction; `deletedAt` is set while it lies in the trash."""

    id: str
    account_id: str
    date: date
    amount: MoneyView
    description: str
    merchant: str | None
    notes: str | None
    category_id: str | None
    splits: list[SplitView]
    tags: list[str]
    status: TransactionStatus
    excluded: bool
    review: Review
    import_id: str | None
    kind: TransactionKind
    transfer_id: str | None
    source: Source
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int

    @classmethod
    def of(cls, row: Transaction) -> "TransactionView":
        """The view of a transaction."""
        plain = {name: getattr(row, name) for name in _PLAIN}
        return cls(
            **plain,
            amount=MoneyView.of(row.amount),
            category_id=row.category.id if row.category else None,
            tags=list(row.tags),
            splits=[
                SplitView(
                    category_id=split.category.id,
                    amount=MoneyView.of(split.amount),
                    note=split.note,
                )
                for split in row.splits
            ],
        )


_PLAIN = TransactionView.model_fields.keys() - {"amount", "category_id", "tags", "splits"}


class CurrencySums(View):
    """Sums of one currency; `outflow` is negative."""

    currency: str
    inflow: MoneyView
    outflow: MoneyView
    count: int


class TotalsView(View):
    """Sums by currency; not `complete` when more rows match than one request reads (5,000)."""

    by_currency: list[CurrencySums]
    complete: bool

    @classmethod
    def of(cls, totals: Sequence[CurrencyTotals], *, complete: bool) -> "TotalsView":
        """The view of sums."""
        sums = [
            CurrencySums(
                currency=found.inflow.currency.code,
                inflow=MoneyView.of(found.inflow),
                outflow=MoneyView.of(found.outflow),
                count=found.count,
            )
            for found in totals
        ]
        return cls(by_currency=sums, complete=complete)


class TransactionList(View):
    """One page of transactions."""

    items: list[TransactionView]
    next_cursor: str | None
