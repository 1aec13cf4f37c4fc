"""What `/accounts` takes and gives."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import (
    CalendarDate,
    CurrencyCode,
    MoneyInput,
    MoneyView,
    Name,
    unset,
)
from budgetbuddy.api._http import (
    services,
)
from budgetbuddy.domain.account_removal import Reconciled
from budgetbuddy.domain.accounts import (
    Account,
    AccountKind,
    AccountStatus,
    Opening,
    WrongCurrency,
)
from budgetbuddy.domain.currency import Currency, currency_of
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.transactions import (
    require_plausible_date,
)
from budgetbuddy.problems import FieldError

Mask = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,4}$")]


class AccountPath(Query):
    """Path of one account."""

    account_id: str


class AccountQuery(Query):
    """Which accounts to list."""

    kind: AccountKind | None = None
    status: AccountStatus | None = None
    include_hidden: bool = False


class NewAccount(Input):
    """An account to be kept from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Everyday account",
                "kind": "checking",
                "currency": "EUR",
                "openingBalance": {"amount": "1250.00", "currency": "EUR"},
                "openingDate": "2026-01-01",
            }
        }
    )

    name: Name
    kind: AccountKind
    currency: CurrencyCode
    institution: Name | None = None
    mask: Mask | None = None
    credit_limit: MoneyInput | None = None
    opening_balance: MoneyInput | None = None
    opening_date: CalendarDate | None = None
    hidden: bool = False

    def account(self) -> Account:
        """The account, still without its opening balance."""
        currency = currency_of(self.currency)
        return Account(
            id=make_id(Kind.ACCOUNT),
            name=self.name,
            kind=self.kind,
            currency=currency,
            institution=self.institution,
            mask=self.mask,
            credit_limit=in_currency(self.credit_limit, currency, "/creditLimit"),
            hidden=self.hidden,
            balance=Money.zero(currency),
            pending_balance=Money.zero(currency),
        )

    def opening(self) -> Opening | None:
        """The balance to start with, dated today unless told."""
        amount = in_currency(self.opening_balance, currency_of(self.currency), "/openingBalance")
        if amount is None:
            return None
        today = services().clock().date()
        if self.opening_date is not None:
            require_plausible_date(self.opening_date, today, "/openingDate")
        return Opening(amount=amount, date=self.opening_date or today)


class AccountChange(Input):
    """Fields to replace; absent ones stay."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Joint account", "hidden": False}}
    )

    name: Name = unset()
    kind: AccountKind = unset()
    institution: Name | None = unset()
    mask: Mask | None = unset()
    credit_limit: MoneyInput | None = unset()
    hidden: bool = unset()


class AccountView(View):
    """An account. Balances are derived: they change without raising the version."""

    id: str
    name: str
    kind: AccountKind
    currency: str
    institution: str | None
    mask: str | None
    credit_limit: MoneyView | None
    hidden: bool
    status: AccountStatus
    balance: MoneyView
    pending_balance: MoneyView
    transaction_count: int
    source: str = "manual"
    plaid_item_id: str | None = None
    last_synced_at: str | None = None
    version: int

    @classmethod
    def of(cls, account: Account) -> "AccountView":
        """The view of an account."""
        return cls(
            id=account.id,
            name=account.name,
            kind=account.kind,
            currency=account.currency.code,
            institution=account.institution,
            mask=account.mask,
            credit_limit=MoneyView.of(account.credit_limit) if account.credit_limit else None,
            hidden=account.hidden,
            status=account.status,
            balance=MoneyView.of(account.balance),
            pending_balance=MoneyView.of(account.pending_balance),
            transaction_count=account.transaction_count,
            version=account.version,
        )


class AccountList(View):
    """All accounts, oldest first; the list is not paged."""

    items: list[AccountView]
    next_cursor: str | None = None


class ReconciliationView(View):
    """`recorded` as the account says, `recomputed` from its rows; the difference must be zero."""

    recorded: MoneyView
    recomputed: MoneyView
    difference: MoneyView
    rows: int
    checked_at: str


class RemovalQuery(Query):
    """Whether an account may take its transactions along."""

    cascade: bool = False


class StatementInput(Input):
    """What the bank says the posted balance was at the end of a day."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "statementDate": "2026-01-31",
                "statementBalance": {"amount": "1237.50", "currency": "EUR"},
                "createAdjustment": False,
            }
        }
    )

    statement_date: CalendarDate
    statement_balance: MoneyInput
    create_adjustment: bool = False


class ReconciledView(View):
    """`difference` is statement less ledger; an adjustment, if one was made, has closed it."""

    difference: MoneyView
    adjustment_id: str | None

    @classmethod
    def of(cls, found: Reconciled) -> "ReconciledView":
        """The view of a comparison."""
        return cls(difference=MoneyView.of(found.difference), adjustment_id=found.adjustment_id)


class MonthEnd(View):
    """The posted balance at the end of a month."""

    month: Annotated[str, Field(examples=["2026-01"])]
    balance: MoneyView


class BalanceHistory(View):
    """Month ends, oldest first."""

    items: list[MonthEnd]
    next_cursor: str | None = None


class HistoryQuery(Query):
    """How far back, the running month included."""

    months: Annotated[int, Field(ge=1, le=120)] = 12


def in_currency(money: MoneyInput | None, currency: Currency, pointer: str) -> Money | None:
    """The amount; raises `WrongCurrency` naming the field."""
    if money is None:
        return None
    if money.currency != currency.code:
        detail = "The amount must be in the currency of the account"
        error = FieldError(pointer=f"{pointer}/currency", code=WrongCurrency.code, detail=detail)
        raise WrongCurrency(errors=[error])
    return money.money()
