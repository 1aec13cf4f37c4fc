"""What months of income and spending say together; every figure is of one currency alone.

Amounts are minor units, signed: spending is negative, and a refund lowers it. Spans are read from
month records, so their price does not depend on how many transactions there are.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from budgetbuddy.domain.accounts import Account, Accounts
from budgetbuddy.domain.categories import NO_CATEGORY_SLOT, Categories, CategoryKind
from budgetbuddy.domain.months import (
    MonthRecord,
    Months,
    SlotSum,
    median,
    month_bounds,
    month_of,
    month_plus,
    months_between,
)
from budgetbuddy.domain.ports import UserRef

MAX_MONTHS: Final = 36  # of a span
WHOLE: Final = 10_000  # shares are in hundredths of a percent


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Of a span of months."""

    income: int = 0
    spending: int = 0

    @property
    def net(self) -> int:
        """What is left; negative when more was spent than came in."""
        return self.income + self.spending


@dataclass(frozen=True, kw_only=True)
class SpanSummary:
    """A span against the one of equal length before; `days` are those that have passed."""

    currency: str
    sums: Sums
    previous: Sums
    days: int


@dataclass(frozen=True, kw_only=True)
class Share:
    """What of a currency's spending one category took; `None` is what has no category."""

    category_id: str | None
    minor: int
    count: int
    hundredths: int  # of a percent; all of a currency are 10,000


@dataclass(frozen=True, kw_only=True)
class CategoryShares:
    """A currency's spending by category, the most first."""

    currency: str
    spending: int
    shares: Sequence[Share]


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Whole months, oldest first; `running` is the month that is not over."""

    currency: str
    series: Sequence[tuple[str, int]]
    running: int

    @property
    def median(self) -> int:
        """Of the whole months."""
        return median([minor for _, minor in self.series])

    @property
    def slope(self) -> int:
        """By how much a month differs from the one before: least squares, to a minor unit."""
        return slope([minor for _, minor in self.series])


@dataclass(frozen=True, kw_only=True)
class Worth:
    """At the end of a month: what is owned, and what is owed (negative)."""

    month: str
    assets: int
    liabilities: int


class Analytics:
    """Reads only: month records and accounts."""

    def __init__(self, *, months: Months, accounts: Accounts, categories: Categories) -> None:
        self._months = months
        self._accounts = accounts
        self._categories = categories

    def summaries(self, user: UserRef, first: str, last: str, today: date) -> Sequence[SpanSummary]:
        """By currency; those that neither span has anything of are left out."""
        length = len(months_between(first, last))
        earlier = month_plus(first, -length)
        found = self._records(user, earlier, last)
        return [
            SpanSummary(
                currency=currency,
                sums=sums_of(record for record in records if record.month >= first),
                previous=sums_of(record for record in records if record.month < first),
                days=days_passed(first, last, today),
            )
            for currency, records in found.items()
        ]

    def by_category(self, user: UserRef, first: str, last: str) -> Sequence[CategoryShares]:
        """By currency; income is no spending, and what refunds made positive has no share."""
        categories = self._categories.list(user)
        ids = {c.slot: c.id for c in categories if c.kind is CategoryKind.EXPENSE}
        return [
            CategoryShares(currency=currency, spending=sum(s.minor for s in found), shares=found)
            for currency, records in self._records(user, first, last).items()
            if (found := shares(spending_slots(records, ids), ids))
        ]

    def trends(
        self, user: UserRef, number: int, category_id: str | None, today: date
    ) -> Sequence[Trend]:
        """The last whole months of all spending, or of one category. Raises `NotFound`."""
        slot = self._categories.get(user, category_id).slot if category_id else None
        running = month_of(today)
        months = months_between(month_plus(running, -number), running)
        found = []
        for currency, records in self._records(user, months[0], running).items():
            values = {record.month: _value(record, slot) for record in records}
            series = [(month, values.get(month, 0)) for month in months]
            if any(values.values()):
                found.append(
                    Trend(currency=currency, series=series[:-1], running=values.get(running, 0))
                )
        return found

    def net_worth(self, user: UserRef, number: int, today: date) -> Mapping[str, Sequence[Worth]]:
        """By currency, the ends of the last months, today's last; from the account rows alone."""
        by_currency: dict[str, list[Account]] = {}
        for account in self._accounts.list(user):
            by_currency.setdefault(account.currency.code, []).append(account)
        return {
            currency: worth(accounts, number, today)
            for currency, accounts in sorted(by_currency.items())
        }

    def _records(self, user: UserRef, first: str, last: str) -> dict[str, Sequence[MonthRecord]]:
        """By currency of the user's accounts, in order; one query each."""
        codes = {account.currency.code for account in self._accounts.list(user)}
        found = {code: self._months.range(user, code, first, last) for code in sorted(codes)}
        return {
            code: records
            for code, records in found.items()
            if any(record.count for record in records)
        }


def sums_of(records: Iterable[MonthRecord]) -> Sums:
    """Income and spending of months of one currency."""
    income = spending = 0
    for record in records:
        income += record.income_minor
        spending += record.spending_minor
    return Sums(income=income, spending=spending)


def days_passed(first: str, last: str, today: date) -> int:
    """Days of a span of months up to today; all of it when it has not begun."""
    start, end = month_bounds(first)[0], month_bounds(last)[1]
    until = end if today < start else min(end, today)
    return (until - start).days + 1


def spending_slots(
    records: Iterable[MonthRecord], expenses: Mapping[str, str]
) -> dict[str, SlotSum]:
    """By slot of a category that spends, or of none, the sums over months.

    Without a category the sign decides, and the slot holds both: its spending is what the
    categories leave of all spending.
    """
    amounts: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for record in records:
        amounts[NO_CATEGORY_SLOT] += record.spending_minor
        for slot, sums in record.slots.items():
            counts[slot] += sums.count
            if slot in expenses:
                amounts[slot] += sums.net_minor
                amounts[NO_CATEGORY_SLOT] -= sums.net_minor
    return {slot: SlotSum(net_minor=minor, count=counts[slot]) for slot, minor in amounts.items()}


def shares(slots: Mapping[str, SlotSum], ids: Mapping[str, str]) -> list[Share]:
    """Of what was spent net, the most first; the shares sum to the whole exactly."""
    spent = sorted(
        (slot for slot, sums in slots.items() if sums.net_minor < 0),
        key=lambda slot: (slots[slot].net_minor, slot),
    )
    parts = allocated(WHOLE, [-slots[slot].net_minor for slot in spent])
    return [
        Share(
            category_id=ids.get(slot),
            minor=slots[slot].net_minor,
            count=slots[slot].count,
            hundredths=part,
        )
        for slot, part in zip(spent, parts, strict=True)
    ]


def allocated(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` by positive weights: the largest remainders get what truncation leaves over."""
    total = sum(weights)
    parts = [whole * weight // total for weight in weights]
    by_loss = sorted(range(len(weights)), key=lambda i: -(whole * weights[i] % total))
    for index in by_loss[: whole - sum(parts)] if weights else []:
        parts[index] += 1
    return parts


def slope(values: Sequence[int]) -> int:
    """Of the least-squares line through equally spaced values, rounded half away from zero."""
    number = len(values)
    divisor = number * (number * number - 1)
    if not divisor:
        return 0
    # Σ (i - mean) v over Σ (i - mean)², both twelvefold: whole numbers.
    product = 6 * sum((2 * i - number + 1) * value for i, value in enumerate(values))
    rounded = (2 * abs(product) + divisor) // (2 * divisor)
    return -rounded if product < 0 else rounded


def worth(accounts: Sequence[Account], number: int, today: date) -> list[Worth]:
    """Accounts of one currency. What is overdrawn is owed, what is overpaid is owned."""
    ends = [account.month_ends(today, number) for account in accounts]
    return [
        Worth(
            month=of_month[0][0],
            assets=sum(max(0, balance.minor) for _, balance in of_month),
            liabilities=sum(min(0, balance.minor) for _, balance in of_month),
        )
        for of_month in zip(*ends, strict=True)
    ]


def _value(record: MonthRecord, slot: str | None) -> int:
    """Spending, or the net amount of one category."""
    if slot is None:
        return record.spending_minor
    found = record.slots.get(slot)
    return found.net_minor if found else 0
