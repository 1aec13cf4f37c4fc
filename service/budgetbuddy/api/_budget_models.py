"""What `/budgets` takes and gives."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import CalendarDate, MoneyInput, MoneyView, Month
from budgetbuddy.api._http import PageQuery
from budgetbuddy.domain.budget_alerts import Alert
from budgetbuddy.domain.budgets import Budget, BudgetTerms, Cycle, Period, Rollover
from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.months import month_of

_MOST_CYCLES = 36


class BudgetPath(Query):
    """Path of the budget of a category."""

    category_id: str


class AlertPath(Query):
    """Path of one alert."""

    alert_id: str


class BudgetInput(Input):
    """How much of a category is meant to be spent in each cycle.

    The limit holds from `effectiveFrom` on (the running month unless told); earlier months keep
    theirs. `anchor` is a day on which a cycle of one or two weeks starts, a Monday unless told.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "limit": {"amount": "400.00", "currency": "EUR"},
                "period": "monthly",
                "rollover": "positive",
                "effectiveFrom": "2026-01",
            }
        }
    )

    limit: MoneyInput
    period: Period = Period.MONTHLY
    anchor: CalendarDate | None = None
    rollover: Rollover = Rollover.NONE
    effective_from: Month | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> "BudgetInput":
        if self.limit.money().minor < 0:
            raise PydanticCustomError("negative_limit", "A limit is zero or more")
        if self.anchor is not None and self.period is Period.MONTHLY:
            raise PydanticCustomError("anchor_without_weeks", "Months need no anchor")
        return self

    def terms(self, today: date) -> BudgetTerms:
        """The budget as the domain takes it."""
        money = self.limit.money()
        return BudgetTerms(
            limit_minor=money.minor,
            currency=money.currency,
            period=self.period,
            anchor=self.anchor,
            rollover=self.rollover,
            effective_from=self.effective_from or month_of(today),
        )


class LimitView(View):
    """A limit, and the month from which it holds."""

    effective_from: str
    limit: MoneyView


class BudgetView(View):
    """The budget of a category; `limit` is the newest of `limits`."""

    category_id: str
    limit: MoneyView
    period: Period
    anchor: date | None
    rollover: Rollover
    limits: list[LimitView]
    version: int

    @classmethod
    def of(cls, budget: Budget) -> "BudgetView":
        """The view of a budget."""
        limits = [
            LimitView(effective_from=month, limit=money_of(minor, budget.currency))
            for month, minor in budget.limits
        ]
        return cls(
            category_id=budget.category_id,
            limit=limits[-1].limit,
            period=budget.period,
            anchor=budget.anchor,
            rollover=budget.rollover,
            limits=limits,
            version=budget.version,
        )


class BudgetList(View):
    """All budgets; the list is not paged."""

    items: list[BudgetView]
    next_cursor: str | None = None


class CycleView(View):
    """A cycle of a budget. `spent` is positive, refunds lower it."""

    start: date
    end: date
    limit: MoneyView
    carried_in: MoneyView
    spent: MoneyView
    carried_out: MoneyView


class CycleList(View):
    """Cycles, oldest first."""

    items: list[CycleView]
    next_cursor: str | None = None


class HistoryQuery(Query):
    """How many cycles, the running one included."""

    months: Annotated[int, Field(ge=1, le=_MOST_CYCLES)] = 12


class AlertQuery(PageQuery):
    """Which alerts to list."""

    acknowledged: bool | None = None


class AlertView(View):
    """Spending reached `threshold` percent of `limit` in the cycle that starts on `cycle`."""

    id: str
    category_id: str
    cycle: str
    threshold: int
    spent: MoneyView
    limit: MoneyView
    at: str
    acknowledged: bool

    @classmethod
    def of(cls, alert: Alert) -> "AlertView":
        """The view of an alert."""
        return cls(
            id=alert.id,
            category_id=alert.category_id,
            cycle=alert.cycle,
            threshold=alert.threshold,
            spent=MoneyView.of(alert.spent),
            limit=MoneyView.of(alert.limit),
            at=alert.at,
            acknowledged=alert.acknowledged,
        )


class AlertList(View):
    """One page of alerts, newest cycle first."""

    items: list[AlertView]
    next_cursor: str | None


def cycle_view(cycle: Cycle, currency: Currency) -> CycleView:
    """The view of a cycle."""
    return CycleView(
        start=cycle.start,
        end=cycle.end,
        limit=money_of(cycle.limit, currency),
        carried_in=money_of(cycle.carried_in, currency),
        spent=money_of(cycle.spent, currency),
        carried_out=money_of(cycle.carried_out, currency),
    )


def money_of(minor: int, currency: Currency) -> MoneyView:
    """Minor units as an amount."""
    return MoneyView.of(Money(minor, currency))
