"""Deleting an account with everything on it, and checking one against a bank's statement."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from budgetbuddy.domain.jobs import Job
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context
from budgetbuddy.problems import Conflict

ROWS_A_STEP: Final = 20  # a transfer is three writes, and each row can have a month of its own


class ReconciliationDifference(Conflict):
    """The ledger and the statement disagree; `detail` says by how much."""

    code = "reconciliation_difference"
    title = "The statement shows another balance than the ledger"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a bank says the posted balance was at the end of a day."""

    day: date
    balance: Money
    create_adjustment: bool


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """`difference` is statement less ledger; the adjustment, if any, has closed it."""

    difference: Money
    adjustment_id: str | None


class AccountRemoval(Protocol):
    """Removes accounts that are not empty."""

    def remove_all(self, context: Context, account_id: str, version: int) -> Job:
        """Every live transaction goes to the trash, then the account goes.

        A transfer's other side stays, as an adjustment: its account still has that money.
        """


class Reconciliations(Protocol):
    """Checks accounts against statements."""

    def reconcile(self, context: Context, account_id: str, statement: Statement) -> Reconciled:
        """Raises `ReconciliationDifference`, `WrongCurrency`, `AccountClosed`."""
