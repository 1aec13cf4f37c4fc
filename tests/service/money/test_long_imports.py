"""Statements too long for a request: kept, booked by the worker, and never twice."""

from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy.domain import import_jobs
from budgetbuddy.domain.messages import Message
from budgetbuddy.domain.services import Services
from budgetbuddy.problems import UpstreamUnavailable

from .conftest import Api

HEAD = "date,description,amount\n"
ROWS = 90  # three transactions


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement is a long one."""
    monkeypatch.setattr("budgetbuddy.api.imports.AT_ONCE", 1)


def statement(rows: int = ROWS) -> str:
    return HEAD + "".join(f"2026-05-{n % 28 + 1:02d},Row {n},-1.00\n" for n in range(rows))


class Held:
    """A queue whose messages wait until the test lets them go."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_down = False

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        del delay_seconds
        if self.is_down:
            raise UpstreamUnavailable
        self.messages.append(message)


@pytest.fixture
def held(wired: Services) -> Held:
    queue = Held()
    object.__setattr__(wired.import_jobs, "queue", queue)
    return queue


def job_of(api: Api, answer: Any) -> dict[str, Any]:
    job = api("GET", f"/jobs/{answer.json['id']}").json
    assert isinstance(job, dict)
    return job


def balance(api: Api, account: dict[str, Any]) -> str:
    shown: Any = api("GET", f"/accounts/{account['id']}").json
    return str(shown["balance"]["amount"])


def test_it_is_answered_at_once_and_booked_by_the_worker(
    api: Api, wired: Services, held: Held
) -> None:
    account = api.account()
    answer = api.upload(statement() + "2026-05-32,x,1.00\n", account, partial=True)
    assert answer.status_code == 202
    assert (answer.json["status"], answer.json["progress"]) == (
        "queued",
        {"done": 0, "total": ROWS + 1},
    )
    assert balance(api, account) == "0.00"
    wired.handlers[held.messages[0].kind](held.messages[0])

    job = job_of(api, answer)
    assert (job["status"], job["progress"]["done"]) == ("succeeded", ROWS + 1)
    report: Any = api("GET", f"/imports/{job['result']['importId']}").json
    assert report["counts"] == {"rows": ROWS + 1, "created": ROWS, "duplicates": 0, "errors": 1}
    assert [(e["line"], e["code"]) for e in report["errors"]] == [(ROWS + 2, "invalid_date")]
    assert balance(api, account) == "-90.00"
    again = api.upload(statement(), account)
    wired.handlers[held.messages[1].kind](held.messages[1])
    assert job_of(api, again)["result"]["duplicates"] == ROWS
    assert balance(api, account) == "-90.00"


class Killed(BaseException):
    """The process is gone."""


def test_a_worker_that_dies_in_the_middle_books_no_row_twice(
    api: Api, wired: Services, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = api.account()
    answer = api.upload(statement(), account)
    (message,) = held.messages
    commands: Any = wired.imports._commands  # type: ignore[attr-defined]  # noqa: SLF001 - dies in there
    commit, left = type(commands).commit, [2]

    def dying(self: Any, writes: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        commit(self, writes)

    with monkeypatch.context() as death:
        death.setattr(type(commands), "commit", dying)
        with pytest.raises(Killed):
            wired.handlers[message.kind](message)
    job = job_of(api, answer)
    assert job["status"] == "running"
    assert 0 < job["progress"]["done"] < ROWS
    wired.handlers[message.kind](message)
    wired.handlers[message.kind](message)

    job = job_of(api, answer)
    assert (job["status"], job["result"]["created"], job["result"]["duplicates"]) == (
        "succeeded",
        ROWS,
        0,
    )
    assert balance(api, account) == "-90.00"


def test_a_repeat_of_the_request_is_the_same_job(api: Api, held: Held) -> None:
    account = api.account()
    first = api.upload(statement(), account, key="import-once")
    second = api.upload(statement(), account, key="import-once")

    assert second.json == first.json
    assert len(held.messages) == 1


def test_a_job_that_nobody_can_be_asked_to_do_says_so(api: Api, held: Held) -> None:
    account = api.account()
    held.is_down = True
    job = job_of(api, api.upload(statement(), account))

    assert (job["status"], job["problem"]["code"]) == ("failed", "upstream_unavailable")


def test_an_account_that_was_closed_meanwhile_fails_the_job_and_books_nothing(
    api: Api, wired: Services, held: Held
) -> None:
    account = api.account()
    answer = api.upload(statement(), account)
    closed = api("POST", f"/accounts/{account['id']}/close", version=account["version"])
    assert closed.status_code == 200, closed.text
    wired.handlers[held.messages[0].kind](held.messages[0])

    job = job_of(api, answer)
    assert (job["status"], job["problem"]["code"]) == ("failed", "account_closed")
    assert balance(api, account) == "0.00"


def test_rows_that_waited_for_more_than_a_day_are_gone(
    api: Api, wired: Services, held: Held, clock: Any
) -> None:
    answer = api.upload(statement(), api.account())
    clock.advance(hours=25)
    wired.handlers[held.messages[0].kind](held.messages[0])
    user = held.messages[0].data["user"]
    job = wired.jobs.get(wired.notices.outbox.find(user), answer.json["id"])  # type: ignore[arg-type]

    assert (job.status, job.problem["code"] if job.problem else "") == ("failed", "import_expired")


def test_what_waits_is_sealed_and_goes_when_it_is_booked(
    api: Api, wired: Services, held: Held, stored: Callable[[], str]
) -> None:
    api.upload(statement(), api.account())
    assert "IF#imp_" in stored()
    assert "Row 17" not in stored()
    wired.handlers[held.messages[0].kind](held.messages[0])

    assert "IF#imp_" not in stored()
    assert import_jobs.AT_ONCE == 400
