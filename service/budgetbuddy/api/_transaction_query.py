"""Which transactions to list: the query string and the filter it stands for."""

from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from budgetbuddy.api._body import Query
from budgetbuddy.api._fields import (
    AMOUNT_PATTERN,
    CalendarDate,
    CurrencyCode,
    Tag,
)
from budgetbuddy.api._http import PageQuery
from budgetbuddy.domain.accounts import Account
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import InvalidAmount, Money
from budgetbuddy.domain.transaction_queries import (
    TransactionFilter,
)
from budgetbuddy.domain.transactions import (
    RangeTooWide,
    Review,
    SortWindowTooLarge,
    TransactionKind,
    TransactionStatus,
)
from budgetbuddy.problems import FieldError, ValidationFailed

MAX_SORTED_DAYS = 92  # an amount sort reads the whole range for each page
MAX_TEXT_DAYS = 366  # a text search opens each sealed row of the range
Amount = Annotated[str, StringConstraints(pattern=AMOUNT_PATTERN)]


class Order(StrEnum):
    """Newest or oldest first, largest or smallest amount first (amounts are signed)."""

    NEWEST = "-date"
    OLDEST = "date"
    LARGEST = "-amount"
    SMALLEST = "amount"


class TransactionsQuery(Query):
    """Which transactions; dates are inclusive.

    `minAmount` and `maxAmount` compare signed amounts; they need `currency`, unless `accountId`
    says it. `q` needs `from` and `to`, at most 366 days apart.
    """

    from_: Annotated[CalendarDate | None, Field(alias="from")] = None
    to: CalendarDate | None = None
    account_id: str | None = None
    category_id: str | None = None
    status: TransactionStatus | None = None
    kind: TransactionKind | None = None
    review: Review | None = None
    currency: CurrencyCode | None = None
    min_amount: Amount | None = None
    max_amount: Amount | None = None
    tag: Tag | None = None
    q: Annotated[str, StringConstraints(min_length=2, max_length=100)] | None = None
    deleted: bool = False

    def wanted(self, account: Account | None) -> TransactionFilter:
        """The filter; `account` is the one of `accountId`. Raises `RangeTooWide`."""
        if self.q is not None and not _is_within(self.from_, self.to, MAX_TEXT_DAYS):
            raise RangeTooWide(f"q needs from and to, at most {MAX_TEXT_DAYS} days apart")
        code = account.currency.code if account else self.currency
        return TransactionFilter(
            start=self.from_,
            end=self.to,
            account_id=self.account_id,
            category_id=self.category_id,
            status=self.status,
            kind=self.kind,
            review=self.review,
            tag=self.tag,
            text=self.q,
            min_minor=_minor(self.min_amount, code, "/minAmount"),
            max_minor=_minor(self.max_amount, code, "/maxAmount"),
            currency=self.currency,
            deleted=self.deleted,
        )


class TransactionQuery(TransactionsQuery, PageQuery):
    """Which transactions to list, and in which order.

    Sorts by amount need `from` and `to`, at most 92 days apart, and `currency` or `accountId`.
    """

    sort: Order = Order.NEWEST

    def wanted(self, account: Account | None) -> TransactionFilter:
        """The filter; raises `SortWindowTooLarge` as well."""
        by_amount = self.sort in {Order.LARGEST, Order.SMALLEST}
        if by_amount and not _is_within(self.from_, self.to, MAX_SORTED_DAYS):
            detail = f"sorting by amount needs from and to, at most {MAX_SORTED_DAYS} days apart"
            raise SortWindowTooLarge(detail)
        if by_amount and account is None and self.currency is None:
            raise _currency_needed("/sort")
        return replace(
            super().wanted(account),
            oldest_first=self.sort in {Order.OLDEST, Order.SMALLEST},
            by_amount=by_amount,
        )


def _currency_needed(pointer: str) -> ValidationFailed:
    detail = "Amounts are compared within one currency: name it, or an account"
    return ValidationFailed(
        errors=[FieldError(pointer=pointer, code="currency_needed", detail=detail)]
    )


def _is_within(start: date | None, end: date | None, days: int) -> bool:
    return start is not None and end is not None and (end - start).days <= days


def _minor(amount: str | None, code: str | None, pointer: str) -> int | None:
    """Minor units of a bound; raises `ValidationFailed` naming the parameter."""
    if amount is None:
        return None
    if code is None:
        raise _currency_needed(pointer)
    try:
        return Money.parse(amount, currency_of(code)).minor
    except InvalidAmount as wrong:
        detail = "The amount does not fit the currency"
        raise ValidationFailed(
            errors=[FieldError(pointer=pointer, code=wrong.code, detail=detail)]
        ) from wrong
