"""What budgets come to: cycles, the summary of a month, suggestions, and alerts that are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.budgets import (
    Budget,
    Budgets,
    Cycle,
    Period,
    monthly_cycles,
    short_cycles,
)
from budgetbuddy.domain.categories import Categories, CategoryKind, category_slot
from budgetbuddy.domain.currency import Currency, currency_of
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

LOOKED_BACK: Final = 6  # months that medians are taken of
BALANCED_PERCENT: Final = 5  # limits within so much of the income are in balance with it
MARGIN: Final = (11, 10)  # a suggestion is a tenth above the median
STEP_UNITS: Final = 5  # and rounded up to whole units of money


class Allocation(StrEnum):
    """All limits together against the usual income."""

    UNDER = "under"
    BALANCED = "balanced"
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A budget and the cycle that is looked at."""

    budget: Budget
    cycle: Cycle


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Spending of a budgeted category in another currency: it does not count, and is not hidden."""

    category_id: str
    currency: str
    spent: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A month of budgets in one currency, in minor units."""

    month: str
    currency: Currency
    lines: Sequence[Line]
    income_median: int
    allocation: Allocation
    foreign: Sequence[Foreign]


class Spending(Protocol):
    """Rows that count as spending."""

    def rows(
        self, user: UserRef, category_id: str, currency: str, start: date, end: date
    ) -> Sequence[tuple[date, int]]:
        """Dates and minor units of what was spent on a category; refunds are negative."""


class BudgetReports:
    """Reads only."""

    def __init__(
        self, *, budgets: Budgets, months: Months, categories: Categories, spending: Spending
    ) -> None:
        self._budgets = budgets
        self._months = months
        self._categories = categories
        self._spending = spending

    def history(self, user: UserRef, category_id: str, day: date, number: int) -> list[Cycle]:
        """The last cycles of a budget, oldest first. Raises `NotFound`."""
        budget = self._budgets.get(user, category_id)
        return self._cycles(user, budget, day, number)

    def summary(self, user: UserRef, currency: str, month: str, today: date) -> Summary:
        """A month: the cycle of today in the running one, the last cycle of any other."""
        _, last = month_bounds(month)
        day = today if month_of(today) == month else last
        mine = [b for b in self._budgets.list(user) if b.currency.code == currency]
        lines = [
            Line(budget=budget, cycle=cycles[-1])
            for budget in mine
            if (cycles := self._cycles(user, budget, day, 1))
        ]
        records = self._before(user, currency, month)
        income = median([record.income_minor for record in records])
        limits = sum(_monthly(line) for line in lines)
        return Summary(
            month=month,
            currency=currency_of(currency),
            lines=lines,
            income_median=income,
            allocation=allocation(limits, income),
            foreign=self._foreign(user, lines, currency, month),
        )

    def lines(self, user: UserRef, today: date) -> list[Line]:
        """Every budget with its running cycle."""
        return [
            Line(budget=budget, cycle=cycles[-1])
            for budget in self._budgets.list(user)
            if (cycles := self._cycles(user, budget, today, 1))
        ]

    def suggestions(self, user: UserRef, currency: str, today: date) -> list[tuple[str, int]]:
        """Categories and limits in minor units, for categories that cost something as a rule."""
        records = self._before(user, currency, month_of(today))
        unit = STEP_UNITS * 10 ** currency_of(currency).exponent
        found = []
        for category in self._categories.list(user):
            if category.archived or category.kind is not CategoryKind.EXPENSE:
                continue
            spent = [_spent(record, category.slot) for record in records]
            usual = median([*spent, *[0] * (LOOKED_BACK - len(spent))])
            if usual > 0:
                found.append((category.id, suggested(usual, unit)))
        return found

    def _cycles(self, user: UserRef, budget: Budget, day: date, number: int) -> list[Cycle]:
        first = budget.limits[0][0]
        if month_of(day) < first:
            return []
        if budget.period is Period.MONTHLY:
            last = month_of(day)
            slot = category_slot(budget.category_id)
            records = self._months.range(user, budget.currency.code, first, last)
            spent = {record.month: _spent(record, slot) for record in records}
            return monthly_cycles(budget, spent, last)[-number:]
        start, end = budget.bounds(day)
        start -= timedelta(days=budget.days * (number - 1))
        rows = self._spending.rows(user, budget.category_id, budget.currency.code, start, end)
        return short_cycles(budget, rows, day, number)

    def _before(self, user: UserRef, currency: str, month: str) -> Sequence[MonthRecord]:
        """The six months before, those without any row left out."""
        first, last = month_plus(month, -LOOKED_BACK), month_plus(month, -1)
        return self._months.range(user, currency, first, last)

    def _foreign(
        self,
        user: UserRef,
        lines: Sequence[Line],
        currency: str,
        month: str,
    ) -> list[Foreign]:
        return [
            Foreign(category_id=line.budget.category_id, currency=record.currency, spent=spent)
            for record in self._months.all(user, month, month)
            if record.currency != currency
            for line in lines
            if (spent := _spent(record, category_slot(line.budget.category_id)))
        ]


def _spent(record: MonthRecord, slot: str) -> int:
    found = record.slots.get(slot)
    return -found.net_minor if found else 0


def _monthly(line: Line) -> int:
    """The limit as of a month of average length, 365.25 / 12 days."""
    if line.budget.period is Period.MONTHLY:
        return line.cycle.limit
    return line.cycle.limit * 36_525 // (1_200 * line.budget.days)


def allocation(limits: int, income: int) -> Allocation:
    """All limits against the usual income; within five percent they are in balance."""
    if abs(limits - income) * 100 <= BALANCED_PERCENT * income:
        return Allocation.BALANCED
    return Allocation.OVER if limits > income else Allocation.UNDER


def suggested(usual: int, unit: int) -> int:
    """A tenth above what is usual, rounded up to a multiple of `unit`."""
    over = usual * MARGIN[0]
    return -(-over // (MARGIN[1] * unit)) * unit


def months_back(month: str, number: int) -> list[str]:
    """The last `number` months up to `month`, oldest first."""
    return months_between(month_plus(month, 1 - number), month)
