"""Rules: what matches, what is set, in which order, and on which transactions."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from werkzeug.test import TestResponse

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.rules import (
    AccountIs,
    Actions,
    AmountIs,
    Condition,
    Direction,
    DirectionIs,
    Match,
    Rule,
    TextField,
    TextIs,
    TextOp,
    filed,
)
from budgetbuddy.domain.transactions import Transaction, TransactionKind

from .conftest import Api

EUR = currency_of("EUR")


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    document: dict[str, Any] = answer.json
    return document


def row(**changes: Any) -> Transaction:
    return Transaction(
        **{
            "id": "txn",
            "account_id": "acc",
            "date": date(2026, 6, 1),
            "amount": Money(-350, EUR),
            "description": "ESPRESSO Bar Roma",
            **changes,
        }
    )


def rule(*when: Condition, then: Actions | None = None, **changes: Any) -> Rule:
    actions = then or Actions(tags=("hit",))
    return Rule(id="rul", name="r", when=when, then=actions, **changes)


def text(op: TextOp, value: str, field: TextField = TextField.DESCRIPTION) -> TextIs:
    return TextIs(field=field, op=op, value=value)


def between(low: int, high: int, currency: str = "EUR") -> AmountIs:
    found = currency_of(currency)
    return AmountIs(low=Money(low, found), high=Money(high, found))


COFFEE = text(TextOp.CONTAINS, "espresso")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (COFFEE, True),
        (text(TextOp.STARTS_WITH, "espresso"), True),
        (text(TextOp.STARTS_WITH, "bar"), False),
        (text(TextOp.ENDS_WITH, "ROMA"), True),
        (text(TextOp.EQUALS, "espresso bar roma"), True),
        (text(TextOp.EQUALS, "espresso bar"), False),
        (text(TextOp.CONTAINS, ".*"), False),
        (text(TextOp.CONTAINS, "x", TextField.MERCHANT), False),
        (between(-350, -350), True),
        (between(-400, -300), True),
        (between(300, 400), False),
        (between(-400, -300, "USD"), False),
        (AccountIs(account_id="acc"), True),
        (AccountIs(account_id="other"), False),
        (DirectionIs(direction=Direction.OUT), True),
        (DirectionIs(direction=Direction.IN), False),
    ],
)
def test_a_condition_holds_or_not(condition: Condition, *, holds: bool) -> None:
    assert condition.holds(row()) is holds


def test_all_or_any_of_the_conditions_have_to_hold() -> None:
    no = AccountIs(account_id="other")

    assert not rule(COFFEE, no).matches(row())
    assert rule(COFFEE, no, match=Match.ANY).matches(row())


def test_rules_run_in_order_and_see_what_was_done_before() -> None:
    names = rule(COFFEE, then=Actions(merchant="Roma"))
    named = text(TextOp.EQUALS, "roma", TextField.MERCHANT)
    tags = rule(named, then=Actions(tags=("coffee",)))

    assert filed(row(), [names, tags]).row.tags == ("coffee",)
    assert filed(row(), [tags, names]).row.tags == ()


def test_a_rule_that_stops_is_the_last_for_what_it_matches() -> None:
    first = rule(COFFEE, then=Actions(tags=("first",)), stop=True)
    second = rule(COFFEE, then=Actions(tags=("second",)))

    assert filed(row(), [first, second]).row.tags == ("first",)
    other = rule(AccountIs(account_id="other"), stop=True)
    assert filed(row(), [other, second]).row.tags == ("second",)


def test_what_is_there_stays_unless_it_is_overwritten() -> None:
    found = row(merchant="Mine")
    then = Actions(merchant="Theirs")

    assert filed(found, [rule(COFFEE, then=then)]).row.merchant == "Mine"
    assert filed(found, [rule(COFFEE, then=then)], overwrite=True).row.merchant == "Theirs"


def test_rules_that_are_off_and_rows_that_are_no_entries_are_left_alone() -> None:
    assert filed(row(), [rule(COFFEE, enabled=False)]).matched is False
    assert filed(row(kind=TransactionKind.TRANSFER), [rule(COFFEE)]).matched is False


def test_a_transaction_has_twenty_tags_at_most() -> None:
    full = row(tags=tuple(map(str, range(20))))

    assert filed(full, [rule(COFFEE)]).row.tags == full.tags


# --- Over HTTP -----------------------------------------------------------------------------------


def body(category: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    then = [{"do": "setCategory", "value": category["id"]}] if category else []
    return {
        "name": "Coffee",
        "when": [{"field": "description", "op": "contains", "value": "espresso"}],
        "then": [*then, {"do": "addTag", "value": "coffee"}],
        **changes,
    }


def create(api: Api, *args: Any, **changes: Any) -> TestResponse:
    return api("POST", "/rules", body(*args, **changes))


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def test_a_rule_comes_back_as_it_was_given(api: Api) -> None:
    food, account = api.category("Food"), api.account()
    when = [
        {"field": "merchant", "op": "startsWith", "value": "Bar"},
        {
            "field": "amount",
            "op": "between",
            "value": {"min": money("-9.00"), "max": money("-1.00")},
        },
        {"field": "amount", "op": "equals", "value": money("-3.50")},
        {"field": "accountId", "op": "equals", "value": account["id"]},
        {"field": "direction", "op": "equals", "value": "out"},
    ]
    then = [
        {"do": "setCategory", "value": food["id"]},
        {"do": "addTag", "value": "coffee"},
        {"do": "setMerchant", "value": "Roma"},
        {"do": "setExcluded", "value": False},
        {"do": "setReview", "value": "flagged"},
    ]
    made = create(api, when=when, then=then, match="any", stop=True)
    path = f"/rules/{made.json['id']}"

    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1{path}")
    assert (made.json["when"], made.json["then"]) == (when, then)
    assert (made.json["match"], made.json["stop"], made.json["enabled"]) == ("any", True, True)
    assert api("GET", path).json == made.json
    assert api("GET", path, headers={"If-None-Match": '"1"'}).status_code == 304
    changed = api("PATCH", path, {"enabled": False}, version=1)
    assert changed.json == {**made.json, "enabled": False, "version": 2}
    problem(api("PATCH", path, {"name": "x"}, version=1), 412, "version_conflict")
    assert api("DELETE", path, version=2).status_code == 204
    problem(api("GET", path), 404, "not_found")


def test_rules_have_an_order_that_names_them_all(api: Api) -> None:
    ids = [create(api, name=name).json["id"] for name in ("a", "b", "c")]

    def order() -> list[tuple[str, int]]:
        return [(r["name"], r["position"]) for r in api("GET", "/rules").json["items"]]

    assert order() == [("a", 0), ("b", 1), ("c", 2)]
    turned = [ids[2], ids[0], ids[1]]
    answer = api("PUT", "/rules/order", {"ruleIds": turned})
    assert [r["id"] for r in answer.json["items"]] == turned
    assert order() == [("c", 0), ("a", 1), ("b", 2)]
    for wrong in (ids[:2], [*ids, make_id(Kind.RULE)], [ids[0], ids[0], ids[1]]):
        problem(api("PUT", "/rules/order", {"ruleIds": wrong}), 409, "rules_changed")
    api("DELETE", f"/rules/{ids[0]}", version=1)
    assert order() == [("c", 0), ("b", 1)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"when": []}, "validation_failed"),
        ({"then": []}, "validation_failed"),
        ({"when": [{"field": "notes", "op": "contains", "value": "x"}]}, "validation_failed"),
        ({"when": [{"field": "description", "op": "matches", "value": ".*"}]}, "validation_failed"),
        (
            {"when": [{"field": "amount", "op": "between", "value": money("1.00")}]},
            "validation_failed",
        ),
        (
            {
                "when": [
                    {
                        "field": "amount",
                        "op": "between",
                        "value": {"min": money("2.00"), "max": money("1.00")},
                    }
                ]
            },
            "validation_failed",
        ),
        (
            {"then": [{"do": "setMerchant", "value": "a"}, {"do": "setMerchant", "value": "b"}]},
            "validation_failed",
        ),
        ({"then": [{"do": "addTag", "value": "4111111111111111"}]}, "card_number_detected"),
    ],
)
def test_a_rule_without_sense_is_refused(api: Api, change: dict[str, Any], code: str) -> None:
    problem(create(api, **change), 422, code)


def test_a_rule_names_what_the_user_has(api: Api, new_user: Callable[[], Api]) -> None:
    other = new_user()
    problem(create(api, other.category("Food")), 404, "not_found")
    when = [{"field": "accountId", "op": "equals", "value": other.account()["id"]}]
    problem(create(api, when=when), 404, "not_found")
    food = api.category("Food")
    made = create(api, food).json
    problem(api("DELETE", f"/categories/{food['id']}", version=1), 409, "category_in_use")
    api("DELETE", f"/rules/{made['id']}", version=1)
    api("DELETE", f"/categories/{food['id']}", version=1)

    problem(create(api, food), 422, "category_archived")


def test_there_is_room_for_so_many(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetbuddy.domain.rules.MAX_RULES", 1)
    create(api)

    problem(create(api), 409, "limit_reached")


def test_new_and_imported_transactions_get_rules_at_once(api: Api) -> None:
    account, food, fun = api.account(), api.category("Food"), api.category("Fun")
    create(api, food)
    made = api.transaction(account, "-3.50", description="Espresso")
    mine = api.transaction(account, "-3.50", description="Espresso", categoryId=fun["id"])
    other = api.transaction(account, "-3.50", description="Tea")
    statement = "date,text,amount\n2026-06-02,ESPRESSO doppio,-4.00\n2026-06-02,Tea,-2.00\n"
    assert api.upload(statement, account).status_code == 202

    assert (made["categoryId"], made["tags"]) == (food["id"], ["coffee"])
    assert (mine["categoryId"], mine["tags"]) == (fun["id"], ["coffee"])
    assert (other["categoryId"], other["tags"]) == (None, [])
    imported = api("GET", "/transactions?from=2026-06-02").json["items"]
    assert {(r["description"], r["categoryId"]) for r in imported} == {
        ("ESPRESSO doppio", food["id"]),
        ("Tea", None),
    }
    month = api("GET", "/analytics/months/2026-06?currency=EUR").json
    by_category = {c["categoryId"]: c["amount"]["amount"] for c in month["byCategory"]}
    assert by_category == {food["id"]: "-7.50", fun["id"]: "-3.50", None: "-5.50"}


SPAN = {"from": "2026-06-01", "to": "2026-06-30"}


def test_a_dry_run_says_what_would_change_and_writes_nothing(api: Api) -> None:
    account, food = api.account(), api.category("Food")
    rows = [api.transaction(account, "-3.50", description="Espresso") for _ in range(3)]
    api.transaction(account, "-3.50", description="Tea")
    found = api("POST", "/rules/dry-run", {**SPAN, "rule": body(food), "limit": 2}, key=None)

    assert found.status_code == 200, found.text
    assert (found.json["examined"], found.json["matched"], len(found.json["changes"])) == (4, 3, 2)
    change = found.json["changes"][0]
    assert (change["before"]["categoryId"], change["after"]["categoryId"]) == (None, food["id"])
    assert change["after"]["tags"] == ["coffee"]
    assert api("GET", f"/transactions/{rows[0]['id']}").json == rows[0]
    assert api("GET", "/rules").json["items"] == []


def test_rules_are_applied_to_the_past_and_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetbuddy.store.rule_runs.ROWS_A_STEP", 2)
    account, food, fun = api.account(), api.category("Food"), api.category("Fun")
    for _ in range(3):
        api.transaction(account, "-3.50", description="Espresso")
    mine = api.transaction(account, "-1.00", description="Espresso", categoryId=fun["id"])
    rule_id = create(api, food).json["id"]

    job = api("POST", "/rules/apply", {**SPAN, "ruleIds": [rule_id]}, key="apply-key-1")
    assert (job.status_code, job.json["result"]) == (202, {"changed": 4})
    assert api("GET", job.headers["Location"].removeprefix("/api/v1")).json == job.json
    again = api("POST", "/rules/apply", {**SPAN, "ruleIds": [rule_id]}, key="apply-key-1")
    assert again.data == job.data
    assert api("POST", "/rules/apply", SPAN).json["result"] == {"changed": 0}
    assert api("GET", f"/transactions/{mine['id']}").json["categoryId"] == fun["id"]

    over = api("POST", "/rules/apply", {**SPAN, "overwriteManual": True})

    assert over.json["result"] == {"changed": 1}
    month = api("GET", "/analytics/months/2026-06?currency=EUR").json
    (only,) = month["byCategory"]
    assert (only["categoryId"], only["amount"]["amount"], only["count"]) == (
        food["id"],
        "-11.50",
        4,
    )


def test_rules_touch_nothing_on_a_closed_account(api: Api) -> None:
    account = api.account()
    for amount in ("3.50", "-3.50"):
        api.transaction(account, amount, description="Espresso")
    api("POST", f"/accounts/{account['id']}/close", version=1)
    create(api)

    assert api("POST", "/rules/apply", SPAN).json["result"] == {"changed": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"to": "2027-06-03"},
        {"to": "2026-05-31"},
        {"limit": 201},
        {"rule": body(), "ruleIds": [make_id(Kind.RULE)]},
    ],
)
def test_a_dry_run_has_bounds(api: Api, change: dict[str, Any]) -> None:
    problem(api("POST", "/rules/dry-run", {**SPAN, **change}, key=None), 422, "validation_failed")


def test_rules_of_another_do_not_exist(api: Api, new_user: Callable[[], Api]) -> None:
    rule_id = create(new_user()).json["id"]
    for path, sent in (
        ("/rules/dry-run", {**SPAN, "ruleIds": [rule_id]}),
        ("/rules/apply", {**SPAN, "ruleIds": [rule_id]}),
    ):
        key = None if path.endswith("dry-run") else "auto"
        problem(api("POST", path, sent, key=key), 404, "not_found")
    problem(api("PATCH", f"/rules/{rule_id}", {"name": "x"}, version=1), 404, "not_found")
    problem(api("DELETE", f"/rules/{rule_id}", version=1), 404, "not_found")
