"""Month records: income and spending of one currency in one month, kept as counters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
