"""Cash flow: what a usual month and recurring items make of liquid money."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.cash_flow import (
    FlowState,
    Usual,
    balances,
    runway,
    state_of,
    usual_month,
)
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.months import MonthRecord
from budgetbuddy.domain.recurring import Frequency, Recurring

from .conftest import Api

EUR = currency_of("EUR")
TODAY = date(2026, 6, 15)


def recurring(minor: int, next_date: date = date(2026, 7, 1)) -> Recurring:
    return Recurring(
        id="rec",
        name="Rent",
        payee="rent",
        amount=Money(minor, EUR),
        tolerance_percent=0,
        frequency=Frequency.MONTHLY,
        next_date=next_date,
    )


def months(*sums: tuple[int, int]) -> list[MonthRecord]:
    """Records of March, April and May."""
    return [
        MonthRecord(
            month=f"2026-{number:02}", currency="EUR", income_minor=income, spending_minor=spending
        )
        for number, (income, spending) in enumerate(sums, start=3)
    ]


def forecasts(api: Api, days: int = 30) -> list[dict[str, Any]]:
    answer = api("GET", f"/analytics/cash-flow?days={days}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = (answer.json or {})["items"]
    return found


def test_what_recurs_is_taken_out_of_the_usual_month() -> None:
    records = months((3_000, -1_500), (3_000, -1_700), (9_000, -1_100))
    items = [recurring(2_500), recurring(-1_000)]

    usual = usual_month(records, "2026-03", "2026-05", items)

    assert (usual.income, usual.spending, usual.net) == (500, -500, 0)
    assert usual.months == ["2026-03", "2026-04", "2026-05"]


def test_an_item_that_is_new_makes_no_month_better_than_it_was() -> None:
    usual = usual_month(months((0, -10), (0, -10)), "2026-03", "2026-05", [recurring(-1_000)])

    assert (usual.income, usual.spending) == (0, 0)


@given(st.integers(-(10**12), 10**12), st.integers(-(10**9), 10**9), st.integers(7, 90))
def test_a_day_moves_the_balance_by_its_share_and_by_what_is_due(
    start: int, net: int, days: int
) -> None:
    usual = Usual(income=max(0, net), spending=min(0, net), months=[])

    without = balances(start, usual, [], TODAY, days)
    with_due = balances(start, usual, [(date(2026, 6, 20), -700)], TODAY, days)

    assert [day for day, _ in without] == sorted({day for day, _ in without})
    assert len(without) == days
    for (day, balance), (_, lower) in zip(without, with_due, strict=True):
        assert balance - lower == (700 if day >= date(2026, 6, 20) else 0)
    assert abs(without[-1][1] - start - net * days * 1_200 / 36_525) <= 1


@pytest.mark.parametrize(
    ("start", "year", "days", "state"),
    [
        (100, 0, 365, FlowState.HEALTHY),
        (100, -50, 365, FlowState.HEALTHY),
        (90, -365, 90, FlowState.HEALTHY),
        (89, -365, 89, FlowState.TIGHT),
        (60, -365, 60, FlowState.TIGHT),
        (59, -365, 59, FlowState.LOW),
        (30, -365, 30, FlowState.LOW),
        (29, -365, 29, FlowState.CRITICAL),
        (0, 100, 0, FlowState.CRITICAL),
        (-1, -1, 0, FlowState.CRITICAL),
    ],
)
def test_the_runway_decides_the_state(start: int, year: int, days: int, state: FlowState) -> None:
    assert runway(start, year) == days
    assert state_of(days) is state


def test_the_forecast_knows_liquid_money_usual_months_and_due_days(api: Api) -> None:
    giro, fund = api.account(), api.account(name="Fund", kind="investment")
    api.transaction(fund, "99999.00", date="2026-03-01")
    for month in (3, 4, 5):
        api.transaction(giro, "1500.00", date=f"2026-{month:02}-01", description="Pay")
        api.transaction(giro, "-500.00", date=f"2026-{month:02}-02", description="Rent")
        api.transaction(giro, "-300.00", date=f"2026-{month:02}-20", description="Food")
    body = {"name": "Rent", "frequency": "monthly", "nextDate": "2026-07-02"}
    api("POST", "/recurring", {**body, "amount": {"amount": "-500.00", "currency": "EUR"}})

    (found,) = forecasts(api)

    assert found["start"]["amount"] == "2100.00"
    usual = found["assumptions"]
    assert (usual["incomeMedian"]["amount"], usual["spendingMedian"]["amount"]) == (
        "1500.00",
        "-300.00",
    )
    assert usual["recurringItems"] == 1
    by_day = {entry["date"]: entry["balance"]["amount"] for entry in found["series"]}
    assert len(by_day) == 30
    assert by_day["2026-07-01"] == "2730.80"  # sixteen days of 1,200 a month
    assert by_day["2026-07-02"] == "2270.22"
    assert found["lowest"]["date"] == "2026-06-16"
    assert (found["runwayDays"], found["state"]) == (365, "healthy")


def test_each_currency_is_forecast_alone(api: Api) -> None:
    api.transaction(api.account(), "100.00")
    api.transaction(api.account(name="Jersey", currency="GBP"), "-5.00")
    api.account(name="Card", kind="credit", currency="CHF")

    assert [(f["currency"], f["start"]["amount"], f["state"]) for f in forecasts(api, 7)] == [
        ("EUR", "100.00", "healthy"),
        ("GBP", "-5.00", "critical"),
    ]


@pytest.mark.parametrize("days", [6, 91])
def test_a_forecast_is_of_a_week_to_a_quarter(api: Api, days: int) -> None:
    assert api("GET", f"/analytics/cash-flow?days={days}").status_code == 422
