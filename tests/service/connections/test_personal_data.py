"""What is kept about a user: told by kind, and taken away whole."""

import csv
import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from budgetbuddy.domain.archive import Member, archive, cell
from budgetbuddy.domain.data_map import DATA_MAP
from budgetbuddy.domain.services import Services

from ..conftest import PASSWORD, Caller, ManualClock  # noqa: TID252 - fixtures' module
from .conftest import Linked

ANN = "ann@example.com"
NOW = datetime(2026, 6, 15, tzinfo=UTC)


def use_everything(linked: Linked) -> None:
    ann = linked.caller
    linked.sync()
    euros = {"amount": "250.00", "currency": "EUR"}
    body = {"name": "Giro", "kind": "checking", "currency": "EUR"}
    account = ann("POST", "/accounts", body, key="account-one").json["id"]
    category = ann("GET", "/categories").json["items"][0]["id"]
    row = {
        "accountId": account,
        "date": "2026-06-01",
        "amount": {"amount": "-12.50", "currency": "EUR"},
        "description": "=HYPERLINK(flowers)",
        "notes": "for Eve",
        "categoryId": category,
    }
    goal = ann("POST", "/goals", {"name": "Bicycle", "target": euros}, key="goal-one").json["id"]
    budget = {"limit": euros, "period": "monthly", "rollover": "none"}
    given = {"amount": {"amount": "1.00", "currency": "EUR"}, "date": "2026-06-01"}
    answers = [
        ann("POST", "/transactions", row, key="transaction-one"),
        ann("PUT", f"/budgets/{category}", budget, If_None_Match="*"),
        ann("POST", f"/goals/{goal}/contributions", given, key="contribution"),
        ann("POST", "/tokens", {"name": "script", "scopes": ["sync:read"], "expiresInDays": 5}),
        ann("POST", "/auth/password/forgot", {"email": ANN}),
        ann("POST", "/auth/mfa/totp"),
    ]
    assert {a.status_code for a in answers} <= {200, 201, 202}, [a.json for a in answers]


def taken_away(caller: Caller) -> dict[str, bytes]:
    asked = caller("POST", "/privacy/exports", key="export-one")
    assert asked.status_code == 202, asked.json
    answer = caller("GET", asked.json["downloadUrl"].removeprefix("/api/v1"))
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def test_an_archive_holds_every_row_that_is_kept_and_nothing_that_opens_something(
    linked: Linked, wired: Services
) -> None:
    use_everything(linked)
    files = taken_away(linked.caller)
    manifest = json.loads(files.pop("manifest.json"))

    assert manifest["isOneMoment"]
    assert {f["name"]: f["sha256"] for f in manifest["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }
    store: Any = wired.jobs._store  # type: ignore[attr-defined]  # noqa: SLF001 - the rows below
    user = f"U#{linked.caller.session['user']['id']}"
    kept = len(store.ledger.query(user)) + len(store.runtime.query(user))
    own = [f for f in manifest["files"] if f["name"] not in {"audit.json", "transactions.csv"}]
    assert sum(f["rows"] for f in own) == kept
    assert not [name for name in files if name.startswith("other-")]
    assert {
        f"{name}.json" for name in ("profile", "accounts", "transactions", "bank-links")
    } <= set(files)
    everything = b"".join(files.values())
    for said in (b"=HYPERLINK(flowers)", b"for Eve", ANN.encode(), b"Bicycle", b"Plaid Checking"):
        assert said in everything
    for opens in (linked.token, linked.caller.token, "argon2"):
        assert opens.encode() not in everything


def test_amounts_and_formulas_are_safe_in_a_spreadsheet(linked: Linked) -> None:
    use_everything(linked)
    text = taken_away(linked.caller)["transactions.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    (mine,) = [row for row in rows if row["notes"] == "for Eve"]
    assert (mine["description"], mine["amount"]) == ("'=HYPERLINK(flowers)", "-12.50")
    assert len(rows) == len(linked.rows())


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_text_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(f"a{text}") == f"a{text}"


def test_it_is_asked_for_once_a_day_and_kept_for_seven(
    signed_in: Caller, sign_up: Callable[..., Caller], clock: ManualClock
) -> None:
    asked = signed_in("POST", "/privacy/exports", key="export-one")
    place = f"/privacy/exports/{asked.json['id']}"
    again = signed_in("POST", "/privacy/exports", key="export-two")
    assert (again.status_code, again.json["code"]) == (429, "rate_limited")
    assert signed_in("GET", place).json == asked.json
    bob = sign_up()
    assert [bob("GET", f"{place}{end}").status_code for end in ("", "/content")] == [404, 404]

    clock.advance(days=7)
    body = {"email": ANN, "password": PASSWORD}
    later = Caller(signed_in.client, signed_in("POST", "/auth/login", body).json["accessToken"])
    for end in ("", "/content"):
        answer = later("GET", f"{place}{end}")
        assert (answer.status_code, answer.json["code"]) == (410, "export_expired")


def test_both_asking_and_fetching_leave_a_row(signed_in: Caller) -> None:
    taken_away(signed_in)
    events = [row["event"] for row in signed_in("GET", "/audit/me").json["items"]]

    assert events[:3] == ["audit.exported", "export.downloaded", "privacy.exported"]


def test_the_data_map_says_what_for_and_how_long_of_every_kind(signed_in: Caller) -> None:
    told = signed_in("GET", "/privacy/data-map").json["items"]

    assert [item["category"] for item in told] == [*(kept.file for kept in DATA_MAP), "audit"]
    assert all(item["purpose"] and item["legalBasis"] and item["retention"] for item in told)


def test_where_the_map_says_that_data_is_mended_there_is_a_route(signed_in: Caller) -> None:
    rules = signed_in.client.application.url_map.iter_rules()
    served = {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in rules
        for method in rule.methods or ()
    }

    assert {kept.correct_at for kept in DATA_MAP if kept.correct_at} <= served


def test_an_archive_takes_no_memory_for_its_size() -> None:
    def rows() -> Iterator[dict[str, str]]:
        for number in range(20_000):
            yield {"text": hashlib.sha256(str(number).encode()).hexdigest() * 4}

    tracemalloc.start()
    size = sum(map(len, archive([Member(name="a.json", rows=rows)], NOW, dict)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 500_000
    assert peak < size
    assert peak < 1_500_000
