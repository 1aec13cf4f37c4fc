"""Month records: income and spending of one currency in one month, kept as counters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from budgetbuddy.domain.ports import UserRef


@dataclass(frozen=True, kw_only=True)
class SlotSum:
    """Net minor units and number of rows of one category slot."""

    net_minor: int
    count: int


@dataclass(frozen=True, kw_only=True)
class MonthRecord:
    """`income_minor` and `spending_minor` are net and signed: spending is negative."""

    month: str  # YYYY-MM
    currency: str
    income_minor: int = 0
    spending_minor: int = 0
    count: int = 0
    slots: Mapping[str, SlotSum] = field(default_factory=dict)
    version: int = 0  # rises with every change; 0 is a month without rows


class Months(Protocol):
    """The month records of users."""

    def get(self, user: UserRef, currency: str, month: str) -> MonthRecord:
        """One record, an empty one when nothing happened in that month."""

    def range(self, user: UserRef, currency: str, first: str, last: str) -> Sequence[MonthRecord]:
        """The records of a span of months that have one, oldest first, in one query."""

    def all(self, user: UserRef, first: str, last: str) -> Sequence[MonthRecord]:
        """The records of a span of months in all currencies, by currency and month."""


def month_of(day: date) -> str:
    """`YYYY-MM` of a date."""
    return f"{day:%Y-%m}"


def month_plus(month: str, number: int) -> str:
    """The month so many months later; earlier when negative."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + number
    return f"{count // 12:04}-{count % 12 + 1:02}"


def months_between(first: str, last: str) -> list[str]:
    """All months of a span, both ends included, oldest first."""
    months = []
    while first <= last:
        months.append(first)
        first = month_plus(first, 1)
    return months


def month_bounds(month: str) -> tuple[date, date]:
    """Its first and its last day."""
    first = date(int(month[:4]), int(month[5:]), 1)
    following = month_plus(month, 1)
    return first, date(int(following[:4]), int(following[5:]), 1) - timedelta(days=1)


def median(values: Sequence[int]) -> int:
    """The middle of whole numbers, of two middles their mean rounded down; 0 of none."""
    if not values:
        return 0
    ordered, middle = sorted(values), len(values) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) // 2
