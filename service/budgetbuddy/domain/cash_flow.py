"""How liquid money develops if the coming weeks are as usual; each currency alone.

Usual is the median of the last three whole months without what recurs; what recurs comes on its
days. Amounts are minor units, signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from budgetbuddy.domain.accounts import Account, AccountKind, Accounts, AccountStatus
from budgetbuddy.domain.months import (
    MonthRecord,
    Months,
    median,
    month_bounds,
    month_of,
    month_plus,
    months_between,
)
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.domain.recurring import Recurring, RecurringItems, RecurringStatus
from budgetbuddy.domain.recurring_calendar import Due, DueStatus, RecurringCalendar

LIQUID: Final = frozenset({AccountKind.CHECKING, AccountKind.SAVINGS, AccountKind.CASH})
LOOKED_BACK: Final = 3  # months that medians are taken of
LONGEST_RUNWAY: Final = 365  # days
MONTH_DAYS: Final = (36_525, 1_200)  # a month of average length
HEALTHY, TIGHT, LOW = 90, 60, 30  # days of runway


class FlowState(StrEnum):
    """How long liquid money lasts."""

    HEALTHY = "healthy"
    TIGHT = "tight"
    LOW = "low"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Usual:
    """A month without what recurs, and the months it was taken from."""

    income: int
    spending: int
    months: Sequence[str]

    @property
    def net(self) -> int:
        """Of a month."""
        return self.income + self.spending


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """`series` are the balances at the end of each coming day, tomorrow first."""

    currency: str
    start: int
    series: Sequence[tuple[date, int]]
    runway_days: int
    usual: Usual
    items: int  # recurring ones that were counted

    @property
    def lowest(self) -> tuple[date, int]:
        """The first of the lowest days."""
        return min(self.series, key=lambda entry: entry[1])

    @property
    def state(self) -> FlowState:
        """By the runway."""
        return state_of(self.runway_days)


class CashFlow:
    """Reads only."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        months: Months,
        items: RecurringItems,
        calendar: RecurringCalendar,
    ) -> None:
        self._accounts = accounts
        self._months = months
        self._items = items
        self._calendar = calendar

    def forecast(self, user: UserRef, days: int, today: date) -> Sequence[Forecast]:
        """One a currency that there is liquid money in, by code."""
        liquid: dict[str, list[Account]] = {}
        for account in self._accounts.list(user):
            if account.kind in LIQUID and account.status is AccountStatus.OPEN:
                liquid.setdefault(account.currency.code, []).append(account)
        items = [i for i in self._items.list(user) if i.status is RecurringStatus.ACTIVE]
        due = self._calendar.upcoming(user, days, today)
        last = month_plus(month_of(today), -1)
        first = month_plus(last, 1 - LOOKED_BACK)
        found = []
        for code, accounts in sorted(liquid.items()):
            mine = [item for item in items if item.amount.currency.code == code]
            usual = usual_month(self._months.range(user, code, first, last), first, last, mine)
            start = sum(account.balance.minor for account in accounts)
            found.append(
                Forecast(
                    currency=code,
                    start=start,
                    series=balances(start, usual, due_in(code, due), today, days),
                    runway_days=runway(start, yearly(usual, mine, today)),
                    usual=usual,
                    items=len(mine),
                )
            )
        return found


def usual_month(
    records: Sequence[MonthRecord], first: str, last: str, items: Sequence[Recurring]
) -> Usual:
    """Medians of what months came to beside the days of recurring items in them."""
    by_month = {record.month: record for record in records}
    months = months_between(first, last)
    incomes, spendings = [], []
    for month in months:
        record = by_month.get(month, MonthRecord(month=month, currency=""))
        recurring = [_in_month(item, month) for item in items]
        incomes.append(max(0, record.income_minor - sum(max(0, minor) for minor in recurring)))
        spendings.append(min(0, record.spending_minor - sum(min(0, minor) for minor in recurring)))
    return Usual(income=median(incomes), spending=median(spendings), months=months)


def _in_month(item: Recurring, month: str) -> int:
    """What an item came to, or would have, in a month."""
    days = item.frequency.days(item.next_date, *month_bounds(month))
    return item.amount.minor * sum(1 for _ in days)


def due_in(code: str, due: Sequence[Due]) -> list[tuple[date, int]]:
    """Days and amounts that are still to come in a currency."""
    return [
        (found.day, found.item.amount.minor)
        for found in due
        if found.status is DueStatus.DUE and found.item.amount.currency.code == code
    ]


def balances(
    start: int, usual: Usual, due: Sequence[tuple[date, int]], today: date, days: int
) -> list[tuple[date, int]]:
    """Each coming day: an even share of the usual month, and all that was due by then."""
    numerator, denominator = MONTH_DAYS
    series = []
    for number in range(1, days + 1):
        day = today + timedelta(days=number)
        share = usual.net * number * denominator // numerator
        series.append((day, start + share + sum(minor for on, minor in due if on <= day)))
    return series


def yearly(usual: Usual, items: Sequence[Recurring], today: date) -> int:
    """What the coming 365 days come to."""
    span = (today + timedelta(days=1), today + timedelta(days=LONGEST_RUNWAY))
    recurring = sum(
        item.amount.minor for item in items for _ in item.frequency.days(item.next_date, *span)
    )
    numerator, denominator = MONTH_DAYS
    return usual.net * LONGEST_RUNWAY * denominator // numerator + recurring


def runway(start: int, year: int) -> int:
    """Days that `start` lasts when a year comes to `year`; 365 at most, 0 when nothing is left."""
    if start <= 0:
        return 0
    if year >= 0:
        return LONGEST_RUNWAY
    return min(LONGEST_RUNWAY, start * LONGEST_RUNWAY // -year)


def state_of(days: int) -> FlowState:
    """By days of runway."""
    if days >= HEALTHY:
        return FlowState.HEALTHY
    if days >= TIGHT:
        return FlowState.TIGHT
    return FlowState.LOW if days >= LOW else FlowState.CRITICAL
