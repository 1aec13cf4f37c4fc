"""Health is shown, never assumed."""

from typing import Any

import pytest

from delivery.ops.verify import (
    AlarmState,
    Answer,
    Check,
    Expected,
    Outcome,
    check_alarms,
    check_contract,
    check_deployment,
    check_digest,
    check_readiness,
    check_redirect,
    check_subscriptions,
    is_deployment_over,
    overall,
    undetermined,
)

EXPECTED = Expected(
    digest="sha256:" + "a" * 64, release="abc1234", environment="production", minimum_tasks=2
)


def answer(status: int, body: dict[str, Any] | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, body=body or {})


READY = answer(200, {"release": "abc1234"})


@pytest.mark.parametrize(
    ("status", "running", "desired", "expected"),
    [
        ("SUCCESSFUL", 2, 2, Outcome.HEALTHY),
        ("SUCCESSFUL", 1, 2, Outcome.UNHEALTHY),
        ("SUCCESSFUL", 1, 1, Outcome.UNHEALTHY),
        ("ROLLBACK_SUCCESSFUL", 2, 2, Outcome.UNHEALTHY),
        ("STOPPED", 2, 2, Outcome.UNHEALTHY),
        ("IN_PROGRESS", 2, 2, Outcome.UNHEALTHY),  # waited for as long as allowed
        ("SUCCESSFUL", 0, 0, Outcome.UNHEALTHY),
    ],
)
def test_a_deployment_is_healthy_when_it_ended_well_and_all_tasks_run(
    status: str, running: int, desired: int, expected: Outcome
) -> None:
    assert check_deployment(status, running, desired, EXPECTED).outcome is expected


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ("PENDING", False),
        ("IN_PROGRESS", False),
        ("ROLLBACK_REQUESTED", False),
        ("ROLLBACK_IN_PROGRESS", False),
        ("SUCCESSFUL", True),
        ("ROLLBACK_SUCCESSFUL", True),
        ("ROLLBACK_FAILED", True),
        ("STOPPED", True),
    ],
)
def test_waiting_ends_with_the_deployment(status: str, *, over: bool) -> None:
    assert is_deployment_over(status) is over


def test_every_task_runs_the_image_that_was_approved() -> None:
    other = "sha256:" + "b" * 64

    assert check_digest([EXPECTED.digest] * 3, EXPECTED).outcome is Outcome.HEALTHY
    assert check_digest([EXPECTED.digest, other], EXPECTED).outcome is Outcome.UNHEALTHY
    assert check_digest([], EXPECTED).outcome is Outcome.UNDETERMINED


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([READY] * 3, Outcome.HEALTHY),
        ([answer(503), *[READY] * 3], Outcome.HEALTHY),
        ([READY] * 2, Outcome.UNHEALTHY),
        ([], Outcome.UNHEALTHY),
        ([*[READY] * 3, answer(503)], Outcome.UNHEALTHY),
        ([READY, READY, answer(200, {"release": "0ld"})], Outcome.UNHEALTHY),
        ([READY, READY, answer(200)], Outcome.UNHEALTHY),
        ([READY, READY, answer(301)], Outcome.UNHEALTHY),
    ],
    ids=["three", "after a failure", "two", "none", "then down", "old release", "no release",
         "redirect"],
)  # fmt: skip
def test_the_address_answers_three_times_in_a_row_with_this_release(
    answers: list[Answer], expected: Outcome
) -> None:
    assert check_readiness(answers, EXPECTED).outcome is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(301, location="https://api.example.com/"), Outcome.HEALTHY),
        (answer(302, location="https://api.example.com/"), Outcome.UNHEALTHY),
        (answer(301, location="https://evil.example.com/"), Outcome.UNHEALTHY),
        (answer(301), Outcome.UNHEALTHY),
        (answer(200), Outcome.UNHEALTHY),
    ],
)
def test_plain_http_leads_to_https_on_the_same_host(given: Answer, expected: Outcome) -> None:
    assert check_redirect(given, "api.example.com").outcome is expected


def documented(**changes: Answer) -> dict[str, Answer]:
    good = {
        "unknown": answer(404, content_type="application/problem+json; charset=utf-8"),
        "bad login": answer(401),
        "no token": answer(401),
        "swagger": answer(404),
    }
    return {**good, **{name.replace("_", " "): value for name, value in changes.items()}}


def test_what_is_refused_is_refused_as_documented() -> None:
    assert check_contract(documented(), EXPECTED).outcome is Outcome.HEALTHY
    for wrong in (
        documented(unknown=answer(404, content_type="text/html")),
        documented(unknown=answer(200, content_type="application/problem+json")),
        documented(bad_login=answer(500)),
        documented(no_token=answer(200)),
        documented(swagger=answer(200)),
    ):
        assert check_contract(wrong, EXPECTED).outcome is Outcome.UNHEALTHY


def test_the_documentation_page_is_open_outside_production() -> None:
    staging = Expected(digest="d", release="r", environment="staging", minimum_tasks=1)

    assert check_contract(documented(swagger=answer(200)), staging).outcome is Outcome.HEALTHY


def alarm(state: str, minutes: float = 60) -> AlarmState:
    return AlarmState(name="a", state=state, minutes=minutes)


@pytest.mark.parametrize(
    ("alarms", "expected"),
    [
        ([alarm("OK")], Outcome.HEALTHY),
        ([alarm("ALARM", 0)], Outcome.UNHEALTHY),
        ([alarm("INSUFFICIENT_DATA", 31)], Outcome.UNHEALTHY),
        ([alarm("INSUFFICIENT_DATA", 5)], Outcome.HEALTHY),
        ([], Outcome.UNHEALTHY),
    ],
    ids=["quiet", "fires", "blind", "new", "missing"],
)
def test_alarms_are_there_quiet_and_not_blind(alarms: list[AlarmState], expected: Outcome) -> None:
    assert check_alarms(alarms, ["a"]).outcome is expected


@pytest.mark.parametrize(
    ("arns", "expected"),
    [
        (["arn:aws:sns:us-east-1:1:t:1"], Outcome.HEALTHY),
        (["PendingConfirmation"], Outcome.UNHEALTHY),
        ([], Outcome.UNHEALTHY),
    ],
)
def test_every_topic_is_heard_by_somebody(arns: list[str], expected: Outcome) -> None:
    assert check_subscriptions({"critical": arns}).outcome is expected


def test_the_worst_check_decides_and_no_check_is_no_health() -> None:
    good = Check(name="g", outcome=Outcome.HEALTHY, found="")
    bad = Check(name="b", outcome=Outcome.UNHEALTHY, found="")
    unclear = undetermined("u", "timeout")

    assert overall([good, good]) == 0
    assert overall([good, unclear]) == 2
    assert overall([good, unclear, bad]) == 1
    assert overall([]) == 2
