"""`/accounts`: where money lies, and the proof of its balances."""

from flask import Response

from budgetbuddy.api._account_models import (
    AccountChange,
    AccountList,
    AccountPath,
    AccountQuery,
    AccountView,
    BalanceHistory,
    HistoryQuery,
    MonthEnd,
    NewAccount,
    ReconciledView,
    ReconciliationView,
    RemovalQuery,
    StatementInput,
    in_currency,
)
from budgetbuddy.api._fields import (
    MoneyView,
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
from budgetbuddy.api.jobs import JobView
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.account_removal import ReconciliationDifference, Statement
from budgetbuddy.domain.accounts import (
    AccountClosed,
    AccountNotEmpty,
    BalanceNotZero,
    LedgerBusy,
    WrongCurrency,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
    require_plausible_date,
)
from budgetbuddy.problems import LimitReached, NotFound

routes = Routes("accounts", "/api/v1/accounts")
READ, WRITE = scope("accounts:read"), scope("accounts:write")


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
        limit = in_currency(body.credit_limit, account.currency, "/creditLimit")
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
    returns={202: JobView, 204: None},
    problems=(NotFound, AccountNotEmpty),
    if_match=True,
    idempotency="I",
)
def delete_account(path: AccountPath, query: RemovalQuery) -> Response:
    """Delete an account; with `cascade` its transactions go to the trash first.

    The other side of a transfer stays, as an adjustment: that account still has the money. The
    work is done before the answer, so the job of a 202 has succeeded already.
    """
    version = expected_version()
    account = services().accounts.get(principal().user, path.account_id)
    if not (query.cascade and account.transaction_count):
        return answer(empty, services().accounts.remove, path.account_id, version)
    render = rendered(JobView.of, status=202, location="/api/v1/jobs/{id}", versioned=False)
    return answer(render, services().account_removal.remove_all, path.account_id, version)


@routes.post(
    "/<accountId>/reconciliations",
    access=WRITE,
    returns={201: ReconciledView},
    problems=(NotFound, AccountClosed, WrongCurrency, ReconciliationDifference),
    idempotency="I!",
)
def reconcile_with_statement(path: AccountPath, body: StatementInput) -> Response:
    """Compare the balance of a day with the bank's; an adjustment can close the gap."""
    require_plausible_date(body.statement_date, services().clock().date(), "/statementDate")
    statement = Statement(
        day=body.statement_date,
        balance=body.statement_balance.money(),
        create_adjustment=body.create_adjustment,
    )
    render = rendered(ReconciledView.of, status=201, versioned=False)
    return answer(render, services().reconciliations.reconcile, path.account_id, statement)


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
