"""When a goal will be reached if saving goes on as it did in the last six months."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.goals import Contribution, Goal
from budgetbuddy.domain.months import median, month_bounds, month_of, month_plus, months_between

LOOKED_BACK: Final = 6  # months, the running one included
LEAST: Final = 2  # contributions that make a habit
TOLERANCE_PERCENT: Final = 5  # around the straight line
_LONGEST_MONTHS: Final = 1_200


class Course(StrEnum):
    """Against the straight line from the first day to the target date."""

    ON_TRACK = "on_track"
    AHEAD = "ahead"
    BEHIND = "behind"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Amounts in minor units; dates are `None` when saving as until now never gets there.

    `p50` is by the median month, `p90` by the worst tenth: nine times in ten it is sooner.
    """

    course: Course
    p50: date | None
    p90: date | None
    required_monthly: int | None
    usual_monthly: int
    contributions: int


def project(goal: Goal, contributions: Sequence[Contribution], today: date) -> Projection:
    """The projection of a goal from its contributions, of which the last six months count."""
    last = month_of(today)
    months = months_between(month_plus(last, 1 - LOOKED_BACK), last)
    recent = [c for c in contributions if month_of(c.day) in months]
    sums = [sum(c.amount.minor for c in recent if month_of(c.day) == month) for month in months]
    left = max(0, goal.target.minor - goal.saved.minor)
    is_known = len(recent) >= LEAST
    return Projection(
        course=course(goal, today) if is_known else Course.UNKNOWN,
        p50=_reached(left, median(sums), today) if is_known else None,
        p90=_reached(left, min(sums), today) if is_known else None,
        required_monthly=_required(goal, left, today),
        usual_monthly=median(sums),
        contributions=len(recent),
    )


def course(goal: Goal, today: date) -> Course:
    """Where what is saved lies against the line; without a target date there is none."""
    if goal.target_date is None:
        return Course.UNKNOWN
    start = parse_instant(goal.created_at).date()
    days = max(1, (goal.target_date - start).days)
    elapsed = min(days, max(0, (today - start).days))
    expected = goal.target.minor * elapsed // days
    distance = goal.saved.minor - expected
    if abs(distance) * 100 <= TOLERANCE_PERCENT * goal.target.minor:
        return Course.ON_TRACK
    return Course.AHEAD if distance > 0 else Course.BEHIND


def _reached(left: int, monthly: int, today: date) -> date | None:
    """The day, so many months on; the last of a shorter month."""
    if left == 0:
        return today
    if monthly <= 0:
        return None
    months = -(-left // monthly)
    if months > _LONGEST_MONTHS:
        return None
    first, last = month_bounds(month_plus(month_of(today), months))
    return min(last, first + timedelta(days=today.day - 1))


def _required(goal: Goal, left: int, today: date) -> int | None:
    """What each month left has to bring, rounded up; a target date of this month leaves one."""
    if goal.target_date is None:
        return None
    months = len(months_between(month_of(today), month_of(goal.target_date)))
    return -(-left // max(1, months))
