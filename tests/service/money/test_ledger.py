"""Whatever is written, balances and months equal what the rows say."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from budgetbuddy.domain.accounts import (
    AccountClosed,
    AccountNotEmpty,
    AccountStatus,
    BalanceNotZero,
    WrongCurrency,
)
from budgetbuddy.domain.categories import CategoryArchived, CategoryKind, NameTaken
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.imports import read_rows
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, Reply
from budgetbuddy.domain.statements.reading import Format, ReadingOptions
from budgetbuddy.domain.transaction_queries import (
    TransactionFilter,
)
from budgetbuddy.domain.transactions import (
    DuplicateImport,
    SplitDraft,
    SplitSumMismatch,
    TransactionDeleted,
    TransactionNotDeleted,
    TransactionStatus,
)
from budgetbuddy.problems import IdempotencyInProgress, LimitReached, NotFound, VersionConflict
from budgetbuddy.store.codec import encode, size_bytes
from budgetbuddy.store.idempotency import IdempotencyStore

from .conftest import EUR, NOW, Ledger, draft


def recomputed(ledger: Ledger, context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    """Counters of accounts and months as the rows say they should be."""
    rows = [
        ledger.transactions.get(context.user, row["sk"].removeprefix("T#"))
        for row in ledger.rows(context, "T#")
    ]
    expected = effects(added=rows)
    accounts = {f"A#{account_id}": dict(c) for account_id, c in expected.accounts.items()}
    months = {f"M#{cur}#{month}": dict(c) for (cur, month), c in expected.months.items()}
    return accounts, months


def recorded(ledger: Ledger, context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same counters as they are stored; zeros say nothing."""

    def counters(row: dict[str, Any]) -> dict[str, int]:
        prefixes = ("f_", "s_", "n_")
        names = {"bal", "pend", "n", "in", "out", "cnt"}
        kept = {k: v for k, v in row.items() if k in names or k.startswith(prefixes)}
        return {k: v for k, v in kept.items() if v}

    found = ({}, {})  # type: tuple[dict[str, Any], dict[str, Any]]
    for prefix, group in zip(("A#", "M#"), found, strict=True):
        group.update({row["sk"]: counters(row) for row in ledger.rows(context, prefix)})
    return tuple({k: v for k, v in group.items() if v} for group in found)  # type: ignore[return-value] # two groups


def test_create_change_delete_and_restore_keep_every_counter_exact(ledger: Ledger) -> None:
    context = ledger.new_user()
    giro = ledger.new_account(context, opening="100.00")
    cash = ledger.new_account(context, name="Cash")
    food = ledger.categories.add(context, {"name": "Food", "kind": CategoryKind.EXPENSE})
    pay = ledger.categories.add(context, {"name": "Pay", "kind": CategoryKind.INCOME})

    def proved() -> None:
        assert recorded(ledger, context) == recomputed(ledger, context)

    first = ledger.transactions.add(context, draft(giro, "-12.50", category_id=food.id))
    ledger.transactions.add(context, draft(giro, "2000.00", category_id=pay.id))
    ledger.transactions.add(context, draft(cash, "-3.00", status=TransactionStatus.PENDING))
    proved()
    assert ledger.months.get(context.user, "EUR", "2026-06").spending_minor == -1250

    moved = ledger.transactions.change(
        context,
        first.id,
        1,
        {"account_id": cash.id, "date": date(2026, 5, 31), "category_id": None},
    )
    proved()
    splits = tuple(
        SplitDraft(category_id=c.id, amount=Money(m, EUR)) for c, m in ((food, -1000), (pay, -250))
    )
    split = ledger.transactions.change(context, first.id, moved.version, {"splits": splits})
    proved()
    ledger.transactions.remove(context, first.id, split.version)
    proved()
    assert ledger.accounts.get(context.user, cash.id).balance.minor == 0
    back = ledger.transactions.restore(context, first.id)
    proved()
    assert back.version == 5
    assert ledger.transactions.get(context.user, first.id) == back
    reconciliation = ledger.accounts.reconcile(context.user, cash.id)
    assert (reconciliation.difference.minor, reconciliation.rows) == (0, 2)


def test_an_account_starts_with_a_transaction_that_proves_its_balance(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context, opening="-250.75")

    assert ledger.accounts.get(context.user, account.id) == account
    assert account.balance == Money(-25075, EUR)
    assert ledger.accounts.reconcile(context.user, account.id).difference.minor == 0
    assert ledger.months.get(context.user, "EUR", "2026-01").count == 0


def test_a_stale_version_is_refused_with_the_stored_one(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    row = ledger.transactions.add(context, draft(account, "1.00"))
    ledger.transactions.change(context, row.id, 1, {"description": "new"})

    for stale in (
        lambda: ledger.transactions.change(context, row.id, 1, {"description": "mine"}),
        lambda: ledger.transactions.remove(context, row.id, 1),
    ):
        with pytest.raises(VersionConflict) as conflict:
            stale()
        assert conflict.value.headers == {"ETag": '"2"'}
    assert ledger.transactions.get(context.user, row.id).description == "new"


def test_a_closed_account_takes_no_money_and_is_closed_empty(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context, opening="5.00")
    with pytest.raises(BalanceNotZero):
        ledger.accounts.close(context, account.id, 1)
    ledger.transactions.add(context, draft(account, "-5.00"))

    closed = ledger.accounts.close(context, account.id, 1)

    assert (closed.status, closed.version) == (AccountStatus.CLOSED, 2)
    with pytest.raises(AccountClosed):
        ledger.transactions.add(context, draft(account, "1.00"))
    reopened = ledger.accounts.reopen(context, account.id, 2)
    ledger.transactions.add(context, draft(account, "1.00"))
    with pytest.raises(AccountNotEmpty):
        ledger.accounts.remove(context, account.id, reopened.version)


def test_an_empty_account_can_be_removed(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    ledger.accounts.remove(context, account.id, 1)

    assert ledger.accounts.list(context.user) == []
    with pytest.raises(NotFound):
        ledger.accounts.get(context.user, account.id)


def test_money_in_another_currency_never_lands_on_an_account(ledger: Ledger) -> None:
    context = ledger.new_user()
    euros = ledger.new_account(context)
    dollars = replace(euros, currency=currency_of("USD"))

    with pytest.raises(WrongCurrency):
        ledger.transactions.add(context, draft(dollars, "1.00"))
    assert ledger.rows(context, "T#") == []


def test_what_another_user_has_does_not_exist(ledger: Ledger) -> None:
    owner, other = ledger.new_user(), ledger.new_user()
    account = ledger.new_account(owner)
    row = ledger.transactions.add(owner, draft(account, "1.00"))
    food = ledger.categories.add(owner, {"name": "Food", "kind": CategoryKind.EXPENSE})
    own = ledger.new_account(other)

    for attempt in (
        lambda: ledger.accounts.get(other.user, account.id),
        lambda: ledger.transactions.get(other.user, row.id),
        lambda: ledger.transactions.add(other, draft(account, "1.00")),
        lambda: ledger.transactions.add(other, draft(own, "1.00", category_id=food.id)),
        lambda: ledger.transactions.change(other, row.id, 1, {"description": "x"}),
        lambda: ledger.transactions.remove(other, row.id, 1),
        lambda: ledger.accounts.change(other, account.id, 1, {"name": "x"}),
        lambda: ledger.categories.change(other, food.id, 1, {"name": "x"}),
        lambda: ledger.transactions.get(other.user, "txn_malformed"),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_an_import_id_is_taken_once_even_after_its_row_was_deleted(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    row = ledger.transactions.add(context, draft(account, "1.00", import_id="bank-1"))
    ledger.transactions.remove(context, row.id, 1)

    with pytest.raises(DuplicateImport):
        ledger.transactions.add(context, draft(account, "1.00", import_id="bank-1"))
    elsewhere = ledger.new_account(context)
    ledger.transactions.add(context, draft(elsewhere, "1.00", import_id="bank-1"))


def test_splits_must_sum_to_the_whole_and_follow_its_sign(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    food = ledger.categories.add(context, {"name": "Food", "kind": CategoryKind.EXPENSE})

    for minors in ((-600, -399), (-1100, 100), (-1000, 0)):
        splits = tuple(SplitDraft(category_id=food.id, amount=Money(m, EUR)) for m in minors)
        with pytest.raises(SplitSumMismatch):
            ledger.transactions.add(context, draft(account, "-10.00", splits=splits))
    splits = tuple(SplitDraft(category_id=food.id, amount=Money(m, EUR)) for m in (-600, -400))
    row = ledger.transactions.add(context, draft(account, "-10.00", splits=splits))
    with pytest.raises(SplitSumMismatch):
        ledger.transactions.change(context, row.id, 1, {"amount": Money(-900, EUR)})


def test_the_trash_is_listed_restored_from_and_emptied_by_time(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    row = ledger.transactions.add(context, draft(account, "1.00"))
    with pytest.raises(TransactionNotDeleted):
        ledger.transactions.restore(context, row.id)
    ledger.transactions.remove(context, row.id, 1)
    with pytest.raises(TransactionDeleted):
        ledger.transactions.change(context, row.id, 2, {"description": "x"})

    trash = ledger.transactions.list(
        context.user, TransactionFilter(deleted=True), limit=10, start=None
    )
    live = ledger.transactions.list(context.user, TransactionFilter(), limit=10, start=None)

    assert ([item.id for item in trash.items], live.items) == ([row.id], [])
    ledger.now = NOW + timedelta(days=31)
    with pytest.raises(NotFound):
        ledger.transactions.restore(context, row.id)


def test_categories_have_unique_live_names_and_slots_of_their_own(ledger: Ledger) -> None:
    context = ledger.new_user()
    food = ledger.categories.add(context, {"name": "Food", "kind": CategoryKind.EXPENSE})
    account = ledger.new_account(context)
    with pytest.raises(NameTaken):
        ledger.categories.add(context, {"name": "food", "kind": CategoryKind.INCOME})
    ledger.categories.archive(context, food.id, 1)
    with pytest.raises(CategoryArchived):
        ledger.transactions.add(context, draft(account, "1.00", category_id=food.id))

    again = ledger.categories.add(context, {"name": "Food", "kind": CategoryKind.EXPENSE})

    assert again.slot != food.slot


def test_one_account_too_many_is_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetbuddy.domain.accounts.MAX_ACCOUNTS", 2)
    context = ledger.new_user()
    for _ in range(2):
        ledger.new_account(context)

    with pytest.raises(LimitReached):
        ledger.new_account(context)


# --- Lists ---------------------------------------------------------------------------------------


def page_through(
    ledger: Ledger, context: Context, wanted: TransactionFilter, limit: int
) -> list[str]:
    """Descriptions of all pages; a page never holds more than `limit`."""
    seen, start = [], None
    while True:
        page = ledger.transactions.list(context.user, wanted, limit=limit, start=start)
        assert len(page.items) <= limit
        seen += [row.description for row in page.items]
        start = page.next
        if start is None:
            return seen


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_any_size_hold_each_row_once_in_order(ledger: Ledger, limit: int) -> None:
    context = ledger.new_user()
    giro, cash = ledger.new_account(context), ledger.new_account(context)
    for day, account in ((3, giro), (1, giro), (2, cash), (3, giro)):
        text = f"{day}{'g' if account is giro else 'c'}"
        ledger.transactions.add(
            context, draft(account, "1.00", f"2026-06-0{day}", description=text)
        )

    def listed(**wanted: Any) -> list[str]:
        return page_through(ledger, context, TransactionFilter(**wanted), limit)

    assert listed() == ["3g", "3g", "2c", "1g"]
    assert listed(oldest_first=True) == ["1g", "2c", "3g", "3g"]
    assert listed(account_id=giro.id) == ["3g", "3g", "1g"]
    assert listed(start=date(2026, 6, 1), end=date(2026, 6, 2)) == ["2c", "1g"]
    assert listed(account_id=giro.id, start=date(2026, 6, 2)) == ["3g", "3g"]
    assert listed(text="G") == ["3g", "3g", "1g"]


def test_filters_find_what_they_name(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    food = ledger.categories.add(context, {"name": "Food", "kind": CategoryKind.EXPENSE})
    pay = ledger.categories.add(context, {"name": "Pay", "kind": CategoryKind.INCOME})
    splits = tuple(SplitDraft(category_id=c.id, amount=Money(-50, EUR)) for c in (food, pay))
    ledger.transactions.add(context, draft(account, "-9.00", description="a", category_id=food.id))
    ledger.transactions.add(context, draft(account, "-1.00", description="b", splits=splits))
    ledger.transactions.add(context, draft(account, "5.00", description="c", tags=("x", "y")))
    ledger.transactions.add(
        context, draft(account, "6.00", description="d", status=TransactionStatus.PENDING)
    )

    def listed(**wanted: Any) -> list[str]:
        return sorted(page_through(ledger, context, TransactionFilter(**wanted), 10))

    assert listed(category_id=food.id) == ["a", "b"]
    assert listed(category_id=pay.id) == ["b"]
    assert listed(tag="x") == ["c"]
    assert listed(status=TransactionStatus.PENDING) == ["d"]
    assert listed(min_minor=-100, max_minor=500) == ["b", "c"]
    assert listed(currency="USD") == []


def test_a_filter_that_finds_nothing_stops_after_five_queries_and_says_where(
    moto_ledger: Ledger,
    count_calls: Callable[[Ledger], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("budgetbuddy.store.transaction_pages.ROWS_A_QUERY", 2)
    context = moto_ledger.new_user()
    account = moto_ledger.new_account(context)
    for _ in range(12):
        moto_ledger.transactions.add(context, draft(account, "1.00"))
    calls = count_calls(moto_ledger)

    page = moto_ledger.transactions.list(
        context.user, TransactionFilter(tag="none"), limit=5, start=None
    )

    assert (page.items, page.next is not None, calls) == ([], True, ["Query"] * 5)


# --- What a command costs and leaves -------------------------------------------------------------


def test_a_new_transaction_takes_one_read_and_one_write(
    moto_ledger: Ledger, count_calls: Callable[[Ledger], list[str]]
) -> None:
    context = moto_ledger.new_user()
    account = moto_ledger.new_account(context)
    calls = count_calls(moto_ledger)
    moto_ledger.transactions.add(context, draft(account, "1.00"))

    assert calls == ["GetItem", "TransactWriteItems"]


def test_the_month_of_a_user_with_every_category_stays_below_4_kb() -> None:
    row = {"pk": f"U#{make_id(Kind.USER)}", "sk": "M#EUR#2026-01", "v": 1, "version": 10**6}
    row |= {"in": 10**11, "out": -(10**11), "cnt": 10**4}
    for number in range(121):
        row |= {f"s_{number:02}": -(10**10), f"n_{number:02}": 999}

    assert size_bytes(encode(row)) < 4_096


def test_texts_are_stored_sealed(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(
        context, name="Secret giro", institution="Hidden bank", mask="4711"
    )
    ledger.transactions.add(
        context, draft(account, "1.00", description="Private", merchant="Doctor", notes="Ill")
    )

    stored = repr(ledger.rows(context, ""))
    for text in ("Secret giro", "Hidden bank", "4711", "Private", "Doctor", "Ill"):
        assert text not in stored


# --- Many at once --------------------------------------------------------------------------------


@pytest.mark.emulator
def test_parallel_writers_lose_nothing_and_balances_stay_exact(emulator_ledger: Ledger) -> None:
    ledger = emulator_ledger
    context = ledger.new_user()
    account = ledger.new_account(context, opening="1000.00")

    def write(number: int) -> None:
        row = ledger.transactions.add(context, draft(account, f"{number}.01"))
        if number % 3 == 0:
            ledger.transactions.change(context, row.id, 1, {"amount": Money(-number, EUR)})
        if number % 4 == 0:
            ledger.transactions.remove(context, row.id, 2 if number % 3 == 0 else 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(1, 41)))

    assert recorded(ledger, context) == recomputed(ledger, context)
    assert len(ledger.rows(context, "T#")) == 41
    assert ledger.accounts.reconcile(context.user, account.id).difference.minor == 0
    changes = ledger.store.ledger.query(f"CHG#{context.user.id}")
    assert [row["sk"] for row in changes] == [f"{n:020d}" for n in range(1, 1 + 1 + 40 + 13 + 10)]


@pytest.mark.emulator
def test_one_key_sent_by_many_threads_at_once_books_one_row(emulator_ledger: Ledger) -> None:
    ledger = emulator_ledger
    context = ledger.new_user()
    account = ledger.new_account(context)
    idempotency = IdempotencyStore(ledger.store, ledger.envelope)

    def send(owner: int) -> str:
        try:
            found = idempotency.claim(context.user, key="k", owner=str(owner), fingerprint="f")
        except IdempotencyInProgress:
            return "in progress"
        if isinstance(found, Reply):
            return found.body.decode()
        mine = replace(
            context, claim=found, render=lambda row: Reply(status=201, body=row.id.encode())
        )
        return ledger.transactions.add(mine, draft(account, "-1.00")).id

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(16)))

    (row,) = ledger.rows(context, "T#")
    assert answers <= {row["sk"].removeprefix("T#"), "in progress"}
    assert send(99) == row["sk"].removeprefix("T#")
    assert str(ledger.accounts.get(context.user, account.id).balance) == "-1.00"


@pytest.mark.emulator
def test_two_imports_of_one_statement_at_once_book_each_row_once(emulator_ledger: Ledger) -> None:
    ledger = emulator_ledger
    context = ledger.new_user()
    account = ledger.new_account(context)
    lines = "".join(f"2026-01-{1 + i % 28:02},Shop {i},-1.00\n" for i in range(100))
    data = f"date,description,amount\n{lines}".encode()
    prepared = read_rows(data, ReadingOptions(format=Format.CSV), account, date(2026, 6, 15))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: ledger.imports.run(context, account, prepared), range(4)))

    assert sum(len(result.report.created) for result in results) == 100
    assert all(len(r.report.created) + len(r.report.duplicates) == 100 for r in results)
    assert len(ledger.rows(context, "T#")) == 100
    assert recorded(ledger, context) == recomputed(ledger, context)
