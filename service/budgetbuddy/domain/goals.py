"""Savings goals: a target, what was put aside for it, and how far that is.

What is saved is the sum of contributions; like a balance it moves without raising the version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.accounts import WrongCurrency
from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, Page, Position, UserRef
from budgetbuddy.problems import (
    Conflict,
    FieldError,
    Gone,
    LimitReached,
    Unprocessable,
    ValidationFailed,
)

MAX_GOALS: Final = 100
KEPT_DELETED: Final = timedelta(days=30)
MILESTONES: Final = (25, 50, 75, 100)


class GoalCompleted(Conflict):
    """It takes no more contributions until it is reopened."""

    code = "goal_completed"
    title = "The goal is completed"


class GoalActive(Conflict):
    """Only a completed goal is reopened."""

    code = "goal_active"
    title = "The goal is not completed"


class GoalDeleted(Conflict):
    """A deleted goal can only be restored."""

    code = "goal_deleted"
    title = "The goal is deleted"


class GoalNotDeleted(Conflict):
    """Nothing to restore."""

    code = "goal_not_deleted"
    title = "The goal is not deleted"


class InsufficientSaved(Conflict):
    """Nobody takes out what was never put in."""

    code = "insufficient_saved"
    title = "Less is saved than would be taken out"


class TargetBelowSaved(Unprocessable):
    """More is saved than the new target asks for."""

    code = "target_below_saved"
    title = "More is saved already than this target"


class Purged(Gone):
    """Thirty days are over."""

    code = "purged"
    title = "The resource was deleted for good"


class GoalStatus(StrEnum):
    """Set by the user, not by the amount."""

    ACTIVE = "active"
    COMPLETED = "completed"


@dataclass(frozen=True, kw_only=True)
class Goal:
    """`reached` is milestones (percent) and when they were reached first, RFC 3339."""

    id: str
    name: str
    target: Money
    saved: Money
    target_date: date | None = None
    monthly_contribution: Money | None = None
    account_id: str | None = None
    status: GoalStatus = GoalStatus.ACTIVE
    reached: tuple[tuple[int, str], ...] = ()
    created_at: str
    deleted_at: str | None = None
    version: int = 1

    @property
    def milestone(self) -> int:
        """The highest milestone that what is saved now has reached; 0 for none."""
        return max((p for p in MILESTONES if self._has(p)), default=0)

    def _has(self, percent: int) -> bool:
        return self.saved.minor * 100 >= percent * self.target.minor


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """Money put aside, or taken out again when negative."""

    id: str
    goal_id: str
    amount: Money
    day: date
    note: str | None = None
    transaction_id: str | None = None
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Contributed:
    """A contribution, and the milestone it has reached for the first time, if any."""

    contribution: Contribution
    milestone: int | None


class Goals(Protocol):
    """The goals of users. Methods raise `NotFound` for an id the user does not have."""

    def list(self, user: UserRef) -> Sequence[Goal]:
        """All, deleted ones of the last thirty days included, oldest first."""

    def get(self, user: UserRef, goal_id: str) -> Goal:
        """One, deleted ones included."""

    def add(self, context: Context, goal: Goal) -> Goal:
        """Raises `LimitReached`."""

    def change(
        self, context: Context, goal_id: str, version: int, fields: Mapping[str, Any]
    ) -> Goal:
        """Raises `VersionConflict`, `TargetBelowSaved`, `WrongCurrency`, `GoalDeleted`."""

    def turn(self, context: Context, goal_id: str, version: int, status: GoalStatus) -> Goal:
        """Raises `VersionConflict`, `GoalCompleted`, `GoalActive`, `GoalDeleted`."""

    def remove(self, context: Context, goal_id: str, version: int) -> None:
        """It can be restored for thirty days. Raises `VersionConflict`, `GoalDeleted`."""

    def restore(self, context: Context, goal_id: str) -> Goal:
        """Raises `Purged`, `GoalNotDeleted`."""

    def contribute(self, context: Context, contribution: Contribution) -> Contributed:
        """Raises `GoalCompleted`, `GoalDeleted`, `InsufficientSaved`, `WrongCurrency`."""

    def withdraw(self, context: Context, goal_id: str, contribution_id: str) -> None:
        """Take a contribution back. Raises as `contribute`."""

    def contributions(
        self, user: UserRef, goal_id: str, *, limit: int, start: Position | None
    ) -> Page[Contribution]:
        """Newest first."""

    def all_contributions(self, user: UserRef, goal_id: str, since: date) -> Sequence[Contribution]:
        """Those dated from a day on."""


def require_room(goals: Sequence[Goal]) -> None:
    """Raises `LimitReached`; deleted goals do not count."""
    if sum(goal.deleted_at is None for goal in goals) >= MAX_GOALS:
        raise LimitReached(f"at most {MAX_GOALS} goals")


def require_live(goal: Goal) -> Goal:
    """Raises `GoalDeleted`."""
    if goal.deleted_at is not None:
        raise GoalDeleted
    return goal


def require_future(day: date, today: date) -> None:
    """Raises `ValidationFailed` for a target date in the past."""
    if day < today:
        error = FieldError(
            pointer="/targetDate", code="date_in_the_past", detail="The date is in the past"
        )
        raise ValidationFailed(errors=[error])


def changed(goal: Goal, fields: Mapping[str, Any]) -> Goal:
    """The goal with these fields replaced and its version raised."""
    new = replace(require_live(goal), **fields, version=goal.version + 1)
    amounts = [new.target, *([new.monthly_contribution] if new.monthly_contribution else [])]
    if any(amount.currency != goal.target.currency for amount in amounts):
        raise WrongCurrency("a goal keeps its currency")
    if "target" in fields and new.target < new.saved:
        raise TargetBelowSaved
    return new


def turned(goal: Goal, status: GoalStatus) -> Goal:
    """The goal completed or reopened."""
    if require_live(goal).status is status:
        raise GoalCompleted if status is GoalStatus.COMPLETED else GoalActive
    return replace(goal, status=status, version=goal.version + 1)


def removed(goal: Goal, now: str) -> Goal:
    """The goal deleted."""
    return replace(require_live(goal), deleted_at=now, version=goal.version + 1)


def restored(goal: Goal, now: str) -> Goal:
    """The goal again."""
    if goal.deleted_at is None:
        raise GoalNotDeleted
    if is_purged(goal, now):
        raise Purged
    return replace(goal, deleted_at=None, version=goal.version + 1)


def is_purged(goal: Goal, now: str) -> bool:
    """Whether it was deleted more than thirty days ago."""
    if goal.deleted_at is None:
        return False
    return parse_instant(goal.deleted_at) + KEPT_DELETED <= parse_instant(now)


def moved(goal: Goal, amount: Money, now: str) -> tuple[Goal, int | None]:
    """The goal with `amount` more, and the milestone that this reaches for the first time."""
    if require_live(goal).status is GoalStatus.COMPLETED:
        raise GoalCompleted
    if amount.currency != goal.target.currency:
        raise WrongCurrency
    saved = goal.saved + amount
    if saved.minor < 0:
        raise InsufficientSaved
    new = replace(goal, saved=saved)
    known = {percent for percent, _ in goal.reached}
    fresh = [p for p in MILESTONES if p <= new.milestone and p not in known]
    reached = (*goal.reached, *((percent, now) for percent in fresh))
    return replace(new, reached=reached), max(fresh, default=None)
