"""Merging categories: nothing is left under the first, and every sum is where it belongs."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.store import category_merges

from .conftest import Api


def merge(api: Api, source: dict[str, Any], into: str, key: str = "auto") -> TestResponse:
    return api("POST", f"/categories/{source['id']}/merge", {"into": into}, key=key)


def problem(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, (answer.json or {})["code"]) == (status, code), answer.text


def month(api: Api, number: int) -> dict[str | None, tuple[str, int]]:
    """Amount and count by category in a month of 2026."""
    report = api("GET", f"/analytics/months/2026-{number:02}?currency=EUR").json or {}
    return {c["categoryId"]: (c["amount"]["amount"], c["count"]) for c in report["byCategory"]}


def get(api: Api, path: str) -> dict[str, Any]:
    answer = api("GET", path)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json or {}
    return document


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows a transaction, so that several are needed."""
    monkeypatch.setattr(category_merges, "ROWS_A_STEP", 2)


@pytest.mark.usefixtures("small_steps")
def test_rows_splits_trash_and_closed_accounts_follow(api: Api) -> None:
    giro, old = api.account(), api.account(name="Old")
    cafe, food, other = (api.category(name) for name in ("Cafe", "Meals", "Hobby"))
    for day in (1, 2, 3):
        api.transaction(giro, "-10.00", date=f"2026-05-0{day}", categoryId=cafe["id"])
    api.transaction(giro, "-5.00", categoryId=food["id"])
    split = api.transaction(
        giro,
        "-9.00",
        splits=[
            {"categoryId": cafe["id"], "amount": {"amount": "-4.00", "currency": "EUR"}},
            {"categoryId": other["id"], "amount": {"amount": "-5.00", "currency": "EUR"}},
        ],
    )
    gone = api.transaction(giro, "-7.00", categoryId=cafe["id"])
    api("DELETE", f"/transactions/{gone['id']}", version=1)
    api.transaction(old, "-1.00", categoryId=cafe["id"])
    api.transaction(old, "1.00", categoryId=other["id"])
    assert api("POST", f"/accounts/{old['id']}/close", version=1).status_code == 200

    answer = merge(api, cafe, food["id"])

    job = answer.json or {}
    assert (answer.status_code, job["status"], job["result"]) == (
        202,
        "succeeded",
        {"changed": 6, "into": food["id"]},
    )
    assert month(api, 5) == {food["id"]: ("-30.00", 3)}
    assert month(api, 6) == {food["id"]: ("-10.00", 3), other["id"]: ("-4.00", 2)}
    shown = get(api, f"/transactions/{split['id']}")
    assert [part["categoryId"] for part in shown["splits"]] == [food["id"], other["id"]]
    assert api("POST", f"/transactions/{gone['id']}/restore").status_code == 200
    assert month(api, 6)[food["id"]] == ("-17.00", 4)
    assert get(api, f"/categories/{cafe['id']}")["archived"]
    assert get(api, f"/transactions?categoryId={cafe['id']}")["items"] == []


def test_rules_and_recurring_items_follow(api: Api) -> None:
    giro, cafe, food = api.account(), api.category("Cafe"), api.category("Meals")
    rule = {
        "name": "Beans",
        "when": [{"field": "description", "op": "contains", "value": "beans"}],
        "then": [{"do": "setCategory", "value": cafe["id"]}],
    }
    made = api("POST", "/rules", rule)
    assert made.status_code == 201, made.text
    item = {
        "name": "Coffee",
        "amount": {"amount": "-9.00", "currency": "EUR"},
        "frequency": "monthly",
        "nextDate": "2026-07-01",
        "categoryId": cafe["id"],
    }
    recurring = api("POST", "/recurring", item).json or {}

    assert merge(api, cafe, food["id"]).status_code == 202

    assert get(api, f"/recurring/{recurring['id']}")["categoryId"] == food["id"]
    filed = api.transaction(giro, "-3.00", description="Beans")
    assert filed["categoryId"] == food["id"]


def test_a_repeated_merge_is_answered_alike_and_a_second_one_finds_nothing(api: Api) -> None:
    cafe, food = api.category("Cafe"), api.category("Meals")
    first = merge(api, cafe, food["id"], key="merge-once-only")

    again = merge(api, cafe, food["id"], key="merge-once-only")
    anew = merge(api, cafe, food["id"])

    assert again.json == first.json
    assert (anew.status_code, (anew.json or {})["result"]["changed"]) == (202, 0)


def test_what_cannot_be_merged_is_refused_and_left_as_it_was(
    api: Api, new_user: Callable[[], Api]
) -> None:
    cafe, food, pay = api.category("Cafe"), api.category("Meals"), api.category("Pay", "income")

    problem(merge(api, cafe, pay["id"]), 422, "kind_mismatch")
    problem(merge(api, cafe, cafe["id"]), 422, "kind_mismatch")
    problem(merge(api, cafe, make_id(Kind.CATEGORY)), 404, "not_found")
    problem(merge(new_user(), cafe, food["id"]), 404, "not_found")
    limit = {"limit": {"amount": "9.00", "currency": "EUR"}}
    api("PUT", f"/budgets/{cafe['id']}", limit, headers={"If-None-Match": "*"})
    problem(merge(api, cafe, food["id"]), 409, "category_in_use")
    api("DELETE", f"/categories/{food['id']}", version=1)
    problem(merge(api, cafe, food["id"]), 422, "category_archived")
    assert get(api, f"/categories/{cafe['id']}") == cafe
