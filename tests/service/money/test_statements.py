"""Statement files of many banks are read alike; what is wrong is named by its line."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.statements.delimited import CsvOptions
from budgetbuddy.domain.statements.identity import identify
from budgetbuddy.domain.statements.reading import Format, ReadingOptions, read_statement
from budgetbuddy.domain.statements.rows import Statement, StatementRow, UnreadableStatement

FILES = Path(__file__).parent / "statements"
CSV = ReadingOptions(format=Format.CSV)
OFX = ReadingOptions(format=Format.OFX)


def read(data: bytes, options: ReadingOptions = CSV, currency: str = "EUR") -> Statement:
    return read_statement(
        data,
        options,
        currency_of(currency),
        earliest=date(1970, 1, 1),
        latest=date(2027, 1, 1),
    )


def csv(text: str, **options: object) -> Statement:
    told = CsvOptions(**options)  # type: ignore[arg-type] # the tests below name real options
    return read(text.encode(), replace(CSV, csv=told))


def brief(row: StatementRow) -> tuple[int, str, str, str]:
    return row.line, row.date.isoformat(), str(row.amount), row.description


def refusal(reading: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(UnreadableStatement) as refused:
        reading()
    return refused.value.code, refused.value.pointer


# --- Whole files ---------------------------------------------------------------------------------

EXPECTED = {
    "uk_current_account.csv": (
        "GBP",
        [
            (2, "2026-03-02", "-1104.20", "OCTOPUS ENERGY 1182"),
            (3, "2026-03-03", "-48.15", "TESCO STORES 3372"),
            (4, "2026-03-13", "2650.00", "ACME LTD SALARY"),
            (5, "2026-03-14", "-6.40", "PRET A MANGER, LONDON"),
            (6, "2026-03-14", "-6.40", "PRET A MANGER, LONDON"),
            (7, "2026-03-16", "0.50", '=HYPERLINK("http://example.org")'),
        ],
    ),
    "german_giro.csv": (
        "EUR",
        [
            (5, "2026-02-02", "-89.00", "Abschlag Strom Februar"),
            (6, "2026-02-05", "-7.45", "Brötchen"),
            (7, "2026-02-15", "3412.77", "Gehalt Februar"),
            (8, "2026-02-27", "-1150.00", "Miete März"),
        ],
    ),
    "dutch_direction.csv": (
        "EUR",
        [
            (2, "2026-01-07", "-23.90", "Pasvolgnr 004"),
            (3, "2026-01-15", "2841.06", "Salaris januari"),
            (4, "2026-01-20", "-61.35", "Aanslag 2026"),
        ],
    ),
    "us_checking_tabs.csv": (
        "USD",
        [
            (2, "2026-01-06", "-41.07", "SHELL OIL 57444"),
            (3, "2026-01-15", "3200.00", "DIRECT DEP ACME INC"),
            (4, "2026-01-31", "-12.00", "MONTHLY FEE"),
        ],
    ),
    "app_export.csv": (
        "EUR",
        [
            (2, "2026-04-03", "-3.80", "Café Nero"),
            (3, "2026-04-05", "50.00", "Top-Up by *1234"),
        ],
    ),
    "checking_1x.ofx": (
        "EUR",
        [
            (19, "2026-03-02", "-54.90", "Card payment 02.03."),
            (27, "2026-03-15", "2650.00", "ACME LTD"),
            (35, "2026-03-31", "-4.50", "FEE"),
        ],
    ),
    "card_2x.ofx": (
        "EUR",
        [
            (9, "2026-04-10", "-19.99", "Ticket <3 & popcorn"),
            (14, "2026-04-12", "5.00", "Refund"),
        ],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_banks_export_is_read_without_being_told_anything(name: str) -> None:
    currency, rows = EXPECTED[name]
    statement = read((FILES / name).read_bytes(), OFX if name.endswith(".ofx") else CSV, currency)

    assert [brief(row) for row in statement.rows] == rows
    assert statement.errors == ()


def test_every_statement_file_is_expected_to_be_read() -> None:
    assert {path.name for path in FILES.iterdir()} == set(EXPECTED)


def test_what_was_detected_can_be_sent_back_as_options() -> None:
    detected = read((FILES / "german_giro.csv").read_bytes()).detected

    assert detected == {
        "encoding": "windows-1252",
        "mapping": {
            "date": "Buchungstag",
            "amount": "Betrag (EUR)",
            "description": "Verwendungszweck",
            "merchant": "Auftraggeber / Begünstigter",
        },
        "dateFormat": "DD.MM.YYYY",
        "decimal": ",",
        "delimiter": ";",
    }


def test_ofx_keeps_the_banks_identifiers_and_payees() -> None:
    rows = read((FILES / "checking_1x.ofx").read_bytes(), OFX).rows

    assert [(row.external_id, row.merchant) for row in rows] == [
        ("2026030200017", "Bäckerei & Café Groß"),
        ("2026031500002", "ACME LTD"),
        ("2026033100001", None),
    ]


# --- CSV -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2026-02-30,x,1.00", "invalid_date"),
        ("02/01/2026,x,1.00", "invalid_date"),
        ("1969-12-31,x,1.00", "date_out_of_range"),
        ("2027-01-02,x,1.00", "date_out_of_range"),
        ("2026-01-02,x,1.005", "too_many_decimals"),
        ("2026-01-02,x,1.2.3", "invalid_amount"),
        ("2026-01-02,x,twelve", "invalid_amount"),
        ("2026-01-02,x,--1.00", "invalid_amount"),
        ("2026-01-02,x,(1.00", "invalid_amount"),
        ("2026-01-02,x,", "invalid_amount"),
        ("2026-01-02,x", "invalid_amount"),
        ("2026-01-02,x,0.00", "zero_amount"),
        ("2026-01-02,,1.00", "missing_description"),
        ("2026-01-02,big, red box,1.00", "too_many_columns"),
        ("2026-01-02,card 4111 1111 1111 1111,1.00", "card_number_detected"),
        (f"2026-01-02,{'x' * 501},1.00", "text_too_long"),
        ("Total,,", "invalid_date"),
    ],
)
def test_a_wrong_row_is_named_by_line_and_the_others_are_read(row: str, code: str) -> None:
    statement = csv(f"date,description,amount\n\n2026-01-01,ok,1.50\n{row}\n2026-01-03,ok,2.50\n")

    assert [(error.line, error.code) for error in statement.errors] == [(4, code)]
    assert [row.line for row in statement.rows] == [3, 5]


def test_a_row_over_several_lines_is_named_by_its_first() -> None:
    statement = csv('date,description,amount\n2026-01-01,"a\nb",1.50\nbad,x,1.00\n')

    assert [brief(row) for row in statement.rows] == [(2, "2026-01-01", "1.50", "a b")]
    assert [error.line for error in statement.errors] == [4]


@pytest.mark.parametrize(
    ("cells", "decimal", "expected"),
    [
        (["-12.50", "1,234.56"], ".", ["-12.50", "1234.56"]),
        (["-12,50", "1.234,56"], ",", ["-12.50", "1234.56"]),
        (["1'234.50", "7"], ".", ["1234.50", "7.00"]),
        (["1\u00a0234,5", "12,30-"], ",", ["1234.50", "-12.30"]),
        (["(12.00)", "£3.10", "EUR 4.00", "5.00 EUR", "6.00USD"], ".",
         ["-12.00", "3.10", "4.00", "5.00", "6.00"]),
        (["12.00 DR", "12.00CR"], ".", ["-12.00", "12.00"]),
        (["\u221212.00", "+3.00"], ".", ["-12.00", "3.00"]),
        (["12,34,567.00"], ".", ["1234567.00"]),
        (["12.5000"], ".", ["12.50"]),
    ],
)  # fmt: skip
def test_amounts_are_read_as_banks_print_them(
    cells: list[str], decimal: str, expected: list[str]
) -> None:
    lines = "".join(f"2026-01-{i:02};x;{cell}\n" for i, cell in enumerate(cells, 1))
    statement = csv(f"date;description;amount\n{lines}")

    assert [str(row.amount) for row in statement.rows] == expected
    assert statement.detected["decimal"] == decimal


def test_money_and_dates_that_can_be_read_in_two_ways_are_asked_for() -> None:
    dates = "date;text;amount\n03/04/2026;x;1,50\n05/06/2026;y;2,50\n"
    amounts = "date;text;amount\n2026-01-31;x;1.234\n2026-01-31;y;100\n"
    both = "date;text;amount\n2026-01-31;x;1.50\n2026-01-31;y;1,50\n"

    assert refusal(lambda: csv(dates)) == ("ambiguous_date_format", "/options/dateFormat")
    assert refusal(lambda: csv(amounts)) == ("ambiguous_decimal", "/options/decimal")
    assert refusal(lambda: csv(both)) == ("ambiguous_decimal", "/options/decimal")
    assert [row.date.month for row in csv(dates, date_format="DD/MM/YYYY").rows] == [4, 6]
    assert [str(row.amount) for row in csv(amounts, decimal=",").rows] == ["1234.00", "100.00"]


@pytest.mark.parametrize(
    ("format_", "cell"),
    [
        ("DD.MM.YY", "05.02.26"),
        ("YYYYMMDD", "20260205"),
        ("DD MMM YYYY", "5 Feb 2026"),
        ("MM/DD/YYYY", "2/5/2026"),
        ("YYYY-MM-DD", "2026-02-05T10:22:11Z"),
    ],
)
def test_a_told_date_format_is_followed(format_: str, cell: str) -> None:
    statement = csv(f"date,text,amount\n{cell},x,1.50\n", date_format=format_)

    assert [row.date for row in statement.rows] == [date(2026, 2, 5)]


@pytest.mark.parametrize("format_", ["", "DD.MM", "%d", "YYYYYYMMDD", "DD.MM.YYYY.DD", "(DD)MMYY"])
def test_a_date_format_that_makes_no_date_is_refused(format_: str) -> None:
    text = "date,text,amount\n2026-01-01,x,1.50\n"

    if format_:
        assert refusal(lambda: csv(text, date_format=format_))[0] == "invalid_date_format"
    else:
        assert csv(text, date_format=None).errors == ()


def test_columns_can_be_told_by_heading_and_by_number() -> None:
    named = csv(
        "when,who,how much\n2026-01-31,Bob,-1.50\n",
        mapping={"date": "When", "description": "who", "amount": "How much"},
    )
    numbered = csv("2026-01-31,-1.50,Bob\n", mapping={"date": 1, "description": 3, "amount": 2})

    expected = [("2026-01-31", "-1.50", "Bob")]
    assert [brief(row)[1:] for row in named.rows] == expected
    assert [brief(row)[1:] for row in numbered.rows] == expected
    assert numbered.detected["mapping"] == {"date": 1, "description": 3, "amount": 2}


@pytest.mark.parametrize(
    ("mapping", "pointer"),
    [
        (None, "/options/mapping"),
        ({"date": "a"}, "/options/mapping"),
        ({"date": "a", "amount": "zzz", "description": "b"}, "/options/mapping/amount"),
        ({"date": 1, "amount": 2, "description": 9}, "/options/mapping/description"),
        ({"date": 0, "amount": 2, "description": 1}, "/options/mapping/date"),
    ],
)
def test_an_incomplete_mapping_names_what_is_missing(
    mapping: dict[str, str | int] | None, pointer: str
) -> None:
    text = "a,b,c\n2026-01-01,x,1.50\n"

    assert refusal(lambda: csv(text, mapping=mapping)) == ("mapping_incomplete", pointer)


def test_signs_can_be_inverted_for_card_statements_that_print_charges_positive() -> None:
    statement = csv("date,text,amount\n2026-01-31,x,1.50\n", invert_sign=True)

    assert [str(row.amount) for row in statement.rows] == ["-1.50"]


def test_a_row_in_another_currency_is_an_error() -> None:
    statement = csv("date,text,amount,currency\n2026-01-31,x,1.50,USD\n2026-01-31,x,1.50,eur\n")

    assert [(error.line, error.code) for error in statement.errors] == [(2, "currency_mismatch")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n\t", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"date,text,amount\n", "empty_file"),
        (b"%PDF-1.7\n...", "not_text"),
        (b"PK\x03\x04rest", "not_text"),
        (b"date,text,amount\n2026-01-01,\x00,1.50", "not_text"),
        (b"just a line of prose\nand another\n", "not_csv"),
        (b'date,text,amount\n2026-01-01,"x,1.50\n', "not_csv"),
        (b'{"date": "2026-01-01"}', "not_csv"),
        ("date,text,amount\n" + "2026-01-01,x,1.50\n" * 5_001, "too_many_rows"),
    ],
)
def test_a_file_that_is_no_csv_statement_is_refused_whole(data: bytes | str, code: str) -> None:
    raw = data if isinstance(data, bytes) else data.encode()

    assert refusal(lambda: read(raw))[0] == code


def test_a_wrong_encoding_is_named_with_the_line() -> None:
    data = "date,text,amount\n2026-01-01,Café,1.50\n".encode("windows-1252")

    with pytest.raises(UnreadableStatement, match="line 2 is not utf-8") as refused:
        read(data, replace(CSV, encoding="utf-8"))
    assert refused.value.code == "wrong_encoding"
    assert read(data).rows[0].description == "Café"


# --- OFX -----------------------------------------------------------------------------------------


def ofx(entries: str, *, currency: str = "EUR", head: str = "", tail: str = "</OFX>") -> Statement:
    text = (
        f"{head}<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>{currency}\n"
        f"<BANKACCTFROM><ACCTID>1</BANKACCTFROM><BANKTRANLIST>\n{entries}"
        f"</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1>{tail}"
    )
    return read(text.encode(), OFX)


GOOD = "<STMTTRN><DTPOSTED>20260102<TRNAMT>1.50<FITID>a<NAME>n</STMTTRN>\n"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("<DTPOSTED>20260230<TRNAMT>1.50<NAME>n", "invalid_date"),
        ("<TRNAMT>1.50<NAME>n", "invalid_date"),
        ("<DTPOSTED>20260102<TRNAMT>1,234.50<NAME>n", "invalid_amount"),
        ("<DTPOSTED>20260102<TRNAMT>.<NAME>n", "invalid_amount"),
        ("<DTPOSTED>20260102<NAME>n", "invalid_amount"),
        ("<DTPOSTED>20260102<TRNAMT>1.505<NAME>n", "too_many_decimals"),
        ("<DTPOSTED>20260102<TRNAMT>0<NAME>n", "zero_amount"),
        ("<DTPOSTED>20260102<TRNAMT>1", "missing_description"),
        (
            "<DTPOSTED>20260102<TRNAMT>1<NAME>n<CURRENCY><CURRATE>1<CURSYM>USD</CURRENCY>",
            "currency_mismatch",
        ),
    ],
)
def test_a_wrong_ofx_entry_is_named_by_line_and_the_others_are_read(entry: str, code: str) -> None:
    statement = ofx(f"{GOOD}<STMTTRN>{entry}\n</STMTTRN>\n{GOOD}")

    assert [(error.line, error.code) for error in statement.errors] == [(4, code)]
    assert len(statement.rows) == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("date,text\n1,2\n", "not_ofx"),
        ("<html><body>Sign in</body></html>", "not_ofx"),
        ("<OFX></OFX>", "no_statement"),
        ("<OFX><STMTRS>" + GOOD, "not_ofx"),
        ("<OFX></STMTRS></OFX>", "not_ofx"),
        ("<OFX>" * 40, "not_ofx"),
        ("<OFX>" + "<A>1" * 250_000, "too_many_rows"),
        ("<OFX><MEMO><![CDATA[" * 20 + "text", "not_ofx"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><OFX></OFX>', "unsupported_markup"),
    ],
)
def test_a_file_that_is_no_ofx_statement_is_refused_whole(text: str, code: str) -> None:
    assert refusal(lambda: read(text.encode(), OFX))[0] == code


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("ENCODING:USASCII\nCHARSET:1252\n", "windows-1252"),
        ("ENCODING:USASCII\nCHARSET:1252\n", "utf-8"),  # what the bytes say, not the header
        ("ENCODING:UTF-8\nCHARSET:NONE\n", "utf-8"),
        ("ENCODING:USASCII\nCHARSET:1250\n", "windows-1250"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?>', "iso-8859-2"),
        ('<?xml version="1.0" encoding="utf-8"?>', "utf-8"),
        ("", "utf-8"),
    ],
)
def test_names_survive_whatever_encoding_the_bank_chose(head: str, encoding: str) -> None:
    text = f"{head}<OFX><STMTRS>{GOOD.replace('<NAME>n', '<NAME>Café Süd')}</STMTRS></OFX>"
    statement = read(text.encode(encoding), OFX)

    assert statement.rows[0].description == "Café Süd"
    assert statement.detected["encoding"] == encoding


def test_statements_of_two_accounts_or_another_currency_are_refused() -> None:
    one = "<STMTRS><BANKACCTFROM><ACCTID>{}</BANKACCTFROM></STMTRS>"
    two = f"<OFX>{one.format(1)}{one.format(2)}</OFX>".encode()

    assert refusal(lambda: read(two, OFX))[0] == "several_accounts"
    assert refusal(lambda: ofx(GOOD, currency="USD"))[0] == "currency_mismatch"


def test_entities_stay_text_and_nothing_is_expanded() -> None:
    entry = GOOD.replace("<NAME>n", "<NAME>&amp;lt; &xxe; &#x41;&#0;&#xD800; A < B")

    assert ofx(entry).rows[0].description == "&lt; &xxe; A\ufffd\ufffd A < B"


# --- Anything at all -----------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [
        *(
            b"<OFX>",
            b"</OFX>",
            b"<STMTRS>",
            b"<STMTTRN>",
            b"</STMTTRN>",
            b"<TRNAMT>",
            b"<DTPOSTED>",
        ),
        *(b"<!", b"<![CDATA[", b"]]>", b"&#", b"20260101", b"date,text,amount\n", b"sep=;\n"),
        *(b"2026-01-01,x,1.50\n", b"-1.234,5", b"(", b'"', b"\n", b"\r", b";", b"\xff\xfe"),
    ]
)
FILE = st.lists(st.one_of(FRAGMENTS, st.binary(max_size=8)), max_size=40).map(b"".join)


@given(st.one_of(st.binary(max_size=300), FILE), st.sampled_from([CSV, OFX]))
def test_any_bytes_are_a_statement_or_an_unreadable_one(
    data: bytes, options: ReadingOptions
) -> None:
    try:
        statement = read(data, options)
    except UnreadableStatement:
        return

    assert all(row.amount.minor for row in statement.rows)


# --- Identity ------------------------------------------------------------------------------------


def test_equal_rows_of_one_file_stay_apart_and_keep_their_ids_in_the_next() -> None:
    text = "date,text,amount\n2026-01-31,Coffee,-3.00\n2026-01-31,coffee ,-3.00\n"
    first = identify(csv(text).rows)
    second = identify(csv(text + "2026-02-28,Tea,-2.00\n").rows)

    ids = [identified.import_id for identified in first.rows]
    assert len(set(ids)) == 2
    assert [row.import_id for row in second.rows][:2] == ids
    assert [(note.line, note.code) for note in first.alike] == [(3, "same_as_earlier_row")]
    assert first.repeated == ()


def test_a_bank_identifier_that_comes_twice_is_an_error_of_the_second_row() -> None:
    identified = identify(ofx(GOOD + GOOD + GOOD.replace("<FITID>a", "<FITID>b")).rows)

    assert [row.import_id for row in identified.rows] == ["id:a", "id:b"]
    assert [(error.line, error.code) for error in identified.repeated] == [(4, "duplicate_row")]


def test_import_ids_stay_short_however_long_the_banks_are() -> None:
    identified = identify(ofx(GOOD.replace("<FITID>a", f"<FITID>{'a' * 255}")).rows)

    assert len(identified.rows[0].import_id) <= 100
