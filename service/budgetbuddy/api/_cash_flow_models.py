"""What `/analytics/cash-flow` takes and gives."""

from datetime import date
from typing import Annotated

from pydantic import Field

from budgetbuddy.api._body import Query, View
from budgetbuddy.api._budget_models import money_of
from budgetbuddy.api._fields import MoneyView
from budgetbuddy.domain.cash_flow import FlowState, Forecast
from budgetbuddy.domain.currency import currency_of


class CashFlowQuery(Query):
    """How many days to look ahead."""

    days: Annotated[int, Field(ge=7, le=90)] = 30


class BalanceView(View):
    """The balance at the end of a day."""

    date: date
    balance: MoneyView


class AssumptionsView(View):
    """What the forecast rests on: medians of `months` beside `recurringItems`."""

    months: list[str]
    income_median: MoneyView
    spending_median: MoneyView
    recurring_items: int


class ForecastView(View):
    """Liquid money (checking, savings, cash) of one currency: today's, and each coming day's."""

    currency: str
    start: MoneyView
    series: list[BalanceView]
    lowest: BalanceView
    runway_days: int
    state: FlowState
    assumptions: AssumptionsView

    @classmethod
    def of(cls, found: Forecast) -> "ForecastView":
        """The view of a forecast."""
        currency, usual = currency_of(found.currency), found.usual

        def at(entry: tuple[date, int]) -> BalanceView:
            return BalanceView(date=entry[0], balance=money_of(entry[1], currency))

        return cls(
            currency=currency.code,
            start=money_of(found.start, currency),
            series=[at(entry) for entry in found.series],
            lowest=at(found.lowest),
            runway_days=found.runway_days,
            state=found.state,
            assumptions=AssumptionsView(
                months=list(usual.months),
                income_median=money_of(usual.income, currency),
                spending_median=money_of(usual.spending, currency),
                recurring_items=found.items,
            ),
        )


class ForecastList(View):
    """One forecast a currency."""

    items: list[ForecastView]
    next_cursor: str | None = None
