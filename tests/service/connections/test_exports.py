"""Exports of the books: whole, safe in a spreadsheet, and fetched by their owner only."""

import csv
import io
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from ..conftest import PASSWORD, Caller, ManualClock  # noqa: TID252 - fixtures' module

TEXTS = ("=SUM(A1:A9)", "+49", "-5", "@here", "plain, with a comma", 'a "quoted" word')


@pytest.fixture
def ann(signed_in: Caller) -> Caller:
    """A user with a row a day, whose texts would be formulas."""
    body = {"name": "Giro", "kind": "checking", "currency": "EUR"}
    account = signed_in("POST", "/accounts", body, key="account-one").json["id"]
    for day, text in enumerate(TEXTS, start=1):
        row = {
            "accountId": account,
            "date": f"2026-06-{day:02d}",
            "amount": {"amount": f"-{day}.50", "currency": "EUR"},
            "description": text,
            "tags": ["a", "b"],
        }
        made = signed_in("POST", "/transactions", row, key=f"transaction-{day}")
        assert made.status_code == 201, made.json
    return signed_in


def fetched(caller: Caller, **wanted: str) -> Any:
    body = {"kind": "transactions", "format": "csv", **wanted}
    asked = caller("POST", "/exports", body, key=secrets.token_hex(8))
    assert asked.status_code == 202, asked.json
    answer = caller("GET", asked.json["downloadUrl"].removeprefix("/api/v1"))
    assert answer.status_code == 200
    assert f'.{body["format"]}"' in answer.headers["Content-Disposition"]
    return answer


def test_a_csv_has_every_row_oldest_first_and_no_formula(ann: Caller) -> None:
    answer = fetched(ann)
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert answer.mimetype == "text/csv"
    assert [row["description"] for row in rows] == [f"'{text}" for text in TEXTS[:4]] + list(
        TEXTS[4:]
    )
    assert [row["amount"] for row in rows] == [f"-{day}.50" for day in range(1, 7)]
    assert {row["tags"] for row in rows} == {"a b"}


def test_json_says_texts_as_they_are(ann: Caller) -> None:
    rows = json.loads(fetched(ann, format="json").text)

    assert [row["description"] for row in rows] == list(TEXTS)


def test_days_are_inclusive(ann: Caller) -> None:
    span = {"from": "2026-06-02", "to": "2026-06-04", "format": "json"}
    rows = json.loads(fetched(ann, **span).text)

    assert [row["date"] for row in rows] == ["2026-06-02", "2026-06-03", "2026-06-04"]


def test_an_export_of_nothing_is_well_formed(signed_in: Caller) -> None:
    assert json.loads(fetched(signed_in, format="json").text) == []


def test_the_audit_trail_is_exported_whole(ann: Caller) -> None:
    rows = list(csv.DictReader(io.StringIO(fetched(ann, kind="audit").text)))

    assert [int(row["seq"]) for row in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["event"] == "audit.exported"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "everything", "format": "csv"},
        {"kind": "transactions", "format": "pdf"},
        {"kind": "transactions", "format": "csv", "from": "2026-02-01", "to": "2026-01-01"},
        {"kind": "audit", "format": "csv", "from": "2026-02-01"},
    ],
)
def test_what_cannot_be_exported_is_refused(signed_in: Caller, body: dict[str, str]) -> None:
    assert signed_in("POST", "/exports", body, key="export-one").status_code == 422


def test_five_live_at_a_time_and_one_that_is_deleted_makes_room(signed_in: Caller) -> None:
    body = {"kind": "transactions", "format": "csv"}
    made = [signed_in("POST", "/exports", body, key=f"export-{n}").json for n in range(5)]
    refused = signed_in("POST", "/exports", body, key="export-5")
    assert (refused.status_code, refused.json["code"]) == (409, "limit_reached")
    place = f"/exports/{made[0]['id']}"
    assert signed_in("GET", place).json == made[0]
    assert signed_in("DELETE", place).status_code == 204

    assert signed_in("GET", place).status_code == 404
    listed = [item["id"] for item in signed_in("GET", "/exports").json["items"]]
    assert listed == [item["id"] for item in reversed(made[1:])]
    assert signed_in("POST", "/exports", body, key="export-6").status_code == 202


def test_nobody_else_fetches_it_and_nobody_after_a_week(
    ann: Caller, sign_up: Callable[..., Caller], clock: ManualClock
) -> None:
    body = {"kind": "transactions", "format": "csv"}
    export = ann("POST", "/exports", body, key="export-one").json["id"]
    bob = sign_up()
    for path in (f"/exports/{export}", f"/exports/{export}/content"):
        assert bob("GET", path).status_code == 404
    assert ann("GET", f"/privacy/exports/{export}/content").status_code == 404

    clock.advance(days=7)
    login = ann("POST", "/auth/login", {"email": "ann@example.com", "password": PASSWORD})
    later = Caller(ann.client, login.json["accessToken"])
    answer = later("GET", f"/exports/{export}/content")
    assert (answer.status_code, answer.json["code"]) == (410, "export_expired")
