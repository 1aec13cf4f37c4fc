"""`/accounts`: where money lies, and the proof of its balances."""

from typing import Annotated

from flask import Response
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
    answer,
    empty,
    expected_version,
    json_response,
    listed,
    principal,
    rendered,
    services,
    shown,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.accounts import (
    Account,
    AccountKind,
    AccountNotEmpty,
    AccountStatus,
    BalanceNotZero,
    LedgerBusy,
    Opening,
    WrongCurrency,
)
from budgetbuddy.domain.currency import Currency, currency_of
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
    require_plausible_date,
)
from budgetbuddy.problems import FieldError, LimitReached, NotFound

routes = Routes("accounts", "/api/v1/accounts")
READ, WRITE = scope("accounts:read"), scope("accounts:write")
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
            credit_limit=_in_currency(self.credit_limit, currency, "/creditLimit"),
            hidden=self.hidden,
            balance=Money.zero(currency),
            pending_balance=Money.zero(currency),
        )

    def opening(self) -> Opening | None:
        """The balance to start with, dated today unless told."""
        amount = _in_currency(self.opening_balance, currency_of(self.currency), "/openingBalance")
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


@routes.get("", access=READ, returns={200: AccountList})
def list_accounts(query: AccountQuery) -> Response:
    """List all accounts, oldest first; hidden ones only when asked for."""
    accounts = services().accounts.list(principal().user)
    return listed(
        AccountView.of(account)
        for account in accounts
        if (query.include_hidden or not account.hidden)
        and query.kind in {None, account.kind}
        and query.status in {None, account.status}
    )


@routes.post(
    "",
    access=WRITE,
    returns={201: AccountView},
    problems=(LimitReached, WrongCurrency, CardNumberDetected),
    idempotency="I",
)
def create_account(body: NewAccount) -> Response:
    """Create an account; an opening balance becomes a transaction that proves it."""
    require_no_card_number({"/name": body.name, "/institution": body.institution})
    render = rendered(AccountView.of, status=201, location="/api/v1/accounts/{id}")
    return answer(render, services().accounts.add, body.account(), body.opening())


@routes.get("/<accountId>", access=READ, returns={200: AccountView}, problems=(NotFound,))
def show_account(path: AccountPath) -> Response:
    """Show one account."""
    account = services().accounts.get(principal().user, path.account_id)
    return shown(AccountView.of(account), version=account.version, derived=True)


@routes.patch(
    "/<accountId>",
    access=WRITE,
    returns={200: AccountView},
    problems=(NotFound, WrongCurrency, CardNumberDetected),
    if_match=True,
    idempotency="I",
)
def change_account(path: AccountPath, body: AccountChange) -> Response:
    """Change what an account is called and how it is shown; its currency never changes."""
    fields = {name: getattr(body, name) for name in body.model_fields_set}
    require_no_card_number({f"/{name}": fields.get(name) for name in ("name", "institution")})
    if "credit_limit" in fields:
        account = services().accounts.get(principal().user, path.account_id)
        limit = _in_currency(body.credit_limit, account.currency, "/creditLimit")
        fields["credit_limit"] = limit
    return answer(
        rendered(AccountView.of),
        services().accounts.change,
        path.account_id,
        expected_version(),
        fields,
    )


@routes.post(
    "/<accountId>/close",
    access=WRITE,
    returns={200: AccountView},
    problems=(NotFound, BalanceNotZero),
    if_match=True,
    idempotency="I",
)
def close_account(path: AccountPath) -> Response:
    """Close an account that holds and owes nothing; it takes no writes until it is reopened."""
    return answer(
        rendered(AccountView.of),
        services().accounts.close,
        path.account_id,
        expected_version(),
    )


@routes.post(
    "/<accountId>/reopen",
    access=WRITE,
    returns={200: AccountView},
    problems=(NotFound,),
    if_match=True,
    idempotency="I",
)
def reopen_account(path: AccountPath) -> Response:
    """Reopen a closed account."""
    return answer(
        rendered(AccountView.of),
        services().accounts.reopen,
        path.account_id,
        expected_version(),
    )


@routes.delete(
    "/<accountId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound, AccountNotEmpty),
    if_match=True,
    idempotency="I",
)
def delete_account(path: AccountPath) -> Response:
    """Delete an account without transactions."""
    return answer(empty, services().accounts.remove, path.account_id, expected_version())


@routes.get(
    "/<accountId>/reconcile",
    access=READ,
    returns={200: ReconciliationView},
    problems=(NotFound, LedgerBusy),
)
def reconcile_account(path: AccountPath) -> Response:
    """Prove the balance: sum every row again and compare."""
    proof = services().accounts.reconcile(principal().user, path.account_id)
    return json_response(
        ReconciliationView(
            recorded=MoneyView.of(proof.recorded),
            recomputed=MoneyView.of(proof.recomputed),
            difference=MoneyView.of(proof.difference),
            rows=proof.rows,
            checked_at=format_instant(services().clock()),
        )
    )


@routes.get(
    "/<accountId>/balance-history",
    access=READ,
    returns={200: BalanceHistory},
    problems=(NotFound,),
)
def show_balance_history(path: AccountPath, query: HistoryQuery) -> Response:
    """List the balance at each month's end, from the account row alone."""
    account = services().accounts.get(principal().user, path.account_id)
    ends = account.month_ends(services().clock().date(), query.months)
    return listed(MonthEnd(month=month, balance=MoneyView.of(balance)) for month, balance in ends)


def _in_currency(money: MoneyInput | None, currency: Currency, pointer: str) -> Money | None:
    """The amount; raises `WrongCurrency` naming the field."""
    if money is None:
        return None
    if money.currency != currency.code:
        detail = "The amount must be in the currency of the account"
        error = FieldError(pointer=f"{pointer}/currency", code=WrongCurrency.code, detail=detail)
        raise WrongCurrency(errors=[error])
    return money.money()
