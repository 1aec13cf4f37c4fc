"""Many transactions at once: bulk changes, sums, lists by amount, accounts deleted whole."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.services import Services
from budgetbuddy.problems import Unavailable

from .conftest import Api, new_transaction


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    document: dict[str, Any] = answer.json
    return document


def create(account: dict[str, Any], amount: str, **fields: Any) -> dict[str, Any]:
    return {"op": "create", "transaction": new_transaction(account, amount, **fields)}


def bulk(api: Api, *operations: dict[str, Any], atomic: bool, key: str = "auto") -> TestResponse:
    body = {"atomic": atomic, "operations": list(operations)}
    return api("POST", "/transactions/bulk", body, key=key)


def balance(api: Api, account: dict[str, Any]) -> str:
    proof = api("GET", f"/accounts/{account['id']}/reconcile").json
    assert proof["difference"]["amount"] == "0.00"
    amount: str = proof["recorded"]["amount"]
    return amount


# --- Bulk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("atomic", [True, False])
def test_operations_of_all_kinds_are_done_together(api: Api, *, atomic: bool) -> None:
    giro, cash = api.account(), api.account(name="Cash", kind="cash")
    kept, gone = api.transaction(giro, "-5.00"), api.transaction(giro, "-7.00")
    answer = bulk(
        api,
        create(giro, "10.00"),
        create(cash, "2.50"),
        {"op": "update", "id": kept["id"], "version": 1, "changes": {"accountId": cash["id"]}},
        {"op": "delete", "id": gone["id"], "version": 1},
        atomic=atomic,
    )

    assert answer.status_code == 200, answer.text
    assert [row["amount"]["amount"] for row in answer.json["created"]] == ["10.00", "2.50"]
    assert [(r["id"], r["version"]) for r in answer.json["updated"]] == [(kept["id"], 2)]
    assert answer.json["deleted"] == [gone["id"]]
    assert (answer.json["duplicates"], answer.json["errors"]) == ([], [])
    assert (balance(api, giro), balance(api, cash)) == ("10.00", "-2.50")


def test_an_atomic_request_is_refused_whole_and_says_where(api: Api) -> None:
    account = api.account()
    row = api.transaction(account, "-5.00")
    stale = {"op": "delete", "id": row["id"], "version": 9}
    refused = problem(
        bulk(api, create(account, "1.00"), stale, atomic=True), 412, "version_conflict"
    )
    assert [error["pointer"] for error in refused["errors"]] == ["/operations/1"]
    missing = {"op": "delete", "id": make_id(Kind.TRANSACTION), "version": 1}
    problem(bulk(api, create(account, "1.00"), missing, atomic=True), 404, "not_found")

    assert balance(api, account) == "-5.00"


def test_otherwise_each_operation_stands_alone(api: Api) -> None:
    account = api.account()
    row = api.transaction(account, "-5.00", importId="bank-1")
    answer = bulk(
        api,
        create(account, "1.00"),
        {"op": "delete", "id": row["id"], "version": 9},
        create(account, "2.00", importId="bank-1"),
        create({**account, "currency": "USD"}, "4.00"),
        atomic=False,
    ).json

    assert [row["amount"]["amount"] for row in answer["created"]] == ["1.00"]
    assert answer["duplicates"] == [{"index": 2}]
    failures = [
        (e["index"], e["problem"]["code"], e["problem"]["status"]) for e in answer["errors"]
    ]
    assert failures == [(1, "version_conflict", 412), (3, "currency_mismatch", 422)]
    assert balance(api, account) == "-4.00"


@pytest.mark.parametrize(
    ("number", "atomic", "code"),
    [
        (26, True, "bulk_too_large"),
        (101, False, "validation_failed"),
        (0, True, "validation_failed"),
    ],
)
def test_there_are_bounds(api: Api, number: int, *, atomic: bool, code: str) -> None:
    account = api.account()
    operations = [create(account, "1.00") for _ in range(number)]

    problem(bulk(api, *operations, atomic=atomic), 422, code)


def test_what_touches_too_much_for_one_transaction_is_refused(api: Api) -> None:
    """Twenty-five rows with a lock, an account and a month each are more than a hundred writes."""
    operations = [
        create(
            api.account(name=f"Account {number}"),
            "1.00",
            date=f"202{number // 12}-{number % 12 + 1:02}-01",
            importId=f"row-{number}",
        )
        for number in range(25)
    ]

    problem(bulk(api, *operations, atomic=True), 422, "bulk_too_large")
    assert bulk(api, *operations[:20], atomic=True).status_code == 200


def test_two_operations_on_one_transaction_are_refused(api: Api) -> None:
    row = api.transaction(api.account(), "1.00")
    twice = {"op": "delete", "id": row["id"], "version": 1}
    refused = problem(bulk(api, twice, twice, atomic=True), 422, "validation_failed")

    assert refused["errors"][0]["code"] == "changed_twice"


def test_wrong_fields_are_found_before_anything_is_done(api: Api) -> None:
    account = api.account()
    card = create(account, "1.00", description="4111 1111 1111 1111")
    refused = problem(
        bulk(api, create(account, "1.00"), card, atomic=False), 422, "card_number_detected"
    )

    assert refused["errors"][0]["pointer"] == "/operations/1"
    assert api("GET", "/transactions").json["items"] == []


def test_a_repeat_gives_the_same_answer_and_does_nothing_twice(api: Api) -> None:
    account = api.account()
    operations = [create(account, "1.00"), create(account, "2.00")]
    first = bulk(api, *operations, atomic=False, key="bulk-key-1")
    again = bulk(api, *operations, atomic=False, key="bulk-key-1")

    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert balance(api, account) == "3.00"


def test_a_request_that_died_half_way_is_finished_by_its_repeat(
    api: Api, wired: Services, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    account = api.account()
    row = api.transaction(account, "5.00")
    operations = [
        create(account, "1.00"),
        {"op": "update", "id": row["id"], "version": 1, "changes": {"description": "new"}},
        create(account, "2.00"),
    ]
    commands: Any = wired.bulk._commands  # type: ignore[attr-defined]  # noqa: SLF001 - dies between two commits
    commit, done = commands.commit, []

    def dying(writes: Any) -> None:
        if len(done) == 2:
            raise Unavailable
        commit(writes)
        done.append(1)

    monkeypatch.setattr(commands, "commit", dying)
    assert bulk(api, *operations, atomic=False, key="bulk-key-2").status_code == 503
    monkeypatch.undo()

    answer = bulk(api, *operations, atomic=False, key="bulk-key-2")

    del clock
    assert answer.status_code == 200, answer.text
    assert (len(answer.json["created"]), len(answer.json["updated"])) == (2, 1)
    assert balance(api, account) == "8.00"


# --- Sums and order ------------------------------------------------------------------------------


def test_totals_are_sums_by_currency_of_what_matches(api: Api) -> None:
    giro, dollars = api.account(), api.account(name="Dollars", currency="USD")
    for amount in ("10.00", "-2.50", "-1.25"):
        api.transaction(giro, amount)
    api.transaction(dollars, "-7.00", description="Flight to Oslo")

    def sums(query: str) -> list[tuple[str, str, str, int]]:
        found = api("GET", f"/transactions/totals{query}").json
        assert found["complete"] is True
        return [
            (t["currency"], t["inflow"]["amount"], t["outflow"]["amount"], t["count"])
            for t in found["byCurrency"]
        ]

    assert sums("") == [("EUR", "10.00", "-3.75", 3), ("USD", "0.00", "-7.00", 1)]
    assert sums(f"?accountId={giro['id']}&maxAmount=0.00") == [("EUR", "0.00", "-3.75", 2)]
    assert sums("?q=oslo&from=2026-01-01&to=2026-12-31") == [("USD", "0.00", "-7.00", 1)]
    assert sums("?from=2030-01-01") == []
    problem(api("GET", "/transactions/totals?q=oslo"), 422, "range_too_wide")


def test_totals_that_are_not_complete_say_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    account = api.account()
    for _ in range(3):
        api.transaction(account, "1.00")
    monkeypatch.setattr("budgetbuddy.store.transaction_sums.SUMMED_ROWS", 2)

    found = api("GET", "/transactions/totals").json

    assert (found["complete"], found["byCurrency"][0]["count"]) == (False, 2)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-amount", ["9.00", "1.00", "1.00", "-3.00"]),
        ("amount", ["-3.00", "1.00", "1.00", "9.00"]),
    ],
)
def test_transactions_are_paged_by_amount(api: Api, sort: str, expected: list[str]) -> None:
    account = api.account()
    for amount in ("1.00", "9.00", "-3.00", "1.00"):
        api.transaction(account, amount)
    path = f"/transactions?sort={sort}&currency=EUR&from=2026-05-01&to=2026-06-30&limit=1"
    seen: list[str] = []
    ids, cursor = set(), ""
    while cursor is not None:
        page = api("GET", f"{path}{cursor and f'&cursor={cursor}'}").json
        seen += [row["amount"]["amount"] for row in page["items"]]
        ids |= {row["id"] for row in page["items"]}
        cursor = page["nextCursor"]

    assert seen == expected
    assert len(ids) == 4


def test_sorting_by_amount_needs_a_narrow_window(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    account = api.account()
    for _ in range(3):
        api.transaction(account, "1.00")
    path = "/transactions?sort=amount"
    problem(api("GET", path), 422, "sort_window_too_large")
    wide = f"{path}&currency=EUR&from=2026-01-01&to=2026-04-04"
    problem(api("GET", wide), 422, "sort_window_too_large")
    problem(api("GET", f"{path}&from=2026-06-01&to=2026-06-30"), 422, "validation_failed")
    monkeypatch.setattr("budgetbuddy.store.transaction_sums.SORTED_ROWS", 2)
    many = f"{path}&accountId={account['id']}&from=2026-06-01&to=2026-06-30"
    problem(api("GET", many), 422, "sort_window_too_large")


# --- Accounts whole ------------------------------------------------------------------------------


def test_an_account_takes_its_transactions_along(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetbuddy.store.account_removal.ROWS_A_STEP", 2)
    giro, other = api.account(openingBalance={"amount": "5.00", "currency": "EUR"}), api.account()
    for day in range(1, 6):
        api.transaction(giro, "-1.00", date=f"2026-0{day}-01")
    body = {
        "fromAccountId": giro["id"],
        "toAccountId": other["id"],
        "amount": {"amount": "3.00", "currency": "EUR"},
        "date": "2026-06-01",
        "description": "Savings",
    }
    transfer = api("POST", "/transfers", body).json
    path = f"/accounts/{giro['id']}"
    problem(api("DELETE", path, version=1), 409, "account_not_empty")
    problem(api("DELETE", f"{path}?cascade=true", version=7), 412, "version_conflict")

    answer = api("DELETE", f"{path}?cascade=true", version=1, key="delete-key-1")

    assert (answer.status_code, answer.json["status"]) == (202, "succeeded")
    assert answer.json["result"] == {"accountId": giro["id"], "transactions": 7}
    assert api("GET", answer.headers["Location"].removeprefix("/api/v1")).json == answer.json
    again = api("DELETE", f"{path}?cascade=true", version=1, key="delete-key-1")
    assert (again.status_code, again.data) == (202, answer.data)
    problem(api("GET", path), 404, "not_found")
    problem(api("GET", f"/transfers/{transfer['id']}"), 404, "not_found")
    (left,) = api("GET", "/transactions").json["items"]
    assert (left["kind"], left["transferId"], left["version"]) == ("adjustment", None, 2)
    assert balance(api, other) == "3.00"
    month = api("GET", "/analytics/months/2026-03?currency=EUR").json
    assert (month["spending"]["amount"], month["count"]) == ("0.00", 0)
    assert len(api("GET", "/transactions?deleted=true").json["items"]) == 7


def test_cascade_takes_closed_accounts_and_empty_ones(api: Api) -> None:
    closed, empty = api.account(), api.account()
    for amount in ("4.00", "-4.00"):
        api.transaction(closed, amount)
    assert api("POST", f"/accounts/{closed['id']}/close", version=1).status_code == 200

    path = f"/accounts/{closed['id']}?cascade=true"
    assert api("DELETE", path, version=2).status_code == 202
    assert api("DELETE", f"/accounts/{empty['id']}?cascade=true", version=1).status_code == 204
    assert api("GET", "/accounts").json["items"] == []


def test_a_row_of_a_deleted_account_is_not_restored(api: Api) -> None:
    account = api.account()
    row = api.transaction(account, "1.00")
    api("DELETE", f"/accounts/{account['id']}?cascade=true", version=1)

    problem(api("POST", f"/transactions/{row['id']}/restore"), 404, "not_found")


# --- Statements ----------------------------------------------------------------------------------


def reconcile(
    api: Api, account: dict[str, Any], day: str, amount: str, **more: Any
) -> TestResponse:
    body = {
        "statementDate": day,
        "statementBalance": {"amount": amount, "currency": "EUR"},
        **more,
    }
    return api("POST", f"/accounts/{account['id']}/reconciliations", body)


@pytest.mark.parametrize(
    ("day", "amount"),
    [
        ("2026-04-30", "100.00"),
        ("2026-05-01", "90.00"),
        ("2026-05-31", "85.00"),
        ("2026-06-15", "85.00"),
    ],
)
def test_a_statement_is_compared_with_the_posted_balance_of_its_day(
    api: Api, day: str, amount: str
) -> None:
    opening = {"amount": "100.00", "currency": "EUR"}
    account = api.account(openingBalance=opening, openingDate="2026-01-01")
    for date, row in (("2026-05-01", "-10.00"), ("2026-05-02", "-5.00")):
        api.transaction(account, row, date=date)
    api.transaction(account, "-50.00", date="2026-04-02", status="pending")
    answer = reconcile(api, account, day, amount)

    assert (answer.status_code, answer.json) == (
        201,
        {"difference": {"amount": "0.00", "currency": "EUR"}, "adjustmentId": None},
    )


def test_a_difference_is_told_or_closed_by_an_adjustment(api: Api) -> None:
    account = api.account()
    api.transaction(account, "10.00", date="2026-06-02")
    refused = problem(
        reconcile(api, account, "2026-06-10", "12.50"), 409, "reconciliation_difference"
    )
    assert "2.50 EUR" in refused["detail"]

    closed = reconcile(api, account, "2026-06-10", "12.50", createAdjustment=True)

    assert closed.json["difference"]["amount"] == "2.50"
    row = api("GET", f"/transactions/{closed.json['adjustmentId']}").json
    assert (row["kind"], row["date"], row["amount"]["amount"]) == (
        "adjustment",
        "2026-06-10",
        "2.50",
    )
    assert balance(api, account) == "12.50"
    assert reconcile(api, account, "2026-06-10", "12.50").json["adjustmentId"] is None
    month = api("GET", "/analytics/months/2026-06?currency=EUR").json
    assert month["income"]["amount"] == "10.00"


def test_a_statement_in_another_currency_or_of_another_time_is_refused(
    api: Api, new_user: Callable[[], Api]
) -> None:
    account = api.account()
    body = {
        "statementDate": "2026-06-10",
        "statementBalance": {"amount": "1.00", "currency": "USD"},
    }
    path = f"/accounts/{account['id']}/reconciliations"
    problem(api("POST", path, body), 422, "currency_mismatch")
    problem(reconcile(api, account, "2028-01-01", "1.00"), 422, "validation_failed")
    problem(reconcile(new_user(), account, "2026-06-10", "1.00"), 404, "not_found")
