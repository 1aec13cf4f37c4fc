"""`/transactions`: movements of money, listed, booked, changed, thrown away and brought back."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from budgetbuddy.api._http import (
    answer,
    empty,
    expected_version,
    json_response,
    paged,
    principal,
    rendered,
    services,
    shown,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._transaction_models import (
    NewTransaction,
    NoSplitsQuery,
    SplitsInput,
    TotalsView,
    TransactionChange,
    TransactionList,
    TransactionPath,
    TransactionView,
)
from budgetbuddy.api._transaction_query import TransactionQuery, TransactionsQuery
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.accounts import AccountClosed, WrongCurrency
from budgetbuddy.domain.categories import CategoryArchived
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    DuplicateImport,
    RangeTooWide,
    SortWindowTooLarge,
    SplitSumMismatch,
    TransactionDeleted,
    TransactionNotDeleted,
    TransferLeg,
    require_no_card_number,
    require_plausible_date,
)
from budgetbuddy.problems import InvalidCursor, NotFound

routes = Routes("transactions", "/api/v1/transactions")
READ, WRITE = scope("transactions:read"), scope("transactions:write")
REFUSALS = (
    NotFound,
    AccountClosed,
    WrongCurrency,
    CategoryArchived,
    SplitSumMismatch,
    CardNumberDetected,
)


@routes.get(
    "",
    access=READ,
    returns={200: TransactionList},
    problems=(NotFound, InvalidCursor, RangeTooWide, SortWindowTooLarge),
)
def list_transactions(query: TransactionQuery) -> Response:
    """List transactions, newest first; a page may be short and still have a cursor."""
    user = principal().user
    account = services().accounts.get(user, query.account_id) if query.account_id else None
    wanted = query.wanted(account)
    return paged(
        query,
        lambda start, limit: services().transactions.list(user, wanted, limit=limit, start=start),
        TransactionView.of,
    )


@routes.get(
    "/totals",
    access=READ,
    returns={200: TotalsView},
    problems=(NotFound, RangeTooWide),
)
def total_transactions(query: TransactionsQuery) -> Response:
    """Sum up everything that matches, by currency; `complete` says whether all rows were read."""
    user = principal().user
    account = services().accounts.get(user, query.account_id) if query.account_id else None
    totals, complete = services().transactions.totals(user, query.wanted(account))
    return json_response(TotalsView.of(totals, complete=complete))


@routes.post(
    "",
    access=WRITE,
    returns={201: TransactionView},
    problems=(*REFUSALS, DuplicateImport),
    idempotency="I!",
)
def create_transaction(body: NewTransaction) -> Response:
    """Book a transaction; balance and month follow in the same step."""
    require_sound(body.fields())
    render = rendered(TransactionView.of, status=201, location="/api/v1/transactions/{id}")
    return answer(render, services().transactions.add, body.draft())


@routes.get("/<transactionId>", access=READ, returns={200: TransactionView}, problems=(NotFound,))
def show_transaction(path: TransactionPath) -> Response:
    """Show one transaction, also from the trash."""
    transaction = services().transactions.get(principal().user, path.transaction_id)
    return shown(TransactionView.of(transaction), version=transaction.version)


@routes.patch(
    "/<transactionId>",
    access=WRITE,
    returns={200: TransactionView},
    problems=(*REFUSALS, TransactionDeleted, TransferLeg),
    if_match=True,
    idempotency="I",
)
def change_transaction(path: TransactionPath, body: TransactionChange) -> Response:
    """Change fields; absent ones stay, null clears."""
    fields = body.fields()
    require_sound(fields)
    return _changed(path, fields)


@routes.delete(
    "/<transactionId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound, AccountClosed, TransactionDeleted),
    if_match=True,
    idempotency="I",
)
def delete_transaction(path: TransactionPath) -> Response:
    """Move a transaction to the trash, from where it can be restored for 30 days.

    A leg of a transfer takes the whole transfer along, for good.
    """
    version = expected_version()
    try:
        return answer(empty, services().transactions.remove, path.transaction_id, version)
    except TransferLeg:
        return answer(empty, services().transfers.remove_leg, path.transaction_id, version)


@routes.post(
    "/<transactionId>/restore",
    access=WRITE,
    returns={200: TransactionView},
    problems=(NotFound, AccountClosed, TransactionNotDeleted, TransferLeg),
    idempotency="I",
)
def restore_transaction(path: TransactionPath) -> Response:
    """Bring a transaction back from the trash."""
    render = rendered(TransactionView.of)
    return answer(render, services().transactions.restore, path.transaction_id)


@routes.put(
    "/<transactionId>/splits",
    access=WRITE,
    returns={200: TransactionView},
    problems=(*REFUSALS, TransactionDeleted),
    if_match=True,
    idempotency="I",
)
def split_transaction(path: TransactionPath, body: SplitsInput) -> Response:
    """Divide a transaction among categories; the parts sum to the whole."""
    fields = {"splits": tuple(split.draft() for split in body.splits)}
    require_sound(fields)
    return _changed(path, fields)


@routes.delete(
    "/<transactionId>/splits",
    access=WRITE,
    returns={200: TransactionView},
    problems=(NotFound, AccountClosed, CategoryArchived, TransactionDeleted),
    if_match=True,
    idempotency="I",
)
def join_transaction(path: TransactionPath, query: NoSplitsQuery) -> Response:
    """Undo the splits; the whole goes to the category named, or to none."""
    return _changed(path, {"splits": (), "category_id": query.category_id})


def _changed(path: TransactionPath, fields: Mapping[str, Any]) -> Response:
    return answer(
        rendered(TransactionView.of),
        services().transactions.change,
        path.transaction_id,
        expected_version(),
        fields,
    )


def require_sound(fields: Mapping[str, Any]) -> None:
    """Raises for card numbers in any text and for dates out of range; shared with bulk."""
    texts = {f"/{name}": fields.get(name) for name in ("description", "merchant", "notes")}
    texts |= {f"/tags/{i}": tag for i, tag in enumerate(fields.get("tags", ()))}
    texts |= {f"/splits/{i}/note": s.note for i, s in enumerate(fields.get("splits", ()))}
    require_no_card_number(texts)
    if "date" in fields:
        require_plausible_date(fields["date"], services().clock().date())
