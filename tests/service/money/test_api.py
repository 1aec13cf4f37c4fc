"""Accounts, transactions, transfers, categories and months as clients see them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from budgetbuddy.api._spec import openapi_document
from budgetbuddy.domain.ids import Kind, make_id

from .conftest import Api, new_transaction


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), (
        answer.text
    )
    document: dict[str, Any] = answer.json
    assert document["code"] == code
    return document


def pointers(answer: TestResponse) -> set[tuple[str, str]]:
    return {(error["pointer"], error["code"]) for error in answer.json["errors"]}


def test_an_account_with_an_opening_balance_can_be_proved(api: Api) -> None:
    opening = {"openingBalance": {"amount": "1250.5", "currency": "EUR"}}
    answer = api(
        "POST", "/accounts", {"name": "Giro", "kind": "checking", "currency": "EUR", **opening}
    )

    assert answer.status_code == 201
    account = answer.json
    assert answer.headers["Location"] == f"/api/v1/accounts/{account['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert account["balance"] == {"amount": "1250.50", "currency": "EUR"}
    assert api("GET", f"/accounts/{account['id']}").json == account
    assert api("GET", "/accounts").json == {"items": [account], "nextCursor": None}
    proof = api("GET", f"/accounts/{account['id']}/reconcile").json
    assert proof["difference"] == {"amount": "0.00", "currency": "EUR"}
    assert (proof["rows"], proof["recomputed"]) == (1, account["balance"])
    history = api("GET", f"/accounts/{account['id']}/balance-history?months=2").json["items"]
    assert [(end["month"], end["balance"]["amount"]) for end in history] == [
        ("2026-05", "0.00"),
        ("2026-06", "1250.50"),
    ]


def test_accounts_are_filtered_changed_closed_reopened_and_deleted(api: Api) -> None:
    giro, card = api.account(), api.account(name="Card", kind="credit", hidden=True)
    listed = [a["id"] for a in api("GET", "/accounts?includeHidden=true&kind=credit").json["items"]]
    assert listed == [card["id"]]
    assert [a["id"] for a in api("GET", "/accounts").json["items"]] == [giro["id"]]

    path = f"/accounts/{giro['id']}"
    limit = {"creditLimit": {"amount": "500.00", "currency": "EUR"}, "institution": "Bank"}
    changed = api("PATCH", path, limit, version=1).json
    assert (changed["institution"], changed["creditLimit"]["amount"]) == ("Bank", "500.00")
    cleared = api("PATCH", path, {"institution": None}, version=2).json
    assert (cleared["institution"], cleared["name"], cleared["version"]) == (None, "Giro", 3)
    assert api("POST", f"{path}/close", version=3).json["status"] == "closed"
    problem(api("POST", "/transactions", new_transaction(giro, "1.00")), 409, "account_closed")
    assert api("POST", f"{path}/reopen", version=4).json["status"] == "open"
    api.transaction(giro, "1.00")
    problem(api("POST", f"{path}/close", version=5), 409, "balance_not_zero")
    problem(api("DELETE", path, version=5), 409, "account_not_empty")
    assert api("DELETE", f"/accounts/{card['id']}", version=1).status_code == 204


def test_a_transaction_is_booked_read_changed_split_deleted_and_restored(api: Api) -> None:
    account = api.account()
    food = api.category("Food")
    fun = api.category("Fun")
    body = new_transaction(
        account, "-12.50", categoryId=food["id"], tags=["b", "a"], notes="one\ntwo"
    )
    created = api("POST", "/transactions", body)
    row = created.json
    path = f"/transactions/{row['id']}"
    assert (created.status_code, created.headers["Location"]) == (201, f"/api/v1{path}")
    assert {name: row[name] for name in body} == body
    assert (row["kind"], row["source"], row["deletedAt"]) == ("entry", "manual", None)
    assert api("GET", path).json == row
    assert api("GET", path, headers={"If-None-Match": '"1"'}).status_code == 304

    changed = api("PATCH", path, {"categoryId": None, "status": "pending"}, version=1).json
    assert (changed["categoryId"], changed["status"], changed["tags"]) == (
        None,
        "pending",
        ["b", "a"],
    )
    amounts = ((food, "-10.00"), (fun, "-2.50"))
    splits = [
        {"categoryId": c["id"], "amount": {"amount": a, "currency": "EUR"}, "note": "x"}
        for c, a in amounts
    ]
    divided = api("PUT", f"{path}/splits", {"splits": splits}, version=2).json
    assert divided["splits"] == splits
    wrong = [splits[0], splits[0]]
    problem(api("PUT", f"{path}/splits", {"splits": wrong}, version=3), 422, "split_sum_mismatch")
    joined = api("DELETE", f"{path}/splits?categoryId={fun['id']}", version=3).json
    assert (joined["splits"], joined["categoryId"]) == ([], fun["id"])
    assert api("DELETE", path, version=4).status_code == 204
    assert api("GET", "/transactions").json["items"] == []
    assert [t["id"] for t in api("GET", "/transactions?deleted=true").json["items"]] == [row["id"]]
    problem(api("PATCH", path, {"notes": "x"}, version=5), 409, "transaction_deleted")
    restored = api("POST", f"{path}/restore").json
    assert (restored["deletedAt"], restored["version"]) == (None, 6)
    problem(api("POST", f"{path}/restore"), 409, "transaction_not_deleted")


def test_a_repeated_post_gives_the_same_answer_and_one_row(api: Api) -> None:
    account = api.account()
    body = new_transaction(account, "-1.00")
    first = api("POST", "/transactions", body, key="the-same-key")
    again = api("POST", "/transactions", dict(reversed(body.items())), key="the-same-key")

    assert (again.status_code, again.data) == (first.status_code, first.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("ETag", "Location", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert len(api("GET", "/transactions").json["items"]) == 1
    other = api("POST", "/transactions", new_transaction(account, "-2.00"), key="the-same-key")
    problem(other, 422, "idempotency_key_reused")
    problem(api("POST", "/transactions", body, key=None), 400, "idempotency_key_required")


def test_a_refused_post_gives_its_key_back(api: Api) -> None:
    account = api.account()
    body = new_transaction(account, "-1.00", categoryId=make_id(Kind.CATEGORY))
    problem(api("POST", "/transactions", body, key="try-again"), 404, "not_found")
    del body["categoryId"]

    assert api("POST", "/transactions", body, key="try-again").status_code == 201


@pytest.mark.parametrize("resource", ["accounts", "transactions", "categories"])
def test_a_change_names_the_version_it_changes(api: Api, resource: str) -> None:
    account = api.account()
    made = {
        "accounts": account,
        "transactions": api.transaction(account, "1.00"),
        "categories": api.category("Food"),
    }[resource]
    path = f"/{resource}/{made['id']}"
    change = {"description": "new"} if resource == "transactions" else {"name": "new"}
    problem(api("PATCH", path, change), 428, "precondition_required")
    problem(api("PATCH", path, change, version="*"), 400, "invalid_header")
    problem(api("PATCH", path, change, version='W/"1"'), 400, "invalid_header")
    assert api("PATCH", path, change, version=1).headers["ETag"] == '"2"'

    stale = api("PATCH", path, change, version=1)

    problem(stale, 412, "version_conflict")
    assert stale.headers["ETag"] == '"2"'


# --- Lists ---------------------------------------------------------------------------------------


def test_pages_follow_each_other_by_cursor(api: Api) -> None:
    account = api.account()
    for day in range(1, 6):
        api.transaction(account, "1.00", date=f"2026-06-{day:02}")
    seen: list[str] = []
    cursor, sizes = "", []
    while cursor is not None:
        page = api("GET", f"/transactions?limit=2{cursor and f'&cursor={cursor}'}").json
        sizes.append(len(page["items"]))
        seen += [row["date"] for row in page["items"]]
        cursor = page["nextCursor"]

    assert seen == [f"2026-06-{day:02}" for day in range(5, 0, -1)]
    assert sizes == [2, 2, 1]


def test_a_cursor_holds_for_its_user_its_list_and_its_filters_only(
    new_user: Callable[[], Api],
) -> None:
    api, other = new_user(), new_user()
    account = api.account()
    for _ in range(3):
        api.transaction(account, "1.00")
    cursor = api("GET", "/transactions?limit=1").json["nextCursor"]
    assert len(api("GET", f"/transactions?limit=3&cursor={cursor}").json["items"]) == 2

    flipped = ("A" if cursor[-5] != "A" else "B").join((cursor[:-5], cursor[-4:]))
    for caller, path in (
        (other, f"/transactions?cursor={cursor}"),
        (api, f"/transactions?sort=date&cursor={cursor}"),
        (api, f"/transactions?tag=x&cursor={cursor}"),
        (api, f"/imports?cursor={cursor}"),
        (api, f"/transactions?cursor={flipped}"),
        (api, "/transactions?cursor=nonsense"),
    ):
        problem(caller("GET", path), 400, "invalid_cursor")


def test_filters_select(api: Api) -> None:
    account, other = api.account(), api.account()
    api.transaction(account, "-9.00", description="Rent", date="2026-05-01", tags=["home"])
    api.transaction(account, "-1.50", description="Café Nero", merchant="NERO", date="2026-06-02")
    api.transaction(other, "7.00", description="Refund", status="pending", date="2026-06-03")

    def found(query: str) -> list[str]:
        answer = api("GET", f"/transactions?{query}")
        assert answer.status_code == 200, answer.text
        return [row["description"] for row in answer.json["items"]]

    assert found("sort=date") == ["Rent", "Café Nero", "Refund"]
    assert found(f"accountId={account['id']}") == ["Café Nero", "Rent"]
    assert found("from=2026-06-01&to=2026-06-02") == ["Café Nero"]
    assert found("status=pending") == ["Refund"]
    assert found("tag=home") == ["Rent"]
    assert found("minAmount=-2&maxAmount=0&currency=EUR") == ["Café Nero"]
    assert found(f"minAmount=5&accountId={other['id']}") == ["Refund"]
    assert found("q=nero&from=2026-01-01&to=2026-12-31") == ["Café Nero"]
    problem(api("GET", "/transactions?q=nero"), 422, "range_too_wide")
    problem(api("GET", "/transactions?minAmount=5"), 422, "validation_failed")
    for query in (
        "limit=0",
        "limit=101",
        "sort=name",
        "colour=red",
        "from=0",
        "q=x",
        "minAmount=1e3",
    ):
        problem(api("GET", f"/transactions?{query}&currency=EUR"), 422, "validation_failed")


# --- What is refused -----------------------------------------------------------------------------


MALFORMED = "string_pattern_mismatch"
WRONG_MONEY: list[tuple[object, str, str]] = [
    ({"amount": "1.234", "currency": "EUR"}, "/amount", "too_many_decimals"),
    ({"amount": "-0.00", "currency": "EUR"}, "/amount", "negative_zero"),
    ({"amount": "0", "currency": "EUR"}, "/amount", "zero_amount"),
    ({"amount": "1_000", "currency": "EUR"}, "/amount/amount", MALFORMED),
    ({"amount": "\uff11", "currency": "EUR"}, "/amount/amount", MALFORMED),
    ({"amount": "1\n", "currency": "EUR"}, "/amount/amount", MALFORMED),
    ({"amount": "1e3", "currency": "EUR"}, "/amount/amount", MALFORMED),
    ({"amount": 1, "currency": "EUR"}, "/amount/amount", "string_type"),
    ({"amount": 0.1, "currency": "EUR"}, "/amount/amount", "string_type"),
    ({"amount": "1", "currency": "eur"}, "/amount/currency", MALFORMED),
    ({"amount": "1", "currency": "XXX"}, "/amount/currency", "unknown_currency"),
    ({"amount": "1"}, "/amount/currency", "required"),
]
WRONG_FIELDS: list[tuple[str, object, str]] = [
    ("date", "0", "invalid_date"),
    ("date", "2026-02-30", "invalid_date"),
    ("date", 0, "invalid_date"),
    ("date", "0000-01-01", "invalid_date"),
    ("date", "1969-12-31", "date_out_of_range"),
    ("date", "9999-12-31", "date_out_of_range"),
    ("description", "", "string_too_short"),
    ("description", "  ", "invalid_text"),
    ("description", "a\u0000b", "invalid_text"),
    ("description", "x" * 501, "string_too_long"),
    ("tags", ["a"] * 2, "duplicate_tag"),
    ("tags", ["x"] * 21, "too_long"),
    ("status", "cleared", "enum"),
    ("splits", [], "too_short"),
    ("excluded", "true", "bool_type"),
    ("balance", "1.00", "unknown_field"),
    ("version", 7, "unknown_field"),
    ("source", "plaid", "unknown_field"),
]


def test_a_wrong_field_is_named_and_never_echoed(api: Api) -> None:
    account = api.account()
    cases = [("amount", value, pointer, code) for value, pointer, code in WRONG_MONEY]
    cases += [(field, value, f"/{field}", code) for field, value, code in WRONG_FIELDS]
    found = []
    for field, value, _, _ in cases:
        answer = api("POST", "/transactions", {**new_transaction(account, "-1.00"), field: value})
        problem(answer, 422, "validation_failed")
        found.append((field, value, *pointers(answer)))
        for text in ("1_000", "1.234", "9999", "2026-02-30", "cleared"):
            assert text not in answer.text

    assert found == [(field, value, (pointer, code)) for field, value, pointer, code in cases]


def test_money_of_another_currency_is_refused(api: Api) -> None:
    account = api.account()
    dollars = {"amount": "1.00", "currency": "USD"}
    row = api.transaction(account, "1.00")

    for answer in (
        api("POST", "/transactions", {**new_transaction(account, "1.00"), "amount": dollars}),
        api("PATCH", f"/transactions/{row['id']}", {"amount": dollars}, version=1),
        api("PATCH", f"/accounts/{account['id']}", {"creditLimit": dollars}, version=1),
        api(
            "POST",
            "/accounts",
            {"name": "a", "kind": "cash", "currency": "EUR", "openingBalance": dollars},
        ),
    ):
        problem(answer, 422, "currency_mismatch")


def test_card_numbers_are_refused_by_field_and_not_repeated(api: Api) -> None:
    account = api.account()
    for fields, pointer in (
        ({"description": "card 4111 1111 1111 1111"}, "/description"),
        ({"merchant": "4111-1111-1111-1111"}, "/merchant"),
        ({"notes": "pay with\n5555555555554444"}, "/notes"),
        ({"tags": ["ok", "4111111111111111"]}, "/tags/1"),
    ):
        answer = api("POST", "/transactions", {**new_transaction(account, "1.00"), **fields})
        problem(answer, 422, "card_number_detected")
        assert pointers(answer) == {(pointer, "card_number_detected")}
        assert not re.search(r"4111|5555", answer.text)


def test_the_same_import_id_is_a_duplicate(api: Api) -> None:
    account = api.account()
    api.transaction(account, "1.00", importId="bank-7")

    answer = api("POST", "/transactions", new_transaction(account, "1.00", importId="bank-7"))

    problem(answer, 409, "duplicate_import")


def test_without_a_token_nothing_is_answered(api: Api) -> None:
    api.token = "unknown"

    for path in (
        "/accounts",
        "/transactions",
        "/categories",
        "/imports",
        f"/jobs/{make_id(Kind.JOB)}",
    ):
        problem(api("GET", path), 401, "token_invalid")


KINDS = {
    "accountId": Kind.ACCOUNT,
    "transactionId": Kind.TRANSACTION,
    "transferId": Kind.TRANSFER,
    "categoryId": Kind.CATEGORY,
    "importId": Kind.IMPORT,
    "jobId": Kind.JOB,
    "goalId": Kind.GOAL,
    "ruleId": Kind.RULE,
}


RULE = {
    "name": "Coffee",
    "when": [{"field": "description", "op": "contains", "value": "espresso"}],
    "then": [{"do": "addTag", "value": "coffee"}],
}


def examples(app: Flask) -> dict[tuple[str, str], Any]:
    """By method and rule, the body that the document shows."""
    document = openapi_document(app)
    found = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                name = content["schema"]["$ref"].rpartition("/")[2]
                rule = path.replace("{", "<").replace("}", ">")
                found[method.upper(), rule] = document["components"]["schemas"][name]["example"]
    return found


def test_what_another_user_has_answers_like_what_nobody_has(
    app: Flask, new_user: Callable[[], Api]
) -> None:
    owner, other = new_user(), new_user()
    account, savings = owner.account(), owner.account()
    money = {"amount": "1.00", "currency": "EUR"}
    terms = {"fromAccountId": account["id"], "toAccountId": savings["id"], "amount": money}
    imported = owner.upload("date,text,amount\n2026-01-31,x,1.50\n", account).json
    foreign = {
        "accountId": account["id"],
        "transactionId": owner.transaction(account, "1.00")["id"],
        "transferId": owner("POST", "/transfers", {**terms, "date": "2026-06-01"}).json["id"],
        "categoryId": owner.category("Food")["id"],
        "importId": imported["result"]["importId"],
        "jobId": imported["id"],
        "ruleId": owner("POST", "/rules", RULE).json["id"],
        "goalId": owner("POST", "/goals", {"name": "Oslo", "target": money}).json["id"],
    }
    category = other.category("Food")["id"]
    split = {"categoryId": category, "amount": money}
    bodies = examples(app)
    bodies["PUT", "/api/v1/transactions/<transactionId>/splits"] = {"splits": [split] * 2}
    tried = set()
    for rule in app.url_map.iter_rules():
        for name in rule.arguments & foreign.keys():
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                answers = []
                for identifier in (foreign[name], make_id(KINDS[name]), "malformed"):
                    path = rule.rule.removeprefix("/api/v1").replace(f"<{name}>", identifier)
                    body = bodies.get((method, rule.rule))
                    answer = other(
                        method, path, body, version=1, headers={"X-Request-ID": "a" * 16}
                    )
                    answers.append((answer.status_code, answer.text.replace(identifier, "…")))
                assert answers[0][0] == 404, (method, rule.rule, answers[0])
                assert len(set(answers)) == 1, (method, rule.rule)
                tried.add((method, rule.rule))

    assert len(tried) >= 20
    for body in (
        new_transaction(account, "1.00"),
        new_transaction(other.account(), "1.00", categoryId=foreign["categoryId"]),
    ):
        problem(other("POST", "/transactions", body), 404, "not_found")
    problem(other("GET", f"/transactions?accountId={account['id']}"), 404, "not_found")


# --- Transfers, categories, months ---------------------------------------------------------------


def test_a_transfer_over_http(api: Api) -> None:
    giro, dollars = api.account(), api.account(currency="USD")
    body = {
        "fromAccountId": giro["id"],
        "toAccountId": dollars["id"],
        "amount": {"amount": "100.00", "currency": "EUR"},
        "toAmount": {"amount": "108.40", "currency": "USD"},
        "date": "2026-06-01",
        "description": "Holiday money",
    }
    created = api("POST", "/transfers", body)
    assert created.status_code == 201, created.text
    transfer = created.json
    path = f"/transfers/{transfer['id']}"
    assert {name: transfer[name] for name in body} == body
    legs = [api("GET", f"/transactions/{leg}").json for leg in transfer["legs"]]
    assert [(leg["amount"]["amount"], leg["kind"]) for leg in legs] == [
        ("-100.00", "transfer"),
        ("108.40", "transfer"),
    ]
    problem(api("POST", "/transfers", {**body, "toAmount": None}), 422, "to_amount_required")
    problem(api("POST", "/transfers", {**body, "toAccountId": giro["id"]}), 422, "same_account")
    zero = {"amount": "-1.00", "currency": "EUR"}
    problem(api("POST", "/transfers", {**body, "amount": zero}), 422, "validation_failed")
    assert api("PATCH", path, {"date": "2026-06-02"}, version=1).json["date"] == "2026-06-02"
    assert api("DELETE", path, version=2).status_code == 204
    problem(api("GET", path), 404, "not_found")


def test_a_leg_that_is_deleted_takes_its_twin_along(api: Api) -> None:
    giro, savings = api.account(), api.account(name="Savings")
    body = {
        "fromAccountId": giro["id"],
        "toAccountId": savings["id"],
        "amount": {"amount": "100.00", "currency": "EUR"},
        "date": "2026-06-01",
    }
    transfer = api("POST", "/transfers", body).json
    leg, twin = (f"/transactions/{found}" for found in transfer["legs"])

    problem(api("DELETE", leg, version=7), 412, "version_conflict")
    assert api("DELETE", leg, version=1).status_code == 204

    assert api("GET", twin).json["deletedAt"] is not None
    problem(api("GET", f"/transfers/{transfer['id']}"), 404, "not_found")
    balances = [a["balance"]["amount"] for a in api("GET", "/accounts").json["items"]]
    assert balances == ["0.00", "0.00"]
    problem(api("DELETE", twin, version=2), 409, "transaction_deleted")
    problem(api("POST", f"{leg}/restore"), 409, "transfer_leg")


def test_categories_are_named_once_and_archived(api: Api) -> None:
    food = api("POST", "/categories", {"name": "Food", "kind": "expense", "color": "#00ff00"}).json
    problem(api("POST", "/categories", {"name": "FOOD", "kind": "income"}), 409, "name_taken")
    assert api("DELETE", f"/categories/{food['id']}", version=1).status_code == 204
    body = new_transaction(api.account(), "1.00", categoryId=food["id"])

    problem(api("POST", "/transactions", body), 422, "category_archived")
    listed = api("GET", "/categories").json["items"]
    assert len(listed) == 16  # what every new user starts with
    archived = api("GET", "/categories?includeArchived=true").json["items"][16:]
    assert [(c["id"], c["archived"], c["color"]) for c in archived] == [
        (food["id"], True, "#00ff00")
    ]


def test_a_month_adds_up_refunds_and_leaves_out_what_is_no_income_or_spending(api: Api) -> None:
    account = api.account()
    food = api.category("Food")
    api.transaction(account, "-30.00", categoryId=food["id"])
    api.transaction(account, "5.00", categoryId=food["id"])
    api.transaction(account, "2000.00")
    api.transaction(account, "-99.00", excluded=True)
    api.transaction(account, "-99.00", status="pending")
    answer = api("GET", "/analytics/months/2026-06?currency=EUR")

    month = answer.json
    sums = {name: month[name]["amount"] for name in ("income", "spending", "net")}
    assert sums == {"income": "2000.00", "spending": "-25.00", "net": "1975.00"}
    assert [(c["categoryId"], c["amount"]["amount"], c["count"]) for c in month["byCategory"]] == [
        (food["id"], "-25.00", 2),
        (None, "2000.00", 1),
    ]
    etag = answer.headers["ETag"]
    path = "/analytics/months/2026-06?currency=EUR"
    assert api("GET", path, headers={"If-None-Match": etag}).status_code == 304
    assert api("GET", "/analytics/months/2026-07?currency=EUR").json["count"] == 0
    problem(api("GET", "/analytics/months/2026-06"), 422, "validation_failed")
    problem(api("GET", "/analytics/months/2026-13?currency=EUR"), 404, "not_found")
