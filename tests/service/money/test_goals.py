"""Savings goals: what is saved is the sum of contributions, and projections follow from it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.goal_projection import Course, course, project
from budgetbuddy.domain.goals import Contribution, Goal, InsufficientSaved, moved
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money

from ..conftest import ManualClock  # noqa: TID252 - fixtures' module
from .conftest import Api

EUR = currency_of("EUR")
TODAY = date(2026, 6, 15)


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    document: dict[str, Any] = answer.json
    return document


def goal(saved: int = 0, **changes: Any) -> Goal:
    return Goal(
        **{
            "id": "gol",
            "name": "Oslo",
            "target": Money(1_200, EUR),
            "saved": Money(saved, EUR),
            "created_at": "2026-01-01T00:00:00.000Z",
            **changes,
        }
    )


def contribution(minor: int, day: date) -> Contribution:
    return Contribution(id="ctb", goal_id="gol", amount=Money(minor, EUR), day=day, created_at="x")


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def create(api: Api, **changes: Any) -> TestResponse:
    return api("POST", "/goals", {"name": "Oslo", "target": money("100.00"), **changes})


def contribute(api: Api, path: str, amount: str, **more: Any) -> TestResponse:
    body = {"amount": money(amount), "date": "2026-06-01", **more}
    return api("POST", f"{path}/contributions", body)


# --- Rules ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(-600, 600), max_size=20))
def test_saved_is_never_below_zero_and_each_milestone_is_reached_once(steps: list[int]) -> None:
    current, told = goal(), []
    for step in steps:
        try:
            current, milestone = moved(current, Money(step, EUR), "now")
        except InsufficientSaved:
            continue
        if milestone:
            told.append(milestone)

    assert current.saved.minor >= 0
    assert told == sorted(set(told))
    assert len({percent for percent, _ in current.reached}) == len(current.reached)


@pytest.mark.parametrize(
    ("saved", "expected"),
    [(550, Course.ON_TRACK), (700, Course.AHEAD), (400, Course.BEHIND)],
)
def test_saving_is_compared_with_the_straight_line(saved: int, expected: Course) -> None:
    assert course(goal(saved, target_date=date(2026, 12, 31)), TODAY) is expected


def test_a_projection_goes_by_the_usual_and_the_worst_month() -> None:
    amounts = [(1, 100), (2, 100), (3, 100), (4, 50), (5, 100), (6, 300)]
    made = [contribution(minor, date(2026, month, 10)) for month, minor in amounts]

    found = project(goal(750, target_date=date(2026, 11, 30)), made, TODAY)

    assert found.usual_monthly == 100
    assert found.p50 == date(2026, 11, 15)  # 450 left at 100 a month
    assert found.p90 == date(2027, 3, 15)  # at 50
    assert found.required_monthly == 75  # June to November


@pytest.mark.parametrize(
    ("made", "known"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([(100, date(2026, 6, 1))], False, id="once"),
        pytest.param([(100, date(2025, 6, 1)), (1, date(2025, 7, 1))], False, id="long ago"),
        pytest.param([(1, date(2026, 6, 1)), (1, date(2026, 5, 1))], True, id="twice"),
    ],
)
def test_two_contributions_are_needed_to_know(made: list[tuple[int, date]], *, known: bool) -> None:
    rows = [contribution(minor, day) for minor, day in made]
    found = project(goal(600, target_date=date(2026, 12, 31)), rows, TODAY)

    assert (found.course is not Course.UNKNOWN) is known
    assert found.p50 is None  # a median month of nothing never gets there


def test_what_is_reached_is_reached_today() -> None:
    made = [contribution(600, date(2026, 6, 1)), contribution(600, date(2026, 5, 1))]

    found = project(goal(1_200), made, TODAY)

    assert (found.p50, found.p90, found.required_monthly) == (TODAY, TODAY, None)


def test_a_month_without_the_day_ends_on_its_last() -> None:
    made = [contribution(100, date(2026, month, 1)) for month in range(1, 7)]

    assert project(goal(1_100), made, date(2026, 5, 31)).p50 == date(2026, 6, 30)


# --- Over HTTP -----------------------------------------------------------------------------------


def test_a_goal_is_created_changed_completed_reopened_deleted_and_restored(api: Api) -> None:
    account = api.account()
    made = create(api, targetDate="2026-12-31", accountId=account["id"])
    path = f"/goals/{made.json['id']}"
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1{path}")
    assert (made.json["saved"], made.json["milestone"]) == (money("0.00"), 0)
    assert api("GET", path).json == made.json

    changed = api("PATCH", path, {"name": "Bergen", "targetDate": None}, version=1).json
    assert (changed["name"], changed["targetDate"], changed["version"]) == ("Bergen", None, 2)
    assert api("POST", f"{path}/complete", version=2).json["status"] == "completed"
    problem(api("POST", f"{path}/complete", version=3), 409, "goal_completed")
    problem(contribute(api, path, "1.00"), 409, "goal_completed")
    assert api("GET", "/goals?status=active").json["items"] == []
    assert api("POST", f"{path}/reopen", version=3).json["status"] == "active"
    problem(api("POST", f"{path}/reopen", version=4), 409, "goal_active")
    assert api("DELETE", path, version=4).status_code == 204
    assert api("GET", "/goals").json["items"] == []
    assert [g["id"] for g in api("GET", "/goals?deleted=true").json["items"]] == [changed["id"]]
    for answer in (
        api("PATCH", path, {"name": "x"}, version=5),
        api("DELETE", path, version=5),
        contribute(api, path, "1.00"),
    ):
        problem(answer, 409, "goal_deleted")
    assert api("POST", f"{path}/restore").json["deletedAt"] is None
    problem(api("POST", f"{path}/restore"), 409, "goal_not_deleted")


def test_after_thirty_days_a_deleted_goal_is_gone(
    sign_up: Callable[..., Any], clock: ManualClock
) -> None:
    caller = sign_up()
    api = Api(caller.client, caller.token)
    path = f"/goals/{create(api).json['id']}"
    api("DELETE", path, version=1)
    clock.advance(days=29, hours=23)
    body = {"refreshToken": caller.session["refreshToken"]}
    session = caller("POST", "/auth/refresh", body).json
    api = Api(caller.client, session["accessToken"])
    assert len(api("GET", "/goals?deleted=true").json["items"]) == 1
    clock.advance(hours=1)
    body = {"refreshToken": session["refreshToken"]}
    api = Api(caller.client, caller("POST", "/auth/refresh", body).json["accessToken"])

    assert api("GET", "/goals?deleted=true").json["items"] == []
    problem(api("POST", f"{path}/restore"), 410, "purged")


def test_contributions_add_up_and_reach_milestones_once(api: Api) -> None:
    path = f"/goals/{create(api).json['id']}"
    first = contribute(api, path, "60.00", note="June")
    assert (first.status_code, first.json["milestoneReached"]) == (201, 50)
    assert first.json["contribution"]["note"] == "June"
    assert contribute(api, path, "-30.00").json["milestoneReached"] is None
    assert contribute(api, path, "30.00").json["milestoneReached"] is None
    assert contribute(api, path, "45.00").json["milestoneReached"] == 100
    problem(contribute(api, path, "-105.01"), 409, "insufficient_saved")
    problem(contribute(api, path, "0.00"), 422, "validation_failed")

    found = api("GET", path).json
    assert (found["saved"], found["milestone"], found["version"]) == (money("105.00"), 100, 1)
    steps = api("GET", f"{path}/milestones").json["items"]
    assert [step["percent"] for step in steps] == [25, 50, 75, 100]
    page = api("GET", f"{path}/contributions?limit=3").json
    assert [c["amount"]["amount"] for c in page["items"]] == ["45.00", "30.00", "-30.00"]
    rest = api("GET", f"{path}/contributions?limit=3&cursor={page['nextCursor']}").json
    assert [c["amount"]["amount"] for c in rest["items"]] == ["60.00"]


def test_a_contribution_is_taken_back_unless_it_is_needed(api: Api) -> None:
    path = f"/goals/{create(api).json['id']}"
    made = contribute(api, path, "60.00").json["contribution"]
    contribute(api, path, "-50.00")
    taken = f"{path}/contributions/{made['id']}"
    problem(api("DELETE", taken), 409, "insufficient_saved")
    contribute(api, path, "50.00")

    assert api("DELETE", taken).status_code == 204
    problem(api("DELETE", taken), 404, "not_found")
    assert api("GET", path).json["saved"] == money("0.00")


def test_a_repeated_contribution_counts_once(api: Api) -> None:
    path = f"/goals/{create(api).json['id']}"
    body = {"amount": money("10.00"), "date": "2026-06-01"}
    first = api("POST", f"{path}/contributions", body, key="contribution-1")
    again = api("POST", f"{path}/contributions", body, key="contribution-1")

    assert again.data == first.data
    assert api("GET", path).json["saved"] == money("10.00")
    missing = api("POST", f"{path}/contributions", body, key=None)
    problem(missing, 400, "idempotency_key_required")


def test_a_contribution_can_name_a_transaction_of_ones_own(
    api: Api, new_user: Callable[[], Api]
) -> None:
    path = f"/goals/{create(api).json['id']}"
    row = api.transaction(api.account(), "-10.00")
    other = new_user()
    foreign = other.transaction(other.account(), "-10.00")

    made = contribute(api, path, "10.00", transactionId=row["id"])
    assert made.json["contribution"]["transactionId"] == row["id"]
    problem(contribute(api, path, "10.00", transactionId=foreign["id"]), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"target": money("0.00")}, "validation_failed"),
        ({"target": money("-1.00")}, "validation_failed"),
        ({"targetDate": "2026-06-14"}, "validation_failed"),
        ({"monthlyContribution": money("1.00", "USD")}, "currency_mismatch"),
        ({"name": "4111 1111 1111 1111"}, "card_number_detected"),
        ({"saved": money("1.00")}, "validation_failed"),
    ],
)
def test_a_goal_without_sense_is_refused(api: Api, change: dict[str, Any], code: str) -> None:
    problem(create(api, **change), 422, code)
    assert api("GET", "/goals").json["items"] == []


def test_a_goal_on_an_account_of_another_is_refused(api: Api, new_user: Callable[[], Api]) -> None:
    foreign = new_user().account()["id"]
    problem(create(api, accountId=foreign), 404, "not_found")
    path = f"/goals/{create(api).json['id']}"

    problem(api("PATCH", path, {"accountId": foreign}, version=1), 404, "not_found")


def test_a_target_below_what_is_saved_and_another_currency_are_refused(api: Api) -> None:
    path = f"/goals/{create(api).json['id']}"
    contribute(api, path, "60.00")
    problem(api("PATCH", path, {"target": money("59.99")}, version=1), 422, "target_below_saved")
    problem(
        api("PATCH", path, {"target": money("99.00", "USD")}, version=1), 422, "currency_mismatch"
    )

    assert api("PATCH", path, {"target": money("60.00")}, version=1).json["milestone"] == 100


def test_there_is_room_for_so_many(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("budgetbuddy.domain.goals.MAX_GOALS", 2)
    first = create(api).json
    create(api)
    problem(create(api), 409, "limit_reached")
    api("DELETE", f"/goals/{first['id']}", version=1)
    assert create(api).status_code == 201

    problem(api("POST", f"/goals/{first['id']}/restore"), 409, "limit_reached")


def test_a_projection_is_served(api: Api) -> None:
    path = f"/goals/{create(api, targetDate='2026-12-31').json['id']}"
    unknown = api("GET", f"{path}/projection").json
    assert (unknown["status"], unknown["p50Date"]) == ("unknown", None)
    for month in range(1, 7):
        contribute(api, path, "10.00", date=f"2026-0{month}-01")

    found = api("GET", f"{path}/projection").json

    assert (found["p50Date"], found["p90Date"]) == ("2026-10-15", "2026-10-15")
    assert found["requiredMonthly"] == money("5.72")
    assert found["basis"] == {"contributions": 6, "usualMonthly": money("10.00")}
    problem(api("GET", f"/goals/{make_id(Kind.GOAL)}/projection"), 404, "not_found")
