"""What the reports of `/budgets` give."""

from datetime import date

from budgetbuddy.api._body import Query, View
from budgetbuddy.api._budget_models import money_of
from budgetbuddy.api._fields import CurrencyCode, MoneyView, Month
from budgetbuddy.domain.budget_reports import Allocation, Foreign, Line, Summary
from budgetbuddy.domain.budgets import Period, State
from budgetbuddy.domain.currency import currency_of


class LineView(View):
    """A budget in the cycle that is looked at. `percent` is null when nothing may be spent."""

    category_id: str
    period: Period
    start: date
    end: date
    limit: MoneyView
    carried_in: MoneyView
    spent: MoneyView
    remaining: MoneyView
    percent: int | None
    state: State


class SummaryTotals(View):
    """Sums of all lines."""

    limit: MoneyView
    carried_in: MoneyView
    spent: MoneyView
    remaining: MoneyView


class ForeignView(View):
    """Spending of a budgeted category in another currency: it counts nowhere above."""

    category_id: str
    spent: MoneyView


class SummaryView(View):
    """A month of budgets in one currency.

    `allocation` compares the limits with the median income of the six months before.
    """

    month: str
    currency: str
    lines: list[LineView]
    totals: SummaryTotals
    income_median: MoneyView
    allocation: Allocation
    other_currencies: list[ForeignView]

    @classmethod
    def of(cls, found: Summary) -> "SummaryView":
        """The view of a summary."""
        currency, cycles = found.currency, [line.cycle for line in found.lines]
        return cls(
            month=found.month,
            currency=currency.code,
            lines=[_line(line) for line in found.lines],
            totals=SummaryTotals(
                limit=money_of(sum(c.limit for c in cycles), currency),
                carried_in=money_of(sum(c.carried_in for c in cycles), currency),
                spent=money_of(sum(c.spent for c in cycles), currency),
                remaining=money_of(sum(c.remaining for c in cycles), currency),
            ),
            income_median=money_of(found.income_median, currency),
            allocation=found.allocation,
            other_currencies=[_foreign(part) for part in found.foreign],
        )


class SummaryQuery(Query):
    """Which month and currency; the running month and the user's own unless told."""

    month: Month | None = None
    currency: CurrencyCode | None = None


class CurrencyQuery(Query):
    """Which currency; the user's own unless told."""

    currency: CurrencyCode | None = None


class SuggestionView(View):
    """A limit that would usually do."""

    category_id: str
    limit: MoneyView


class SuggestionList(View):
    """Suggestions, by category."""

    items: list[SuggestionView]
    next_cursor: str | None = None


def _line(line: Line) -> LineView:
    cycle, currency = line.cycle, line.budget.currency
    return LineView(
        category_id=line.budget.category_id,
        period=line.budget.period,
        start=cycle.start,
        end=cycle.end,
        limit=money_of(cycle.limit, currency),
        carried_in=money_of(cycle.carried_in, currency),
        spent=money_of(cycle.spent, currency),
        remaining=money_of(cycle.remaining, currency),
        percent=cycle.percent,
        state=cycle.state,
    )


def _foreign(part: Foreign) -> ForeignView:
    spent = money_of(part.spent, currency_of(part.currency))
    return ForeignView(category_id=part.category_id, spent=spent)
