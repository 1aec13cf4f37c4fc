"""Files no bank wrote: giants, bombs and mixtures, each refused or read, in bounded memory."""

import codecs
import tracemalloc
from collections.abc import Iterator

import pytest

from .conftest import Api
from .test_api import problem
from .test_statements import CSV, OFX, read, refusal

MEGABYTE = 1024 * 1024
LARGEST = 5 * MEGABYTE  # of an upload
MOST = 64 * MEGABYTE  # that reading one may take beside it
HEAD = "date,description,amount\n"
ROW = "2026-01-01,Groceries at the corner,-12.50\n"
ENTRY = "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260101<TRNAMT>-1.00<FITID>{}<NAME>n</STMTTRN>"


@pytest.fixture
def bounded() -> Iterator[None]:
    """Fails when more memory than allowed was in use at any time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST, f"{peak / MEGABYTE:.0f} MiB"


@pytest.mark.usefixtures("bounded")
def test_a_hundred_thousand_rows_are_refused_in_bounded_memory() -> None:
    rows = (HEAD + ROW * 100_000)[:LARGEST]

    assert refusal(lambda: read(rows.encode()))[0] == "too_many_rows"


@pytest.mark.usefixtures("bounded")
def test_a_hundred_thousand_entries_are_refused_in_bounded_memory() -> None:
    entries = "".join(ENTRY.format(n) for n in range(50_000))

    assert refusal(lambda: read(f"<OFX><STMTRS>{entries}".encode(), OFX))[0] == "too_many_rows"


@pytest.mark.usefixtures("bounded")
def test_one_endless_cell_is_refused_in_bounded_memory() -> None:
    cell = HEAD + '2026-01-01,"' + "x" * LARGEST

    assert refusal(lambda: read(cell.encode()))[0] == "not_csv"


@pytest.mark.usefixtures("bounded")
def test_an_entity_bomb_is_never_lit() -> None:
    declared = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10)
    )
    bomb = f'<?xml version="1.0"?><!DOCTYPE OFX [{declared}]><OFX>&k;</OFX>'

    assert refusal(lambda: read(bomb.encode(), OFX))[0] == "unsupported_markup"
    outside = '<!DOCTYPE OFX SYSTEM "file:///etc/passwd"><OFX></OFX>'
    assert refusal(lambda: read(outside.encode(), OFX))[0] == "unsupported_markup"


@pytest.mark.parametrize(
    "mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE], ids=["8", "16le", "16be"]
)
def test_a_byte_order_mark_says_the_encoding_whatever_was_told(mark: bytes) -> None:
    codec = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le"}.get(mark, "utf-16-be")
    text = HEAD + ROW.replace("Groceries", "Brötchen")

    (row,) = read(mark + text.encode(codec), CSV).rows
    assert row.description.startswith("Brötchen")


def test_a_file_in_two_encodings_is_read_in_the_one_that_can_read_all_of_it() -> None:
    utf8 = ROW.replace("Groceries", "Café").encode()
    windows = ROW.replace("Groceries", "Süd").encode("windows-1252")
    statement = read(HEAD.encode() + utf8 + windows)

    assert statement.detected["encoding"] == "windows-1252"
    assert [row.description[:6] for row in statement.rows] == ["CafÃ© ", "Süd at"]


def test_a_mark_over_bytes_of_another_encoding_is_named_with_the_line() -> None:
    windows = (HEAD + ROW.replace("Groceries", "Süd")).encode("windows-1252")

    assert refusal(lambda: read(codecs.BOM_UTF8 + windows)) == (
        "wrong_encoding",
        "/options/encoding",
    )


def test_the_largest_accepted_file_is_read_and_one_byte_more_is_not(api: Api) -> None:
    account = api.account()
    line = ROW.replace("corner", "corner" + "x" * 1_400)
    text = HEAD + line * (LARGEST // len(line))
    largest = text + "\n" * (LARGEST - len(text))
    assert len(largest) == LARGEST

    answer = api.upload(largest, account, dryRun=True)
    assert answer.status_code == 200, answer.text
    report = answer.json or {}
    assert report["rows"] == LARGEST // len(line)
    problem(api.upload(largest + "\n", account, dryRun=True), 413, "payload_too_large")
