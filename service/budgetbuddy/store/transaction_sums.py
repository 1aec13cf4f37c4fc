"""Lists ordered by amount, and sums: both look at every row that matches, up to a bound."""

from collections.abc import Iterator

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Page, Position, Sealer, UserRef
from budgetbuddy.domain.transaction_queries import (
    CurrencyTotals,
    TransactionFilter,
)
from budgetbuddy.domain.transactions import (
    SortWindowTooLarge,
    Transaction,
)
from budgetbuddy.store.codec import Item
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_pages import selection
from budgetbuddy.store.transaction_rows import decode_transaction

SORTED_ROWS = 1_000
SUMMED_ROWS = 5_000
_ROWS_A_QUERY = 500


def amount_page(  # noqa: PLR0913 - what a page is made of
    store: Store,
    sealer: Sealer,
    user: UserRef,
    wanted: TransactionFilter,
    *,
    limit: int,
    start: Position | None,
) -> Page[Transaction]:
    """Rows by amount; raises `SortWindowTooLarge` when there are more than 1,000 to sort."""
    rows: list[Item] = []
    for row in matching(store, user, wanted):
        if len(rows) == SORTED_ROWS:
            raise SortWindowTooLarge(f"more than {SORTED_ROWS} transactions match")
        rows.append(row)
    rows.sort(key=_place, reverse=not wanted.oldest_first)
    if start is not None:
        last = (int(start["minor"]), start["sk"])
        after = _is_less if wanted.oldest_first else _is_greater
        rows = [row for row in rows if after(last, _place(row))]
    opened = (decode_transaction(store, sealer, user, row) for row in rows)
    found = [row for row in opened if wanted.matches_text(row)]
    page = found[:limit]
    if len(found) <= limit:
        return Page(items=page)
    last_row = page[-1]
    return Page(items=page, next={"minor": str(last_row.amount.minor), "sk": f"T#{last_row.id}"})


def _place(row: Item) -> tuple[int, str]:
    return row["minor"], row["sk"]


def _is_less(last: tuple[int, str], place: tuple[int, str]) -> bool:
    return last < place


def _is_greater(last: tuple[int, str], place: tuple[int, str]) -> bool:
    return last > place


def transaction_totals(
    store: Store, sealer: Sealer, user: UserRef, wanted: TransactionFilter
) -> tuple[list[CurrencyTotals], bool]:
    """Sums by currency, and whether they are complete: they stop after 5,000 rows."""
    sums: dict[str, list[int]] = {}
    for number, row in enumerate(matching(store, user, wanted)):
        if number == SUMMED_ROWS:
            return _totals(sums), False
        if wanted.text is not None:
            opened = decode_transaction(store, sealer, user, row)
            if not wanted.matches_text(opened):
                continue
        inflow, outflow, count = sums.get(row["cur"], [0, 0, 0])
        minor = row["minor"]
        sums[row["cur"]] = [inflow + max(minor, 0), outflow + min(minor, 0), count + 1]
    return _totals(sums), True


def _totals(sums: dict[str, list[int]]) -> list[CurrencyTotals]:
    return [
        CurrencyTotals(
            inflow=Money(inflow, currency_of(code)),
            outflow=Money(outflow, currency_of(code)),
            count=count,
        )
        for code, (inflow, outflow, count) in sorted(sums.items())
    ]


def matching(store: Store, user: UserRef, wanted: TransactionFilter) -> Iterator[Item]:
    """Every row that matches what can be asked of sealed rows, page by page."""
    index, between, where = selection(wanted)
    start: Position | None = None
    while True:
        page = store.ledger.page(
            f"U#{user.id}",
            index=index,
            between=between,
            where=where,
            limit=_ROWS_A_QUERY,
            start=start,
        )
        yield from page.items
        if page.next is None:
            return
        start = page.next
