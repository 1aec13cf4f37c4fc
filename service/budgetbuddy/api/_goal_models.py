"""What `/goals` takes and gives."""

from datetime import date
from typing import Any

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import (
    CalendarDate,
    MoneyInput,
    MoneyView,
    Name,
    NonZeroMoney,
    Note,
    unset,
)
from budgetbuddy.domain.goal_projection import Course, Projection
from budgetbuddy.domain.goals import Contributed, Contribution, Goal, GoalStatus
from budgetbuddy.domain.money import Money


class PositiveAmount(MoneyInput):
    """An amount above zero."""

    @model_validator(mode="after")
    def _is_positive(self) -> "PositiveAmount":
        if self.money().minor <= 0:
            raise PydanticCustomError("not_positive", "The amount must be above zero")
        return self


class GoalPath(Query):
    """Path of one goal."""

    goal_id: str


class ContributionPath(Query):
    """Path of one contribution."""

    goal_id: str
    contribution_id: str


class GoalQuery(Query):
    """Which goals to list."""

    status: GoalStatus | None = None
    deleted: bool = False


class NewGoal(Input):
    """A goal; all its amounts are in the currency of the target."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Summer in Oslo",
                "target": {"amount": "1200.00", "currency": "EUR"},
                "targetDate": "2026-12-31",
                "monthlyContribution": {"amount": "100.00", "currency": "EUR"},
            }
        }
    )

    name: Name
    target: PositiveAmount
    target_date: CalendarDate | None = None
    monthly_contribution: PositiveAmount | None = None
    account_id: str | None = None

    def fields(self) -> dict[str, Any]:
        """The fields as the domain has them."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields}


class GoalChange(Input):
    """Fields to replace; absent ones stay, null clears where there can be nothing."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Summer in Bergen"}})

    name: Name = unset()
    target: PositiveAmount = unset()
    target_date: CalendarDate | None = unset()
    monthly_contribution: PositiveAmount | None = unset()
    account_id: str | None = unset()

    def fields(self) -> dict[str, Any]:
        """Only what was sent."""
        return {name: _plain(getattr(self, name)) for name in self.model_fields_set}


def _plain(value: object) -> object:
    return value.money() if isinstance(value, MoneyInput) else value


class GoalView(View):
    """A goal. What is saved is derived: it changes without raising the version."""

    id: str
    name: str
    target: MoneyView
    saved: MoneyView
    target_date: date | None
    monthly_contribution: MoneyView | None
    account_id: str | None
    status: GoalStatus
    milestone: int
    deleted_at: str | None
    version: int

    @classmethod
    def of(cls, goal: Goal) -> "GoalView":
        """The view of a goal."""
        monthly = goal.monthly_contribution
        return cls(
            id=goal.id,
            name=goal.name,
            target=MoneyView.of(goal.target),
            saved=MoneyView.of(goal.saved),
            target_date=goal.target_date,
            monthly_contribution=MoneyView.of(monthly) if monthly else None,
            account_id=goal.account_id,
            status=goal.status,
            milestone=goal.milestone,
            deleted_at=goal.deleted_at,
            version=goal.version,
        )


class GoalList(View):
    """All goals, oldest first; the list is not paged."""

    items: list[GoalView]
    next_cursor: str | None = None


class NewContribution(Input):
    """Money put aside, or taken out again when negative."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "amount": {"amount": "100.00", "currency": "EUR"},
                "date": "2026-01-31",
                "note": "January",
            }
        }
    )

    amount: NonZeroMoney
    date: CalendarDate
    note: Note | None = None
    transaction_id: str | None = None


class ContributionView(View):
    """A contribution."""

    id: str
    goal_id: str
    amount: MoneyView
    date: date
    note: str | None
    transaction_id: str | None
    created_at: str

    @classmethod
    def of(cls, made: Contribution) -> "ContributionView":
        """The view of a contribution."""
        return cls(
            id=made.id,
            goal_id=made.goal_id,
            amount=MoneyView.of(made.amount),
            date=made.day,
            note=made.note,
            transaction_id=made.transaction_id,
            created_at=made.created_at,
        )


class ContributedView(View):
    """A contribution, and the milestone (percent) it has reached for the first time."""

    contribution: ContributionView
    milestone_reached: int | None

    @classmethod
    def of(cls, done: Contributed) -> "ContributedView":
        """The view of what was done."""
        return cls(
            contribution=ContributionView.of(done.contribution), milestone_reached=done.milestone
        )


class ContributionList(View):
    """One page of contributions, newest first."""

    items: list[ContributionView]
    next_cursor: str | None


class MilestoneView(View):
    """A milestone, and when it was reached first."""

    percent: int
    reached_at: str


class MilestoneList(View):
    """Milestones reached, first one first."""

    items: list[MilestoneView]
    next_cursor: str | None = None


class BasisView(View):
    """What a projection rests on: the last six months."""

    contributions: int
    usual_monthly: MoneyView


class ProjectionView(View):
    """When the goal is reached: by the usual month, and by the worst. Null: never, or unknown."""

    status: Course
    p50_date: date | None
    p90_date: date | None
    required_monthly: MoneyView | None
    basis: BasisView

    @classmethod
    def of(cls, found: Projection, goal: Goal) -> "ProjectionView":
        """The view of a projection."""
        currency, required = goal.target.currency, found.required_monthly
        usual = MoneyView.of(Money(found.usual_monthly, currency))
        return cls(
            status=found.course,
            p50_date=found.p50,
            p90_date=found.p90,
            required_monthly=None if required is None else MoneyView.of(Money(required, currency)),
            basis=BasisView(contributions=found.contributions, usual_monthly=usual),
        )
