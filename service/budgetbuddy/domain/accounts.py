"""Accounts: where money lies. Balances are sums of rows, and can be proved from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.domain.transactions import (
    Transaction,
)
from budgetbuddy.problems import Conflict, LimitReached, Unprocessable

MAX_ACCOUNTS: Final = 100


class AccountKind(StrEnum):
    """What sort of place it is."""

    CHECKING = "checking"
    SAVINGS = "savings"
    CREDIT = "credit"
    LOAN = "loan"
    CASH = "cash"
    INVESTMENT = "investment"
    OTHER = "other"


class AccountStatus(StrEnum):
    """A closed account takes no writes."""

    OPEN = "open"
    CLOSED = "closed"


class AccountClosed(Conflict):
    """Money cannot move on a closed account."""

    code = "account_closed"
    title = "The account is closed"


class BalanceNotZero(Conflict):
    """An account is closed empty."""

    code = "balance_not_zero"
    title = "The account still holds or owes money"


class AccountNotEmpty(Conflict):
    """An account with transactions stays."""

    code = "account_not_empty"
    title = "The account has transactions"


class LedgerBusy(Conflict):
    """Writes went on while a sum over many rows was being read."""

    code = "ledger_busy"
    title = "The ledger changed while it was read; try again"


class WrongCurrency(Unprocessable):
    """An amount is not in the currency of its account."""

    code = "currency_mismatch"
    title = "The currency is not that of the account"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where money lies.

    `balance` counts posted rows, `pending_balance` pending ones; `flows` is month (`YYYY-MM`) to
    the net posted flow of that month in minor units.
    """

    id: str
    name: str
    kind: AccountKind
    currency: Currency
    institution: str | None = None
    mask: str | None = None
    credit_limit: Money | None = None
    hidden: bool = False
    status: AccountStatus = AccountStatus.OPEN
    balance: Money
    pending_balance: Money
    transaction_count: int = 0
    flows: Mapping[str, int] = field(default_factory=dict)
    version: int = 1

    def month_ends(self, today: date, months: int) -> list[tuple[str, Money]]:
        """Month (`YYYY-MM`) and posted balance at its end, oldest first, today's month last.

        What is dated later does not count yet.
        """
        last = today.year * 12 + today.month - 1
        wanted = [f"{m // 12:04}-{m % 12 + 1:02}" for m in range(last - months + 1, last + 1)]
        return [
            (month, Money(sum(v for m, v in self.flows.items() if m <= month), self.currency))
            for month in wanted
        ]


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The balance an account starts with, booked as a transaction of kind `opening`."""

    amount: Money
    date: date
    description: str = "Opening balance"


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """`recorded` is what the account row says, `recomputed` the sum of its posted rows."""

    recorded: Money
    recomputed: Money
    rows: int

    @property
    def difference(self) -> Money:
        """Zero, or the ledger has drifted."""
        return self.recorded - self.recomputed


class Accounts(Protocol):
    """The accounts of users. Every method raises `NotFound` for an id the user does not have."""

    def list(self, user: UserRef) -> Sequence[Account]:
        """All, oldest first."""

    def get(self, user: UserRef, account_id: str) -> Account:
        """One."""

    def add(self, context: Context, account: Account, opening: Opening | None) -> Account:
        """Store a new account. Raises `LimitReached`."""

    def change(
        self, context: Context, account_id: str, version: int, fields: Mapping[str, Any]
    ) -> Account:
        """Replace the given fields. Raises `VersionConflict`."""

    def close(self, context: Context, account_id: str, version: int) -> Account:
        """Raises `BalanceNotZero`, `VersionConflict`."""

    def reopen(self, context: Context, account_id: str, version: int) -> Account:
        """Raises `VersionConflict`."""

    def remove(self, context: Context, account_id: str, version: int) -> None:
        """Remove an account without live transactions. Raises `AccountNotEmpty`."""

    def reconcile(self, user: UserRef, account_id: str) -> Reconciliation:
        """Prove the balance from the rows. Raises `LedgerBusy` when writers do not pause."""


def require_room(accounts: Sequence[Account]) -> None:
    """Raises `LimitReached` when there are as many accounts as a user may have."""
    if len(accounts) >= MAX_ACCOUNTS:
        raise LimitReached(f"at most {MAX_ACCOUNTS} accounts")


def changed(account: Account, fields: Mapping[str, Any]) -> Account:
    """The account with these fields replaced and its version raised."""
    return replace(account, **fields, version=account.version + 1)


def closed(account: Account) -> Account:
    """Raises `BalanceNotZero` unless nothing is left on it and nothing is on its way."""
    if account.balance.minor or account.pending_balance.minor:
        raise BalanceNotZero
    return changed(account, {"status": AccountStatus.CLOSED})


def reopened(account: Account) -> Account:
    """The account takes writes again."""
    return changed(account, {"status": AccountStatus.OPEN})


def opened(account: Account, opening: Transaction | None) -> Account:
    """The account as it is after its opening transaction."""
    if opening is None:
        return account
    return replace(
        account,
        balance=opening.amount,
        transaction_count=1,
        flows={f"{opening.date:%Y-%m}": opening.amount.minor},
    )
