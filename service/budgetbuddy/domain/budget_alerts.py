"""Alerts: spending reached a share of its budget. Each is raised once a cycle and threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from budgetbuddy.domain.budget_reports import Line
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, Page, Position, UserRef


@dataclass(frozen=True, kw_only=True)
class Alert:
    """`cycle` is the first day of the cycle, ISO; `at` when it was seen, RFC 3339."""

    id: str
    category_id: str
    cycle: str
    threshold: int
    spent: Money
    limit: Money
    at: str
    acknowledged: bool = False


class BudgetAlerts(Protocol):
    """The alerts of users."""

    def list(
        self, user: UserRef, *, acknowledged: bool | None, limit: int, start: Position | None
    ) -> Page[Alert]:
        """Alerts, newest cycle first."""

    def acknowledge(self, context: Context, alert_id: str) -> Alert:
        """The user has seen it. Raises `NotFound`."""

    def raise_new(self, context: Context, lines: Sequence[Line], thresholds: Sequence[int]) -> None:
        """Store what the cycles have crossed and was not raised before."""
