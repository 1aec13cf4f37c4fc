"""Budgets: cycles, what is carried over, the summary of a month, and alerts that come once."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from budgetbuddy.domain.budget_reports import Allocation, allocation, suggested
from budgetbuddy.domain.budgets import Budget, Period, Rollover, monthly_cycles, short_cycles
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.months import median, month_plus

from ..conftest import ManualClock  # noqa: TID252 - fixtures' module
from .conftest import Api

EUR = currency_of("EUR")


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    document: dict[str, Any] = answer.json
    return document


def budget(**changes: Any) -> Budget:
    return Budget(
        **{
            "category_id": "cat",
            "currency": EUR,
            "period": Period.MONTHLY,
            "anchor": None,
            "rollover": Rollover.NONE,
            "limits": (("2026-01", 100),),
            **changes,
        }
    )


def put(api: Api, category: dict[str, Any], amount: str, **more: Any) -> TestResponse:
    headers = more.pop("headers", {"If-None-Match": "*"})
    version = more.pop("version", None)
    body = {"limit": {"amount": amount, "currency": "EUR"}, **more}
    path = f"/budgets/{category['id']}"
    if version is not None:
        return api("PUT", path, body, version=version)
    return api("PUT", path, body, headers=headers)


# --- Rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rollover", "carried"),
    [
        (Rollover.NONE, [0, 0, 0, 0]),
        (Rollover.POSITIVE, [0, 70, 20, 0]),
        (Rollover.BOTH, [0, 70, 20, -80]),
    ],
)
def test_what_is_left_or_owed_is_carried_on(rollover: Rollover, carried: list[int]) -> None:
    spent = {"2026-01": 30, "2026-02": 150, "2026-03": 200}

    cycles = monthly_cycles(budget(rollover=rollover), spent, "2026-04")

    assert [cycle.carried_in for cycle in cycles] == carried


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=24), st.sampled_from(Rollover))
def test_with_both_nothing_is_lost_and_with_positive_no_debt_is_carried(
    spent: list[int], rollover: Rollover
) -> None:
    months = {month_plus("2026-01", number): minor for number, minor in enumerate(spent)}
    cycles = monthly_cycles(budget(rollover=rollover), months, max(months))

    if rollover is Rollover.BOTH:
        assert cycles[-1].remaining == 100 * len(spent) - sum(spent)
    else:
        assert all(cycle.carried_in >= 0 for cycle in cycles)
    assert [cycle.spent for cycle in cycles] == spent


def test_each_month_has_the_limit_of_its_time() -> None:
    found = budget(limits=(("2026-01", 100), ("2026-03", 50)))
    cycles = monthly_cycles(found, {}, "2026-04")

    assert [cycle.limit for cycle in cycles] == [100, 100, 50, 50]
    assert found.limit_in("2025-12") is None


@pytest.mark.parametrize(
    ("period", "day", "bounds"),
    [
        (Period.WEEKLY, "2026-06-15", ("2026-06-15", "2026-06-21")),  # a Monday
        (Period.WEEKLY, "2026-06-21", ("2026-06-15", "2026-06-21")),
        (Period.MONTHLY, "2024-02-29", ("2024-02-01", "2024-02-29")),
    ],
)
def test_cycles_have_their_bounds(period: Period, day: str, bounds: tuple[str, str]) -> None:
    start, end = budget(period=period).bounds(date.fromisoformat(day))

    assert (start.isoformat(), end.isoformat()) == bounds


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_two_weeks_start_on_the_anchor_and_every_fortnight_from_it(anchor: date, day: date) -> None:
    start, end = budget(period=Period.BIWEEKLY, anchor=anchor).bounds(day)

    assert start <= day <= end
    assert (end - start).days == 13
    assert (start - anchor).days % 14 == 0


def test_short_cycles_count_their_own_days() -> None:
    found = budget(period=Period.WEEKLY)
    spent = [(date(2026, 6, 7), 1), (date(2026, 6, 8), 2), (date(2026, 6, 14), 4)]

    cycles = short_cycles(found, [*spent, (date(2026, 6, 15), 8)], date(2026, 6, 15), 2)

    assert [(c.start.day, c.spent, c.carried_in) for c in cycles] == [(8, 6, 0), (15, 8, 0)]


@pytest.mark.parametrize(
    ("limits", "income", "expected"),
    [
        (100, 100, Allocation.BALANCED),
        (95, 100, Allocation.BALANCED),
        (94, 100, Allocation.UNDER),
        (106, 100, Allocation.OVER),
        (0, 0, Allocation.BALANCED),
        (1, 0, Allocation.OVER),
    ],
)
def test_limits_are_compared_with_the_income(
    limits: int, income: int, expected: Allocation
) -> None:
    assert allocation(limits, income) is expected


@pytest.mark.parametrize(("usual", "limit"), [(1, 500), (45_000, 49_500), (45_500, 50_500)])
def test_suggestions_are_a_tenth_above_and_round(usual: int, limit: int) -> None:
    assert suggested(usual, 500) == limit


def test_the_median_of_none_is_zero() -> None:
    assert [median(v) for v in ([], [3], [1, 4], [9, 1, 5])] == [0, 3, 2, 5]


# --- Over HTTP -----------------------------------------------------------------------------------


def test_a_budget_is_created_replaced_listed_and_deleted(api: Api) -> None:
    food = api.category("Food")
    path = f"/budgets/{food['id']}"
    made = put(api, food, "400.00", rollover="positive", effectiveFrom="2026-01")
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.headers["Location"] == f"/api/v1{path}"
    assert made.json["limit"] == {"amount": "400.00", "currency": "EUR"}
    assert api("GET", path).json == made.json
    assert api("GET", path, headers={"If-None-Match": '"1"'}).status_code == 304
    problem(put(api, food, "1.00"), 409, "budget_exists")
    problem(put(api, food, "1.00", version=7), 412, "version_conflict")

    changed = put(api, food, "350.00", version=1)

    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert [(e["effectiveFrom"], e["limit"]["amount"]) for e in changed.json["limits"]] == [
        ("2026-01", "400.00"),
        ("2026-06", "350.00"),
    ]
    assert api("GET", "/budgets").json["items"] == [changed.json]
    assert api("DELETE", path, version=2).status_code == 204
    problem(api("GET", path), 404, "not_found")
    problem(put(api, food, "1.00", version=2), 404, "not_found")


def test_a_put_says_whether_it_creates_or_replaces(api: Api) -> None:
    food = api.category("Food")
    problem(put(api, food, "1.00", headers={}), 428, "precondition_required")
    both = {"If-None-Match": "*", "If-Match": '"1"'}
    problem(put(api, food, "1.00", headers=both), 400, "invalid_header")
    problem(put(api, food, "1.00", headers={"If-None-Match": '"1"'}), 400, "invalid_header")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"limit": {"amount": "-1.00", "currency": "EUR"}}, "validation_failed"),
        ({"rollover": "both", "period": "weekly"}, "rollover_needs_monthly"),
        ({"anchor": "2026-06-15"}, "validation_failed"),
        ({"period": "yearly"}, "validation_failed"),
        ({"effectiveFrom": "2027-07"}, "validation_failed"),
        ({"effectiveFrom": "0000-01"}, "validation_failed"),
    ],
)
def test_a_budget_without_sense_is_refused(api: Api, change: dict[str, Any], code: str) -> None:
    food = api.category("Food")
    body = {"limit": {"amount": "1.00", "currency": "EUR"}, **change}
    answer = api("PUT", f"/budgets/{food['id']}", body, headers={"If-None-Match": "*"})

    problem(answer, 422, code)


def test_only_live_categories_of_ones_own_have_budgets(
    api: Api, new_user: Callable[[], Api]
) -> None:
    food = api.category("Food")
    problem(put(new_user(), food, "1.00"), 404, "not_found")
    problem(put(api, {"id": make_id(Kind.CATEGORY)}, "1.00"), 404, "not_found")
    api("DELETE", f"/categories/{food['id']}", version=1)

    problem(put(api, food, "1.00"), 422, "category_archived")


def test_a_budget_keeps_its_currency(api: Api) -> None:
    food = api.category("Food")
    put(api, food, "1.00")
    body = {"limit": {"amount": "1.00", "currency": "USD"}}

    problem(api("PUT", f"/budgets/{food['id']}", body, version=1), 422, "currency_mismatch")


def test_a_category_with_a_budget_is_not_archived(api: Api) -> None:
    food = api.category("Food")
    put(api, food, "1.00")
    problem(api("DELETE", f"/categories/{food['id']}", version=1), 409, "category_in_use")
    api("DELETE", f"/budgets/{food['id']}", version=1)

    assert api("DELETE", f"/categories/{food['id']}", version=1).status_code == 204


def amounts(line: dict[str, Any], *names: str) -> list[str]:
    return [line[name]["amount"] for name in names]


def test_a_month_is_summarised_by_what_counts(api: Api) -> None:
    account, dollars = api.account(), api.account(name="Dollars", currency="USD")
    food, fun = api.category("Food"), api.category("Fun")
    salary = api.category("Pay", "income")
    put(api, food, "100.00", rollover="both", effectiveFrom="2026-05")
    put(api, fun, "40.00")
    for month in ("2026-03", "2026-04", "2026-05"):
        api.transaction(account, "150.00", date=f"{month}-01", categoryId=salary["id"])
    api.transaction(account, "-120.00", date="2026-05-20", categoryId=food["id"])
    api.transaction(account, "-70.00", categoryId=food["id"])
    api.transaction(account, "10.00", categoryId=food["id"])  # a refund
    api.transaction(account, "-5.00", categoryId=food["id"], status="pending")
    api.transaction(account, "-6.00", categoryId=food["id"], excluded=True)
    api.transaction(dollars, "-9.00", categoryId=fun["id"])
    api.transaction(account, "-41.00", categoryId=fun["id"])
    found = api("GET", "/budgets/summary?month=2026-06").json

    lines = {line["categoryId"]: line for line in found["lines"]}
    names = ("limit", "carriedIn", "spent", "remaining")
    assert amounts(lines[food["id"]], *names) == ["100.00", "-20.00", "60.00", "20.00"]
    assert (lines[food["id"]]["percent"], lines[food["id"]]["state"]) == (75, "near_limit")
    assert amounts(lines[fun["id"]], *names) == ["40.00", "0.00", "41.00", "-1.00"]
    assert lines[fun["id"]]["state"] == "over"
    assert amounts(found["totals"], *names) == ["140.00", "-20.00", "101.00", "19.00"]
    assert (found["incomeMedian"]["amount"], found["allocation"]) == ("150.00", "under")
    other = {"categoryId": fun["id"], "spent": {"amount": "9.00", "currency": "USD"}}
    assert found["otherCurrencies"] == [other]
    assert api("GET", "/budgets/summary").json == found
    assert api("GET", "/budgets/summary?month=2026-04").json["lines"] == []
    assert api("GET", "/budgets/summary?currency=USD").json["lines"] == []


def test_a_late_edit_is_right_at_the_next_look(api: Api) -> None:
    account, food = api.account(), api.category("Food")
    put(api, food, "100.00", rollover="both", effectiveFrom="2026-05")
    row = api.transaction(account, "-120.00", date="2026-05-20", categoryId=food["id"])

    def carried() -> list[str]:
        (line,) = api("GET", "/budgets/summary").json["lines"]
        return amounts(line, "carriedIn")

    assert [carried(), carried()] == [["-20.00"], ["-20.00"]]
    body = {"amount": {"amount": "-30.00", "currency": "EUR"}}
    api("PATCH", f"/transactions/{row['id']}", body, version=1)
    assert carried() == ["70.00"]
    api("DELETE", f"/transactions/{row['id']}", version=2)
    assert carried() == ["100.00"]


def test_short_budgets_count_rows_of_their_days_and_parts_of_splits(api: Api) -> None:
    account, food, fun = api.account(), api.category("Food"), api.category("Fun")
    put(api, food, "50.00", period="weekly")
    api.transaction(account, "-8.00", date="2026-06-14", categoryId=food["id"])
    api.transaction(account, "-7.00", date="2026-06-15", categoryId=food["id"])
    parts = [
        {"categoryId": c["id"], "amount": {"amount": a, "currency": "EUR"}}
        for c, a in ((food, "-4.00"), (fun, "-6.00"))
    ]
    api.transaction(account, "-10.00", date="2026-06-16", splits=parts)
    (line,) = api("GET", "/budgets/summary").json["lines"]

    assert (line["start"], line["end"]) == ("2026-06-15", "2026-06-21")
    assert amounts(line, "limit", "spent", "remaining") == ["50.00", "11.00", "39.00"]
    history = api("GET", f"/budgets/{food['id']}/history?months=2").json["items"]
    assert [(c["start"], c["spent"]["amount"]) for c in history] == [
        ("2026-06-08", "8.00"),
        ("2026-06-15", "11.00"),
    ]


def test_the_history_tells_month_by_month(api: Api) -> None:
    account, food = api.account(), api.category("Food")
    put(api, food, "100.00", rollover="positive", effectiveFrom="2026-04")
    api.transaction(account, "-30.00", date="2026-04-02", categoryId=food["id"])
    api.transaction(account, "-190.00", date="2026-05-02", categoryId=food["id"])
    found = api("GET", f"/budgets/{food['id']}/history").json["items"]

    names = ("limit", "carriedIn", "spent", "carriedOut")
    assert [(c["start"], *amounts(c, *names)) for c in found] == [
        ("2026-04-01", "100.00", "0.00", "30.00", "70.00"),
        ("2026-05-01", "100.00", "70.00", "190.00", "0.00"),
        ("2026-06-01", "100.00", "0.00", "0.00", "100.00"),
    ]
    last = api("GET", f"/budgets/{food['id']}/history?months=1").json["items"]
    assert last == found[2:]


def test_suggestions_come_from_six_months(api: Api) -> None:
    account, food, rare = api.account(), api.category("Food"), api.category("Rare")
    for month in range(1, 6):
        api.transaction(account, "-99.00", date=f"2026-0{month}-01", categoryId=food["id"])
    api.transaction(account, "-500.00", date="2026-05-01", categoryId=rare["id"])
    found = api("GET", "/budgets/suggestions").json["items"]

    expected = {"categoryId": food["id"], "limit": {"amount": "110.00", "currency": "EUR"}}
    assert found == [expected]


def test_each_threshold_alerts_once_a_cycle(api: Api, clock: ManualClock) -> None:
    account, food = api.account(), api.category("Food")
    put(api, food, "100.00")

    def thresholds(query: str = "") -> list[int]:
        return [a["threshold"] for a in api("GET", f"/budgets/alerts{query}").json["items"]]

    assert thresholds() == []
    row = api.transaction(account, "-80.00", categoryId=food["id"])
    assert [thresholds(), thresholds()] == [[75], [75]]
    api("DELETE", f"/transactions/{row['id']}", version=1)
    api.transaction(account, "-120.00", categoryId=food["id"])
    assert thresholds() == [100, 90, 75]
    (alert, *_) = api("GET", "/budgets/alerts?limit=1").json["items"]
    assert (alert["cycle"], *amounts(alert, "spent", "limit")) == ("2026-06-01", "120.00", "100.00")

    seen = api("POST", f"/budgets/alerts/{alert['id']}/acknowledge")
    assert (seen.status_code, seen.json["acknowledged"]) == (200, True)
    assert thresholds("?acknowledged=false") == [90, 75]
    assert thresholds("?acknowledged=true") == [100]
    clock.advance(minutes=10)
    assert thresholds() == [100, 90, 75]


def test_alerts_of_another_do_not_exist(api: Api, new_user: Callable[[], Api]) -> None:
    account, food = api.account(), api.category("Food")
    put(api, food, "100.00")
    api.transaction(account, "-80.00", categoryId=food["id"])
    (alert,) = api("GET", "/budgets/alerts").json["items"]
    other = new_user()

    assert other("GET", "/budgets/alerts").json["items"] == []
    problem(other("POST", f"/budgets/alerts/{alert['id']}/acknowledge"), 404, "not_found")
