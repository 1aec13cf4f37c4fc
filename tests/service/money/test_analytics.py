"""Analytics: exact sums of months, one currency at a time, at a price that rows do not change."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from budgetbuddy.domain.analytics import WHOLE, allocated, days_passed, slope
from budgetbuddy.domain.services import Services

from ..conftest import ManualClock  # noqa: TID252 - fixtures' module
from .conftest import Api

JUNE = "from=2026-06&to=2026-06"


def items(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = (answer.json or {})["items"]
    return found


def amounts(view: dict[str, Any]) -> dict[str, str]:
    """The amounts among the fields of a view."""
    return {k: v["amount"] for k, v in view.items() if isinstance(v, dict) and "amount" in v}


@pytest.fixture
def household(api: Api) -> dict[str, dict[str, Any]]:
    """Two currencies, two categories, and rows of May and June."""
    euros, pounds = api.account(), api.account(name="Jersey", currency="GBP")
    food, pay = api.category("Food"), api.category("Pay", "income")
    for account, amount, day, category in (
        (euros, "2000.00", "2026-05-01", pay),
        (euros, "-300.00", "2026-05-10", food),
        (euros, "2100.00", "2026-06-01", pay),
        (euros, "-100.00", "2026-06-02", food),
        (euros, "10.00", "2026-06-03", food),  # a refund
        (euros, "-30.00", "2026-06-04", None),
        (euros, "5.00", "2026-06-05", None),
        (pounds, "-7.00", "2026-06-06", food),
    ):
        filed = {"categoryId": category["id"]} if category else {}
        api.transaction(account, amount, date=day, **filed)
    return {"euros": euros, "pounds": pounds, "food": food, "pay": pay}


# --- Rules ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=40))
def test_shares_are_the_whole_together_and_each_is_off_by_less_than_one(weights: list[int]) -> None:
    parts = allocated(WHOLE, weights)

    assert sum(parts) == WHOLE
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(WHOLE * weight, sum(weights))) < 1


def test_nothing_has_no_shares() -> None:
    assert allocated(WHOLE, []) == []


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=36))
def test_the_slope_is_that_of_least_squares(values: list[int]) -> None:
    mean = Fraction(len(values) - 1, 2)
    weights = [i - mean for i in range(len(values))]
    pairs = zip(weights, values, strict=True)
    exact = sum((w * v for w, v in pairs), Fraction()) / sum(w * w for w in weights)

    assert abs(slope(values) - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(("values", "expected"), [([], 0), ([5], 0), ([1, 2], 1), ([3, 2, 1], -1)])
def test_the_slope_of_few_values(values: list[int], expected: int) -> None:
    assert slope(values) == expected


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-06", "2026-06", 15),
        ("2026-05", "2026-06", 46),
        ("2026-04", "2026-05", 61),
        ("2026-07", "2026-07", 31),
    ],
)
def test_only_days_that_have_passed_count(first: str, last: str, days: int) -> None:
    assert days_passed(first, last, date(2026, 6, 15)) == days


# --- Over HTTP -----------------------------------------------------------------------------------


def test_a_span_is_compared_with_the_one_before_in_each_currency_alone(
    api: Api, household: dict[str, Any]
) -> None:
    del household
    euros, pounds = items(api("GET", f"/analytics/spending-summary?{JUNE}"))

    assert (euros["currency"], pounds["currency"]) == ("EUR", "GBP")
    assert amounts(euros) == {
        "income": "2105.00",
        "spending": "-120.00",
        "net": "1985.00",
        "dailyAverage": "-8.00",  # of fifteen days
    }
    assert amounts(euros["previous"]) == {
        "income": "2000.00",
        "spending": "-300.00",
        "net": "1700.00",
    }
    assert amounts(euros["change"]) == {"income": "105.00", "spending": "180.00", "net": "285.00"}
    assert amounts(pounds)["spending"] == "-7.00"


def test_spending_is_shared_by_category_exactly(api: Api, household: dict[str, Any]) -> None:
    euros, pounds = items(api("GET", f"/analytics/spending-by-category?{JUNE}"))

    assert amounts(euros) == {"spending": "-120.00"}
    assert [
        (part["categoryId"], part["amount"]["amount"], part["share"], part["count"])
        for part in euros["categories"]
    ] == [(household["food"]["id"], "-90.00", "75.00", 2), (None, "-30.00", "25.00", 2)]
    assert [part["share"] for part in pounds["categories"]] == ["100.00"]


def test_a_trend_keeps_the_running_month_apart(api: Api, household: dict[str, Any]) -> None:
    euros = items(api("GET", "/analytics/trends?months=3"))[0]

    assert [(m["month"], m["amount"]["amount"]) for m in euros["series"]] == [
        ("2026-03", "0.00"),
        ("2026-04", "0.00"),
        ("2026-05", "-300.00"),
    ]
    assert amounts(euros) == {"median": "0.00", "slope": "-150.00", "running": "-120.00"}
    food = items(api("GET", f"/analytics/trends?months=2&categoryId={household['food']['id']}"))
    assert [(t["currency"], t["running"]["amount"]) for t in food] == [
        ("EUR", "-90.00"),
        ("GBP", "-7.00"),
    ]


def test_the_trend_of_a_category_that_is_not_there_is_not_found(
    api: Api, new_user: Callable[[], Api], household: dict[str, Any]
) -> None:
    path = f"/analytics/trends?categoryId={household['food']['id']}"

    assert new_user()("GET", path).status_code == 404
    assert api("GET", "/analytics/trends?categoryId=nothing").status_code == 404


def test_net_worth_is_read_from_accounts_in_each_currency(
    api: Api, household: dict[str, Any]
) -> None:
    del household
    card = api.account(name="Card", kind="credit")
    api.transaction(card, "-250.00", date="2026-05-20")

    euros, pounds = items(api("GET", "/analytics/net-worth?months=2"))

    assert [(m["month"], *amounts(m).values()) for m in euros["months"]] == [
        ("2026-05", "1700.00", "-250.00", "1450.00"),
        ("2026-06", "3685.00", "-250.00", "3435.00"),
    ]
    assert [amounts(m)["net"] for m in pounds["months"]] == ["0.00", "-7.00"]


@pytest.mark.parametrize("path", ["spending-summary", "spending-by-category"])
@pytest.mark.parametrize(
    ("span", "code"),
    [
        ("from=2023-05&to=2026-05", "range_too_wide"),
        ("from=2026-06&to=2026-05", "validation_failed"),
        ("from=0001-01&to=0001-02", "validation_failed"),
        ("from=2026-06&to=9999-12", "validation_failed"),
    ],
)
def test_a_span_that_is_none_is_refused(api: Api, path: str, span: str, code: str) -> None:
    answer = api("GET", f"/analytics/{path}?{span}")

    assert (answer.status_code, (answer.json or {})["code"]) == (422, code)


@pytest.mark.parametrize(
    "path", [f"spending-summary?{JUNE}", f"spending-by-category?{JUNE}", "trends", "net-worth"]
)
def test_without_accounts_there_is_nothing_to_show(api: Api, path: str) -> None:
    assert items(api("GET", f"/analytics/{path}")) == []


def test_today_is_what_the_users_zone_says(sign_up: Callable[..., Any], clock: ManualClock) -> None:
    clock.now = clock.now.replace(month=6, day=30, hour=23)
    east = sign_up(timezone="Pacific/Auckland")

    user = Api(east.client, east.token)
    user.account(openingBalance={"amount": "1.00", "currency": "EUR"}, openingDate="2026-06-01")
    months = items(user("GET", "/analytics/net-worth?months=1"))[0]["months"]

    assert [m["month"] for m in months] == ["2026-07"]


def test_more_rows_cost_no_more_reads(api: Api, household: dict[str, Any], wired: Services) -> None:
    calls: list[str] = []
    client = wired.jobs._store.client  # type: ignore[attr-defined]  # noqa: SLF001 - calls are counted
    client.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))

    def cost() -> list[str]:
        calls.clear()
        items(api("GET", f"/analytics/spending-by-category?{JUNE}"))
        return [*calls]

    before = cost()
    for day in range(1, 13):
        api.transaction(household["euros"], "-1.00", date=f"2026-06-{day:02}")

    assert cost() == before


def test_the_report_of_a_month_may_be_kept_and_must_be_asked_for(
    api: Api, household: dict[str, Any]
) -> None:
    del household
    path = "/analytics/months/2026-06?currency=EUR"
    first = api("GET", path)
    again = api("GET", path, headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (again.status_code, again.data) == (304, b"")
