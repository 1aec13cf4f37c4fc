"""Budgets: how much of a category is meant to be spent in a cycle, and what is carried on.

What is carried over is never stored: it is folded from the months as they are now, so a late edit
is simply right at the next look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.accounts import WrongCurrency
from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.months import month_bounds, month_of, months_between
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Conflict, Unprocessable

KEPT_LIMITS: Final = 36  # months with a limit of their own
NEAR_PERCENT: Final = 75
_FIRST_MONDAY: Final = date(1970, 1, 5)


class BudgetExists(Conflict):
    """`If-None-Match: *` asked for a new one."""

    code = "budget_exists"
    title = "The category has a budget already"


class RolloverNeedsMonthly(Unprocessable):
    """Only months are kept as sums."""

    code = "rollover_needs_monthly"
    title = "Only monthly budgets carry over"


class Period(StrEnum):
    """How long a cycle is."""

    MONTHLY = "monthly"
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"


class Rollover(StrEnum):
    """What of a cycle is carried into the next: nothing, what is left, or also what is owed."""

    NONE = "none"
    POSITIVE = "positive"
    BOTH = "both"


class State(StrEnum):
    """How a cycle stands."""

    ON_TRACK = "on_track"
    NEAR_LIMIT = "near_limit"  # three quarters are spent
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`limits` are months and minor units, oldest first: each holds until the next."""

    category_id: str
    currency: Currency
    period: Period
    anchor: date | None
    rollover: Rollover
    limits: tuple[tuple[str, int], ...]
    version: int = 1

    @property
    def id(self) -> str:
        """A budget is known by its category."""
        return self.category_id

    def limit_in(self, month: str) -> int | None:
        """The limit that holds in a month; `None` before the first."""
        found = [minor for start, minor in self.limits if start <= month]
        return found[-1] if found else None

    @property
    def days(self) -> int:
        """Length of a cycle that is no month."""
        return 7 if self.period is Period.WEEKLY else 14

    def bounds(self, day: date) -> tuple[date, date]:
        """First and last day of the cycle that a day lies in."""
        if self.period is Period.MONTHLY:
            return month_bounds(month_of(day))
        start = day - timedelta(days=(day - (self.anchor or _FIRST_MONDAY)).days % self.days)
        return start, start + timedelta(days=self.days - 1)


@dataclass(frozen=True, kw_only=True)
class BudgetTerms:
    """A budget as a client asks for it; the limit holds from a month on."""

    limit_minor: int
    currency: Currency
    period: Period
    anchor: date | None
    rollover: Rollover
    effective_from: str


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One cycle of a budget, in minor units; `spent` is positive, refunds lower it."""

    start: date
    end: date
    limit: int
    carried_in: int
    spent: int
    rollover: Rollover

    @property
    def available(self) -> int:
        """What may be spent in all."""
        return self.limit + self.carried_in

    @property
    def remaining(self) -> int:
        """What is left; negative when overspent."""
        return self.available - self.spent

    @property
    def carried_out(self) -> int:
        """What the next cycle starts with."""
        match self.rollover:
            case Rollover.NONE:
                return 0
            case Rollover.POSITIVE:
                return max(0, self.remaining)
            case Rollover.BOTH:
                return self.remaining

    @property
    def percent(self) -> int | None:
        """Share spent, rounded down; `None` when nothing may be spent."""
        return self.spent * 100 // self.available if self.available > 0 else None

    @property
    def state(self) -> State:
        """How it stands."""
        if self.remaining < 0:
            return State.OVER
        if self.percent is not None and self.percent >= NEAR_PERCENT:
            return State.NEAR_LIMIT
        return State.ON_TRACK

    def crossed(self, thresholds: Sequence[int]) -> list[int]:
        """The thresholds (percent) that spending has reached."""
        if self.available <= 0:
            return []
        return [t for t in sorted(thresholds) if self.spent * 100 >= t * self.available]


class Budgets(Protocol):
    """The budgets of users. Methods raise `NotFound` for a category without one."""

    def list(self, user: UserRef) -> Sequence[Budget]:
        """All, by category id."""

    def get(self, user: UserRef, category_id: str) -> Budget:
        """One."""

    def set(
        self, context: Context, category_id: str, version: int | None, terms: BudgetTerms
    ) -> Budget:
        """Create (`version` None) or replace.

        Raises `BudgetExists`, `VersionConflict`, and what `new_budget` and `changed_budget` raise.
        """

    def remove(self, context: Context, category_id: str, version: int) -> None:
        """Raises `VersionConflict`."""


def new_budget(category_id: str, terms: BudgetTerms) -> Budget:
    """A budget of these terms. Raises `RolloverNeedsMonthly`."""
    _require_sound(terms)
    return Budget(
        category_id=category_id,
        currency=terms.currency,
        period=terms.period,
        anchor=terms.anchor,
        rollover=terms.rollover,
        limits=((terms.effective_from, terms.limit_minor),),
    )


def changed_budget(budget: Budget, terms: BudgetTerms) -> Budget:
    """The budget with these terms from a month on; what was before keeps its limits.

    Raises `RolloverNeedsMonthly`, `WrongCurrency`.
    """
    _require_sound(terms)
    if terms.currency != budget.currency:
        raise WrongCurrency("a budget keeps its currency")
    before = [entry for entry in budget.limits if entry[0] < terms.effective_from]
    limits = (*before, (terms.effective_from, terms.limit_minor))
    return replace(
        budget,
        period=terms.period,
        anchor=terms.anchor,
        rollover=terms.rollover,
        limits=limits[-KEPT_LIMITS:],
        version=budget.version + 1,
    )


def _require_sound(terms: BudgetTerms) -> None:
    if terms.rollover is not Rollover.NONE and terms.period is not Period.MONTHLY:
        raise RolloverNeedsMonthly


def monthly_cycles(budget: Budget, spent: Mapping[str, int], last: str) -> list[Cycle]:
    """The cycles from the first limit to the month `last`, what is carried folded in.

    `spent` is minor units by month; a month without any has none.
    """
    cycles: list[Cycle] = []
    carried = 0
    for month in months_between(budget.limits[0][0], last):
        start, end = month_bounds(month)
        cycle = Cycle(
            start=start,
            end=end,
            limit=budget.limit_in(month) or 0,
            carried_in=carried,
            spent=spent.get(month, 0),
            rollover=budget.rollover,
        )
        carried = cycle.carried_out
        cycles.append(cycle)
    return cycles


def short_cycles(
    budget: Budget, spent: Sequence[tuple[date, int]], last: date, number: int
) -> list[Cycle]:
    """The last `number` cycles of one or two weeks up to the one `last` lies in, oldest first.

    `spent` is dates and minor units.
    """
    end_start, _ = budget.bounds(last)
    cycles = []
    for back in reversed(range(number)):
        start = end_start - timedelta(days=budget.days * back)
        end = start + timedelta(days=budget.days - 1)
        limit = budget.limit_in(month_of(start))
        if limit is None:
            continue
        within = sum(minor for day, minor in spent if start <= day <= end)
        cycles.append(
            Cycle(
                start=start,
                end=end,
                limit=limit,
                carried_in=0,
                spent=within,
                rollover=Rollover.NONE,
            )
        )
    return cycles
