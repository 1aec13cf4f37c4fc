"""A statement is booked whole or not at all, once, in few transactions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from budgetbuddy.domain.accounts import Account
from budgetbuddy.domain.categories import CategoryKind
from budgetbuddy.domain.imports import (
    ImportRejected,
    ImportResult,
    LineError,
    MappingIncomplete,
    ReadRows,
    TooManyRows,
    UnreadableFile,
    read_rows,
    require_good_rows,
)
from budgetbuddy.domain.jobs import JobStatus
from budgetbuddy.domain.ports import Claim, Context, Reply
from budgetbuddy.domain.statements.reading import Format, ReadingOptions
from budgetbuddy.domain.transaction_queries import (
    TransactionFilter,
)
from budgetbuddy.domain.transactions import (
    Source,
)
from budgetbuddy.problems import NotFound, Unavailable
from budgetbuddy.store.idempotency import IdempotencyStore

from .conftest import NOW, Ledger

FILES = Path(__file__).parent / "statements"
TODAY = date(2026, 6, 15)


def read(account: Account, data: str | bytes, format_: Format = Format.CSV) -> ReadRows:
    raw = data if isinstance(data, bytes) else data.encode()
    return read_rows(raw, ReadingOptions(format=format_), account, TODAY)


def book(ledger: Ledger, context: Context, account: Account, data: str | bytes) -> ImportResult:
    return ledger.imports.run(context, account, read(account, data))


def statement(rows: int, *, first: date = date(2026, 1, 1), every: int = 1) -> str:
    lines = (f"{first + timedelta(days=i // every)},Shop {i},-{i + 1}.00\n" for i in range(rows))
    return "date,description,amount\n" + "".join(lines)


def test_a_statement_becomes_transactions_once(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    data = (FILES / "checking_1x.ofx").read_bytes()
    read_once = read(account, data, Format.OFX)

    first = ledger.imports.run(context, account, read_once)
    again = ledger.imports.run(context, account, read_once)

    assert first.report.counts == {"rows": 3, "created": 3, "duplicates": 0, "errors": 0}
    assert again.report.counts == {"rows": 3, "created": 0, "duplicates": 3, "errors": 0}
    assert again.report.duplicates == first.report.created
    rows = ledger.transactions.list(context.user, TransactionFilter(), limit=10, start=None).items
    assert [(str(row.amount), row.merchant, row.source) for row in rows] == [
        ("-4.50", None, Source.IMPORT),
        ("2650.00", "ACME LTD", Source.IMPORT),
        ("-54.90", "Bäckerei & Café Groß", Source.IMPORT),
    ]
    assert str(ledger.accounts.get(context.user, account.id).balance) == "2590.60"
    assert ledger.accounts.reconcile(context.user, account.id).difference.minor == 0


def test_a_deleted_row_does_not_come_back_with_the_next_statement(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    first = book(ledger, context, account, statement(2))
    ledger.transactions.remove(context, first.report.created[0].transaction_id, 1)

    later = book(ledger, context, account, statement(3))

    assert [placed.line for placed in later.report.created] == [4]
    assert [placed.line for placed in later.report.duplicates] == [2, 3]


@pytest.mark.emulator
def test_five_hundred_rows_take_at_most_fifteen_transactions(
    emulator_ledger: Ledger, count_calls: Callable[[Ledger], list[str]]
) -> None:
    ledger = emulator_ledger
    context = ledger.new_user()
    account = ledger.new_account(context)
    prepared = read(account, statement(500, every=5))
    calls = count_calls(ledger)

    result = ledger.imports.run(context, account, prepared)

    assert len(result.report.created) == 500
    assert calls.count("TransactWriteItems") <= 15
    assert str(ledger.accounts.get(context.user, account.id).balance) == "-125250.00"
    assert ledger.accounts.reconcile(context.user, account.id).difference.minor == 0


def test_rows_of_many_months_are_spread_over_more_transactions(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    lines = "".join(f"{2000 + i // 12}-{i % 12 + 1:02}-01,Rent,-1.00\n" for i in range(80))

    result = book(ledger, context, account, f"date,description,amount\n{lines}")

    assert len(result.report.created) == 80
    assert ledger.months.get(context.user, "EUR", "2003-04").spending_minor == -100


def test_report_and_job_can_be_read_back_until_their_time_is_over(ledger: Ledger) -> None:
    context, other = ledger.new_user(), ledger.new_user()
    account = ledger.new_account(context)
    prepared = read(account, statement(2) + "2026-02-30,bad,1.00\n")
    result = ledger.imports.run(context, account, prepared)

    assert ledger.imports.get(context.user, result.report.id) == result.report
    assert ledger.jobs.get(context.user, result.job.id) == result.job
    assert result.job.status is JobStatus.SUCCEEDED
    assert [error.line for error in result.report.errors] == [4]
    page = ledger.imports.list(context.user, limit=10, start=None)
    assert list(page.items) == [result.report]
    for missing in (
        lambda: ledger.imports.get(other.user, result.report.id),
        lambda: ledger.jobs.get(other.user, result.job.id),
    ):
        with pytest.raises(NotFound):
            missing()
    ledger.now = NOW + timedelta(days=91)
    with pytest.raises(NotFound):
        ledger.imports.get(context.user, result.report.id)


def test_a_dry_run_knows_the_duplicates_and_writes_nothing(
    ledger: Ledger, count_calls: Callable[[Ledger], list[str]]
) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    book(ledger, context, account, statement(2))
    prepared = read(account, statement(120))
    calls = count_calls(ledger)

    known = ledger.imports.known(context.user, account.id, prepared.rows)

    assert [placed.line for placed in known] == [2, 3]
    assert set(calls) == {"BatchGetItem"}


def test_categories_are_found_by_name_and_unknown_ones_left_out(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    food = ledger.categories.add(context, {"name": "Food", "kind": CategoryKind.EXPENSE})
    text = "date,description,amount,category\n2026-01-01,a,-1.00,FOOD\n2026-01-02,b,-2.00,Other\n"

    book(ledger, context, account, text)

    rows = ledger.transactions.list(context.user, TransactionFilter(), limit=10, start=None).items
    assert [row.category.id if row.category else None for row in rows] == [None, food.id]
    assert ledger.months.get(context.user, "EUR", "2026-01").slots[food.slot].net_minor == -100


def test_formula_like_text_is_kept_as_text(ledger: Ledger) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    text = "=HYPERLINK(1)", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3"
    lines = "".join(f'2026-01-0{i},"{cell}",1.00\n' for i, cell in enumerate(text, 1))

    book(ledger, context, account, f"date,description,amount\n{lines}")

    page = ledger.transactions.list(
        context.user, TransactionFilter(oldest_first=True), limit=10, start=None
    )
    assert tuple(row.description for row in page.items) == text


def test_an_import_that_died_half_way_is_finished_by_its_repeat(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ledger.new_user()
    account = ledger.new_account(context)
    prepared = read(account, statement(100, every=5))
    idempotency = IdempotencyStore(ledger.store, ledger.envelope)

    def attempt(owner: str) -> ImportResult | Reply:
        claimed = idempotency.claim(context.user, key="k", owner=owner, fingerprint="f")
        if isinstance(claimed, Reply):
            return claimed
        mine: Context = replace(
            context,
            claim=Claim(key="k", owner=owner),
            render=lambda result: Reply(status=202, body=result.report.id.encode()),
        )
        return ledger.imports.run(mine, account, prepared)

    commit = ledger.imports._commands.commit  # noqa: SLF001 - where a process can die
    commits: list[Any] = []

    def dying(writes: list[Any]) -> None:
        commits.append(writes)
        if len(commits) == 2:
            raise Unavailable("the process was killed")
        commit(writes)

    monkeypatch.setattr(ledger.imports._commands, "commit", dying)  # noqa: SLF001 - as above
    with pytest.raises(Unavailable):
        attempt("first")
    ledger.now = NOW + timedelta(seconds=61)  # its lease runs out

    finished = attempt("second")
    replayed = attempt("third")

    assert isinstance(finished, ImportResult)
    assert finished.report.counts == {"rows": 100, "created": 100, "duplicates": 0, "errors": 0}
    assert isinstance(replayed, Reply)
    assert replayed.body == finished.report.id.encode()
    assert ledger.accounts.get(context.user, account.id).transaction_count == 100


# --- What is refused -----------------------------------------------------------------------------


def test_one_wrong_row_stops_all_unless_the_good_ones_are_enough(moto_ledger: Ledger) -> None:
    account = moto_ledger.new_account(moto_ledger.new_user())
    prepared = read(account, statement(2) + "yesterday,x,1.00\n2026-01-05,y,lots\n")

    with pytest.raises(ImportRejected) as rejected:
        require_good_rows(prepared, partial=False)

    lines = [error for error in rejected.value.errors if isinstance(error, LineError)]
    assert [(e.line, e.code) for e in lines] == [(4, "invalid_date"), (5, "invalid_amount")]
    document = rejected.value.document(instance="/", request_id="r")
    assert document["errors"][0] == {  # type: ignore[index] # a list of members
        "pointer": "/file",
        "code": "invalid_date",
        "detail": "the date is missing or not in the format of the file",
        "line": 4,
    }
    require_good_rows(prepared, partial=True)


@pytest.mark.parametrize(
    ("data", "problem", "code"),
    [
        (b"", UnreadableFile, "empty_file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", UnreadableFile, "not_text"),
        (b"prose", UnreadableFile, "not_csv"),
        (b"a,b,c\n1,2,3\n", MappingIncomplete, "mapping_incomplete"),
        (b"date,text,amount\n01/02/2026,x,1.50\n", MappingIncomplete, "ambiguous_date_format"),
    ],
)
def test_an_unreadable_file_is_a_problem_that_says_why(
    moto_ledger: Ledger, data: bytes, problem: type[UnreadableFile], code: str
) -> None:
    account = moto_ledger.new_account(moto_ledger.new_user())

    with pytest.raises(problem) as refused:
        read(account, data)
    assert [error.code for error in refused.value.errors] == [code]


def test_too_many_rows_are_a_problem_of_their_own(moto_ledger: Ledger) -> None:
    account = moto_ledger.new_account(moto_ledger.new_user())

    with pytest.raises(TooManyRows):
        read(account, statement(5_001, every=50))
