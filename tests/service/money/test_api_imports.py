"""Statement files over HTTP: tried out, booked, refused."""

import io
from pathlib import Path
from typing import Any

import pytest

from .conftest import Api
from .test_api import problem

FILES = Path(__file__).parent / "statements"
GOOD = "date,description,amount\n2026-05-30,Rent,-900.00\n2026-05-31,Salary,2500.00\n"


def test_a_dry_run_says_everything_and_books_nothing(api: Api) -> None:
    account = api.account()
    api.upload(GOOD, account)
    text = GOOD + "2026-05-32,x,1.00\n2026-06-01,Coffee,-3.00\n2026-06-01,Coffee,-3.00\n"
    answer = api.upload(text, account, dryRun=True)

    assert answer.status_code == 200, answer.text
    report = answer.json
    assert (report["rows"], report["new"]) == (5, 2)
    assert [duplicate["line"] for duplicate in report["duplicates"]] == [2, 3]
    assert report["errors"] == [
        {
            "line": 4,
            "code": "invalid_date",
            "detail": "the date is missing or not in the format of the file",
        }
    ]
    assert [(w["line"], w["code"]) for w in report["warnings"]] == [(6, "same_as_earlier_row")]
    assert [row["line"] for row in report["sample"]] == [2, 3, 5, 6]
    assert report["sample"][0]["amount"] == {"amount": "-900.00", "currency": "EUR"}
    assert report["detectedMapping"]["mapping"]["description"] == "description"
    assert len(api("GET", "/transactions").json["items"]) == 2


@pytest.mark.parametrize(
    ("name", "currency", "rows", "balance"),
    [
        ("uk_current_account.csv", "GBP", 6, "1485.35"),
        ("german_giro.csv", "EUR", 4, "2166.32"),
        ("dutch_direction.csv", "EUR", 3, "2755.81"),
        ("us_checking_tabs.csv", "USD", 3, "3146.93"),
        ("app_export.csv", "EUR", 2, "46.20"),
        ("checking_1x.ofx", "EUR", 3, "2590.60"),
        ("card_2x.ofx", "EUR", 2, "-14.99"),
    ],
)
def test_a_statement_is_booked_and_reported(
    api: Api, name: str, currency: str, rows: int, balance: str
) -> None:
    account = api.account(currency=currency)
    answer = api.upload((FILES / name).read_bytes(), account, format=name.rpartition(".")[2])

    assert answer.status_code == 202, answer.text
    job = answer.json
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["kind"], job["status"]) == ("import", "succeeded")
    assert job["progress"] == {"done": rows, "total": rows}
    assert api("GET", f"/jobs/{job['id']}").json == job
    report = api("GET", f"/imports/{job['result']['importId']}").json
    assert report["counts"] == {"rows": rows, "created": rows, "duplicates": 0, "errors": 0}
    assert len(report["created"]) == rows
    listed = api("GET", "/imports").json["items"]
    assert [(item["id"], item["counts"]) for item in listed] == [(report["id"], report["counts"])]
    assert api("GET", f"/accounts/{account['id']}").json["balance"]["amount"] == balance
    proof = api("GET", f"/accounts/{account['id']}/reconcile").json
    assert proof["difference"]["amount"] == "0.00"


def test_the_same_statement_again_books_nothing_and_a_repeat_is_replayed(api: Api) -> None:
    account = api.account()
    first = api.upload(GOOD, account, key="import-may")
    replayed = api.upload(GOOD, account, key="import-may")
    later = api.upload(GOOD, account)

    assert replayed.data == first.data
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert later.json["result"]["created"] == 0
    assert later.json["result"]["duplicates"] == 2
    assert len(api("GET", "/transactions").json["items"]) == 2
    problem(api.upload(GOOD + "\n", account, key="import-may"), 422, "idempotency_key_reused")
    problem(api.upload(GOOD, account, key=None), 400, "idempotency_key_required")


def test_wrong_rows_are_named_by_line_and_stop_the_import_unless_the_rest_is_enough(
    api: Api,
) -> None:
    account = api.account()
    text = GOOD + "2026-02-30,Bad date,1.00\n2026-06-01,Bad amount,ten\n2026-06-02,Good,1.00\n"

    refused = problem(api.upload(text, account), 422, "import_rejected")

    assert refused["detail"] == "2 of 5 rows are wrong"
    assert [(error["line"], error["code"]) for error in refused["errors"]] == [
        (4, "invalid_date"),
        (5, "invalid_amount"),
    ]
    assert api("GET", "/transactions").json["items"] == []
    taken = api.upload(text, account, partial=True)
    assert taken.json["result"] | {"importId": "x"} == {
        "importId": "x",
        "rows": 5,
        "created": 3,
        "duplicates": 0,
        "errors": 2,
    }


def test_a_repeated_bank_identifier_is_an_error_of_its_line(api: Api) -> None:
    account = api.account()
    entry = "<STMTTRN><DTPOSTED>20260102<TRNAMT>1.50<FITID>a<NAME>n</STMTTRN>\n"
    text = f"<OFX><STMTRS><BANKTRANLIST>\n{entry}{entry}</BANKTRANLIST></STMTRS></OFX>"

    refused = problem(api.upload(text, account, format="ofx"), 422, "import_rejected")

    assert [(e["line"], e["code"]) for e in refused["errors"]] == [(3, "duplicate_row")]


UNREADABLE: list[tuple[bytes, dict[str, Any], str, str]] = [
    (b"", {}, "unreadable_file", "empty_file"),
    (b"%PDF-1.7", {}, "unreadable_file", "not_text"),
    (b"only words", {}, "unreadable_file", "not_csv"),
    (b"only words", {"format": "ofx"}, "unreadable_file", "not_ofx"),
    (b"a,b\ncaf\xe9,1\n", {"encoding": "utf-8"}, "unreadable_file", "wrong_encoding"),
    (b"a,b\n1,2\n", {}, "mapping_incomplete", "mapping_incomplete"),
    (b"date,text,amount\n01/02/2026,x,1.50\n", {}, "mapping_incomplete", "ambiguous_date_format"),
    (b"date,text,amount\n31/01/2026,x,1.234\n", {}, "mapping_incomplete", "ambiguous_decimal"),
]


def test_a_file_that_cannot_be_read_says_why(api: Api) -> None:
    account = api.account()
    for data, options, code, error in UNREADABLE:
        answer = api.upload(data, account, **options)
        assert [e["code"] for e in problem(answer, 422, code)["errors"]] == [error]


def test_more_rows_or_bytes_than_allowed_are_refused(api: Api) -> None:
    account = api.account()
    rows = "date,text,amount\n" + "2026-01-01,x,1.50\n" * 5_001
    problem(api.upload(rows, account), 422, "too_many_rows")
    problem(api.upload(b"x" * (5 * 1024 * 1024 + 1), account), 413, "payload_too_large")
    problem(api.upload(b"x" * (7 * 1024 * 1024), account), 413, "payload_too_large")


def test_options_are_read_strictly(api: Api) -> None:
    account = api.account()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"colour": "red"}, "/options/colour"),
        ({"format": "qif"}, "/options/format"),
        ({"encoding": "utf-7"}, "/options/encoding"),
        ({"delimiter": "x"}, "/options/delimiter"),
        ({"dryRun": "yes"}, "/options/dryRun"),
        ({"mapping": {"date": 0, "description": 1}}, "/options/mapping/date"),
    ]
    for options, pointer in wrong:
        answer = api.upload(GOOD, account, **options)
        errors = problem(answer, 422, "validation_failed")["errors"]
        assert any(error["pointer"].startswith(pointer) for error in errors)


def test_only_a_form_with_a_file_and_options_is_taken(api: Api) -> None:
    problem(api("POST", "/imports", {"file": "x"}), 415, "unsupported_media_type")
    answer = api("POST", "/imports", data={"options": "{}"}, content_type="multipart/form-data")
    problem(answer, 422, "validation_failed")
    form = {"options": "{", "file": (io.BytesIO(b"x"), "statement")}
    answer = api("POST", "/imports", data=form, content_type="multipart/form-data")
    problem(answer, 400, "malformed_request")


def test_a_closed_account_takes_no_statement(api: Api) -> None:
    account = api.account()
    api("POST", f"/accounts/{account['id']}/close", version=1)

    problem(api.upload(GOOD, account), 409, "account_closed")


def test_formula_like_text_stays_text(api: Api) -> None:
    cells = ["=HYPERLINK(1)", "+1+2", "-3+4", "@SUM(A1)"]
    lines = "".join(f'2026-01-0{i},"{cell}",1.00\n' for i, cell in enumerate(cells, 1))
    api.upload(f"date,description,amount\n{lines}", api.account())

    rows = api("GET", "/transactions?sort=date").json["items"]
    assert [row["description"] for row in rows] == cells
