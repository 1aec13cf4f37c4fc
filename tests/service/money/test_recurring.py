"""Recurring items: found by rule, confirmed by the user, due on days that follow from one."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.recurring import Frequency, normalised
from budgetbuddy.domain.recurring_detection import Candidate, candidates
from budgetbuddy.domain.transactions import Transaction

from .conftest import Api

EUR = currency_of("EUR")
TODAY = date(2026, 6, 15)
MUSIC = {
    "name": "Music",
    "amount": {"amount": "-9.99", "currency": "EUR"},
    "frequency": "monthly",
    "nextDate": "2026-06-20",
}


def row(day: date, minor: int = -999, description: str = "Music") -> Transaction:
    return Transaction(
        id=make_id(Kind.TRANSACTION),
        account_id="acc",
        date=day,
        amount=Money(minor, EUR),
        description=description,
    )


def every(frequency: Frequency, number: int, last: date, minor: int = -999) -> list[Transaction]:
    """Rows that keep to a frequency, the last of them on this day."""
    return [row(frequency.day(last, -back), minor) for back in range(number)]


def problem(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, (answer.json or {})["code"]) == (status, code), answer.text


def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = api("POST", "/recurring", {**MUSIC, **changes})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json or {}
    return document


def upcoming(api: Api, days: int = 30) -> list[tuple[str, str]]:
    items = (api("GET", f"/recurring/upcoming?days={days}").json or {})["items"]
    return [(due["date"], due["status"]) for due in items]


# --- Days ----------------------------------------------------------------------------------------


def test_of_a_month_too_short_the_last_day_is_meant_and_the_next_is_right_again() -> None:
    anchor = date(2026, 1, 31)

    days = [Frequency.MONTHLY.day(anchor, number) for number in range(-2, 3)]

    assert [str(day) for day in days] == [
        "2025-11-30",
        "2025-12-31",
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
    ]


TURNS = {  # in fifty years, and some more
    Frequency.WEEKLY: 2_700,
    Frequency.BIWEEKLY: 1_350,
    Frequency.MONTHLY: 620,
    Frequency.QUARTERLY: 210,
    Frequency.SEMIANNUAL: 105,
    Frequency.ANNUAL: 52,
}


@given(
    st.sampled_from(Frequency),
    st.dates(date(1980, 1, 1), date(2030, 1, 1)),
    st.dates(date(1980, 1, 1), date(2030, 1, 1)),
    st.integers(0, 120),
)
def test_the_days_of_a_span_are_all_there_are(
    frequency: Frequency, anchor: date, first: date, length: int
) -> None:
    last = first + timedelta(days=length)
    turns = (frequency.day(anchor, number) for number in range(-TURNS[frequency], TURNS[frequency]))

    found = list(frequency.days(anchor, first, last))

    assert found == [day for day in turns if first <= day <= last]


# --- Detection -----------------------------------------------------------------------------------

LEAST = [
    (Frequency.WEEKLY, 6),
    (Frequency.BIWEEKLY, 4),
    (Frequency.MONTHLY, 4),
    (Frequency.QUARTERLY, 3),
    (Frequency.SEMIANNUAL, 2),
    (Frequency.ANNUAL, 2),
]


@pytest.mark.parametrize(("frequency", "least"), LEAST)
def test_so_many_rows_at_the_interval_are_needed_and_enough(
    frequency: Frequency, least: int
) -> None:
    last = date(2026, 6, 10)

    (found,) = candidates(every(frequency, least, last), TODAY)
    assert (found.frequency, found.amount, found.confidence) == (frequency, Money(-999, EUR), 100)
    assert found.next_date == frequency.day(last, 1)
    assert candidates(every(frequency, least - 1, last), TODAY) == []


@pytest.mark.parametrize("frequency", [Frequency.BIWEEKLY, Frequency.MONTHLY])
def test_three_times_pay_are_enough(frequency: Frequency) -> None:
    pay = every(frequency, 3, date(2026, 6, 12), minor=200_000)

    assert [found.frequency for found in candidates(pay, TODAY)] == [frequency]


def test_pay_twice_a_month_is_two_monthly_items() -> None:
    days = [date(2026, month, day) for month in (3, 4, 5) for day in (1, 15)]

    found = candidates([row(day, 100_000) for day in [*days, date(2026, 6, 1)]], TODAY)

    assert {f.frequency for f in found} == {Frequency.MONTHLY}
    assert sorted(str(f.next_date) for f in found) == ["2026-06-15", "2026-07-01"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (every(Frequency.MONTHLY, 6, date(2026, 3, 1)), "it has stopped"),
        ([row(date(2026, 6, 1) - timedelta(days=20 * i)) for i in range(8)], "no known interval"),
        (
            [row(date(2026, 6, 1) - timedelta(days=7 * i), -100 * 2**i) for i in range(8)],
            "the amounts differ",
        ),
        (
            [row(date(2026, month, 1 + 7 * (month % 4))) for month in range(1, 7)],
            "the days differ",
        ),
        ([row(date(2026, 6, 1))], "once is not again"),
    ],
)
def test_what_does_not_recur_is_no_candidate(rows: Sequence[Transaction], why: str) -> None:
    assert candidates(rows, TODAY) == [], why


def test_amounts_may_be_a_twentieth_off_and_confidence_says_how_many_fit() -> None:
    rows = every(Frequency.MONTHLY, 5, date(2026, 6, 1), minor=-1_000)
    near, far = row(date(2026, 1, 1), -1_050), row(date(2025, 12, 1), -1_051)

    (found,) = candidates([*rows, near, far], TODAY)

    assert set(found.evidence) == {r.id for r in (*rows, near)}
    assert found.confidence == 100 * 6 // 7


def test_the_order_of_rows_decides_nothing() -> None:
    rows = every(Frequency.WEEKLY, 8, TODAY) + every(Frequency.MONTHLY, 5, TODAY, 5_000)

    def shape(found: Sequence[Candidate]) -> list[Candidate]:
        return [*found]

    assert shape(candidates(rows, TODAY)) == shape(candidates(rows[::-1], TODAY))


@pytest.mark.parametrize(
    ("text", "payee"),
    [
        ("SPOTIFY P1A2B3 Stockholm", "spotify stockholm"),
        ("Rent 06/2026", "rent"),
        ("  Café\u3000NOIR* ", "café noir"),
        ("4711", "4711"),
        ("#1", "1"),
        ("...", "..."),
    ],
)
def test_a_payee_is_the_words_that_stay_the_same(text: str, payee: str) -> None:
    assert normalised(text) == payee


# --- Over HTTP -----------------------------------------------------------------------------------


def test_what_is_found_can_be_confirmed_and_is_found_no_more(api: Api) -> None:
    giro = api.account()
    for month in range(2, 7):
        api.transaction(giro, "-9.99", date=f"2026-{month:02}-01", description=f"Music {month}")
    (found,) = (api("POST", "/recurring/detect", {}, key=None).json or {})["candidates"]

    fields = ("name", "amount", "frequency", "nextDate", "evidence")
    item = made(api, **{name: found[name] for name in fields}, accountId=giro["id"])

    assert (found["name"], found["nextDate"], found["confidence"]) == ("Music 6", "2026-07-01", 100)
    assert item["evidence"] == found["evidence"]
    again = api("POST", "/recurring/detect", {}, key=None)
    assert again.json == {"candidates": [], "examined": 5, "complete": True}
    body = {**MUSIC, **{name: found[name] for name in fields}}
    problem(api("POST", "/recurring", body), 409, "already_confirmed")


def test_detection_sees_neither_pending_nor_excluded_rows_nor_transfers(api: Api) -> None:
    giro = api.account()
    for month in range(2, 7):
        day = f"2026-{month:02}-01"
        api.transaction(giro, "-5.00", date=day, description="Gym", excluded=True)
        api.transaction(giro, "-6.00", date=day, description="Club", status="pending")

    found = api("POST", "/recurring/detect", {"months": 13}, key=None).json or {}

    assert found["candidates"] == []
    assert found["complete"]


def test_due_days_are_kept_missed_or_ahead(api: Api) -> None:
    giro = api.account()
    item = made(api, frequency="weekly", nextDate="2026-06-01", amountTolerancePct=10)
    kept = api.transaction(giro, "-10.50", date="2026-06-03", description="MUSIC 4711")
    api.transaction(giro, "-20.00", date="2026-06-08", description="Music")  # too much
    api.transaction(giro, "-9.99", date="2026-06-08", description="Musical")  # another payee

    assert upcoming(api, 8) == [
        ("2026-06-01", "matched"),
        ("2026-06-08", "overdue"),
        ("2026-06-15", "due"),
        ("2026-06-22", "due"),
    ]
    first = (api("GET", "/recurring/upcoming?days=1").json or {})["items"][0]
    assert (first["recurringId"], first["transactionId"]) == (item["id"], kept["id"])
    assert first["amount"] == {"amount": "-10.50", "currency": "EUR"}


def test_a_day_missed_more_than_a_month_ago_is_forgotten(api: Api) -> None:
    made(api, frequency="weekly", nextDate="2026-05-01")

    assert upcoming(api, 1)[0] == ("2026-05-15", "overdue")


def test_one_row_keeps_one_day_only(api: Api) -> None:
    giro = api.account()
    made(api, frequency="weekly", nextDate="2026-06-10")
    made(api, name="Music school", frequency="weekly", nextDate="2026-06-01")
    api.transaction(giro, "-9.99", date="2026-06-11", description="Music")

    assert upcoming(api, 3) == [
        ("2026-06-01", "overdue"),
        ("2026-06-08", "overdue"),
        ("2026-06-10", "matched"),
        ("2026-06-15", "due"),
        ("2026-06-17", "due"),
    ]


def test_only_active_items_are_due(api: Api) -> None:
    item = made(api)
    assert upcoming(api) == [("2026-06-20", "due")]

    paused = api("PATCH", f"/recurring/{item['id']}", {"status": "paused"}, version=1)

    assert (paused.status_code, paused.headers["ETag"]) == (200, '"2"')
    assert upcoming(api) == []
    assert (api("GET", "/recurring?status=active").json or {})["items"] == []
    assert len((api("GET", "/recurring").json or {})["items"]) == 1


def test_an_item_is_shown_changed_and_deleted_at_its_version(
    api: Api, new_user: Callable[[], Api]
) -> None:
    item = made(api, categoryId=api.category("Fun")["id"])
    path = f"/recurring/{item['id']}"

    assert api("GET", path).json == item
    assert api("GET", path, headers={"If-None-Match": '"1"'}).status_code == 304
    problem(api("PATCH", path, {"name": "Songs"}), 428, "precondition_required")
    problem(api("PATCH", path, {"name": "Songs"}, version=7), 412, "version_conflict")
    changed = api("PATCH", path, {"categoryId": None, "amountTolerancePct": 0}, version=1)
    assert changed.json == {**item, "categoryId": None, "amountTolerancePct": 0, "version": 2}
    problem(api("DELETE", path, version=1), 412, "version_conflict")
    for method in ("GET", "PATCH", "DELETE"):
        body = {"name": "Mine"} if method == "PATCH" else None
        problem(new_user()(method, path, body, version=2), 404, "not_found")
    assert api("DELETE", path, version=2).status_code == 204
    problem(api("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"categoryId": make_id(Kind.CATEGORY)}, 404, "not_found"),
        ({"accountId": make_id(Kind.ACCOUNT)}, 404, "not_found"),
        ({"evidence": [make_id(Kind.TRANSACTION)]}, 404, "not_found"),
        ({"evidence": ["a", "a"]}, 422, "validation_failed"),
        ({"amount": {"amount": "0.00", "currency": "EUR"}}, 422, "validation_failed"),
        ({"amountTolerancePct": 51}, 422, "validation_failed"),
        ({"frequency": "daily"}, 422, "validation_failed"),
        ({"nextDate": "9999-12-31"}, 422, "validation_failed"),
        ({"name": "4111 1111 1111 1111"}, 422, "card_number_detected"),
        ({"status": "ended"}, 422, "validation_failed"),
    ],
)
def test_what_makes_no_item_is_refused(
    api: Api, changes: dict[str, Any], status: int, code: str
) -> None:
    problem(api("POST", "/recurring", {**MUSIC, **changes}), status, code)


def test_the_currency_is_that_of_the_account(api: Api) -> None:
    pounds = api.account(name="Jersey", currency="GBP")
    body = {**MUSIC, "accountId": pounds["id"]}
    problem(api("POST", "/recurring", body), 422, "currency_mismatch")

    item = made(api)
    path = f"/recurring/{item['id']}"
    problem(api("PATCH", path, {"accountId": pounds["id"]}, version=1), 422, "currency_mismatch")


def test_a_repeated_request_makes_one_item(api: Api) -> None:
    first = api("POST", "/recurring", MUSIC, key="once-and-no-more")
    again = api("POST", "/recurring", MUSIC, key="once-and-no-more")

    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_an_item_that_has_ended_makes_room_for_another(api: Api) -> None:
    item = made(api)
    problem(api("POST", "/recurring", MUSIC), 409, "already_confirmed")
    api("PATCH", f"/recurring/{item['id']}", {"status": "ended"}, version=1)

    made(api)

    revived = api("PATCH", f"/recurring/{item['id']}", {"status": "active"}, version=2)
    problem(revived, 409, "already_confirmed")


def test_names_are_stored_sealed(api: Api, stored: Callable[[], str]) -> None:
    made(api, name="Violoncello")

    assert "violoncello" not in stored().casefold()
