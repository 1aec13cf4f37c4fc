"""Lists of transactions: which index, which range, which filters, and when to stop."""

from collections.abc import Iterator

from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import Page, Position, Sealer, UserRef
from budgetbuddy.domain.transaction_queries import (
    TransactionFilter,
)
from budgetbuddy.domain.transactions import (
    Transaction,
)
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Compare, Condition, Contains, Equals
from budgetbuddy.store.table import BY_ACCOUNT, BY_DATE, Index, Store
from budgetbuddy.store.transaction_rows import LIVE, TRASH, decode_transaction

QUERIES = 5  # a page: then it stays short and says where to go on
ROWS_A_QUERY = 200  # when filters leave rows out
_BEFORE, _AFTER = "", "~"  # sort before and after every date and every id


def transaction_page(  # noqa: PLR0913 - what a page is made of
    store: Store,
    sealer: Sealer,
    user: UserRef,
    wanted: TransactionFilter,
    *,
    limit: int,
    start: Position | None,
) -> Page[Transaction]:
    """At most `limit` transactions; fewer with a `next` when five queries found no more."""
    index, between, where = selection(wanted)
    is_filtered = bool(where) or wanted.text is not None
    found: list[Transaction] = []
    position = start
    for _ in range(QUERIES):
        rows = store.ledger.page(
            f"U#{user.id}",
            index=index,
            between=between,
            where=where,
            limit=ROWS_A_QUERY if is_filtered else limit - len(found),
            start=position,
            forward=wanted.oldest_first,
        )
        for row in rows.items:
            transaction = decode_transaction(store, sealer, user, row)
            if wanted.matches_text(transaction):
                found.append(transaction)
                if len(found) == limit:
                    is_last = row is rows.items[-1] and rows.next is None
                    return Page(items=found, next=None if is_last else _position(row, index))
        position = rows.next
        if position is None:
            break
    return Page(items=found, next=position)


def selection(
    wanted: TransactionFilter,
) -> tuple[Index, tuple[str, str], tuple[Condition, ...]]:
    """Index, range in it, and the conditions that are left."""
    return *_range(wanted), tuple(_conditions(wanted))


def _range(wanted: TransactionFilter) -> tuple[Index, tuple[str, str]]:
    """The narrowest index, and both ends of the range in it."""
    first = wanted.start.isoformat() if wanted.start else _BEFORE
    last = f"{wanted.end.isoformat()}{_AFTER}" if wanted.end else _AFTER
    if wanted.deleted:
        return BY_DATE, (TRASH + _BEFORE, TRASH + _AFTER)
    if wanted.account_id:
        account_id = require_id(Kind.ACCOUNT, wanted.account_id)
        return BY_ACCOUNT, (f"{account_id}#{first}", f"{account_id}#{last}")
    return BY_DATE, (LIVE + first, LIVE + last)


def _conditions(wanted: TransactionFilter) -> Iterator[Condition]:
    equal: dict[str, str | None] = {
        "st": wanted.status,
        "kind": wanted.kind,
        "review": wanted.review,
        "cur": wanted.currency,
    }
    if wanted.deleted:
        equal["acc"] = wanted.account_id
        if wanted.start:
            yield Compare("date", ">=", wanted.start.isoformat())
        if wanted.end:
            yield Compare("date", "<=", wanted.end.isoformat())
    yield from (Equals(name, value) for name, value in equal.items() if value is not None)
    if wanted.category_id is not None:
        yield Contains("cats", wanted.category_id)
    if wanted.tag is not None:
        yield Contains("tags", wanted.tag)
    if wanted.min_minor is not None:
        yield Compare("minor", ">=", wanted.min_minor)
    if wanted.max_minor is not None:
        yield Compare("minor", "<=", wanted.max_minor)


def _position(row: Item, index: Index) -> Position:
    """Where the page after this row starts."""
    return {"sk": row["sk"], index.sort_key: row[index.sort_key]}
