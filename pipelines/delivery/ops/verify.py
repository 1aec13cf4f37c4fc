"""Whether a release is healthy: observations in, verdicts out. Nothing here asks the network.

A check that could not be made counts as a failure, never as a success.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from xml.etree.ElementTree import (  # nosec B405 - it writes, and parses nothing
    Element,
    SubElement,
    tostring,
)

READY_IN_A_ROW = 3
STILL_MINUTES = 30
PROBLEM_TYPE = "application/problem+json"
PRODUCTION = "production"


class Outcome(IntEnum):
    """The exit codes: what could not be found out is not healthy either."""

    HEALTHY = 0
    UNHEALTHY = 1
    UNDETERMINED = 2


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check with what it found, in words a person acts on."""

    name: str
    outcome: Outcome
    found: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer; header names in lower case, `body` parsed where it is a JSON object."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What should run."""

    digest: str
    release: str
    environment: str
    minimum_tasks: int


def _check(name: str, problems: Sequence[str], good: str) -> Check:
    outcome = Outcome.UNHEALTHY if problems else Outcome.HEALTHY
    return Check(name=name, outcome=outcome, found="; ".join(problems) or good)


def undetermined(name: str, why: str) -> Check:
    """A check that could not be made."""
    return Check(name=name, outcome=Outcome.UNDETERMINED, found=why)


def not_applicable(name: str, why: str) -> Check:
    """A check that has no object here; counted as healthy, and said."""
    return Check(name=name, outcome=Outcome.HEALTHY, found=f"not applicable: {why}")


def overall(checks: Iterable[Check]) -> Outcome:
    """Unhealthy before undetermined before healthy; no check at all is undetermined."""
    outcomes = {check.outcome for check in checks}
    if Outcome.UNHEALTHY in outcomes:
        return Outcome.UNHEALTHY
    if Outcome.UNDETERMINED in outcomes or not outcomes:
        return Outcome.UNDETERMINED
    return Outcome.HEALTHY


def check_deployment(status: str, running: int, desired: int, expected: Expected) -> Check:
    """The newest service deployment ended well and every wanted task runs."""
    problems = []
    if status != "SUCCESSFUL":
        problems.append(f"the newest deployment is {status}")
    if running != desired:
        problems.append(f"{running} of {desired} tasks run")
    if desired < expected.minimum_tasks:
        problems.append(f"{desired} tasks are wanted, at least {expected.minimum_tasks} should be")
    return _check("deployment", problems, f"{running} of {desired} tasks run")


def is_deployment_over(status: str) -> bool:
    """Whether waiting longer cannot change the outcome."""
    return status not in {"PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}


def check_digest(digests: Iterable[str], expected: Expected) -> Check:
    """Every running task runs the image that was approved."""
    running = sorted(set(digests))
    if not running:
        return undetermined("digest", "no running task tells its image")
    foreign = [each for each in running if each != expected.digest]
    problems = [f"{each} runs" for each in foreign]
    return _check("digest", problems, expected.digest)


def check_readiness(answers: Sequence[Answer], expected: Expected) -> Check:
    """The public address answered well as often in a row as it must, with this release."""
    last = answers[-READY_IN_A_ROW:]
    problems = [f"status {each.status}" for each in last if each.status != 200]  # noqa: PLR2004 - HTTP
    releases = {str(each.body.get("release", "none")) for each in last if each.status == 200}  # noqa: PLR2004 - HTTP
    problems += [f"release {each} answers" for each in sorted(releases - {expected.release})]
    if len(last) < READY_IN_A_ROW:
        problems.append(f"{len(last)} answers of {READY_IN_A_ROW}")
    return _check("edge", problems, f"ready, release {expected.release}")


def check_redirect(answer: Answer, host: str) -> Check:
    """Plain HTTP leads to HTTPS on the same host."""
    location = answer.headers.get("location", "nowhere")
    is_right = answer.status == 301 and location.startswith(f"https://{host}")  # noqa: PLR2004 - HTTP
    problems = [] if is_right else [f"status {answer.status}, to {location}"]
    return _check("redirect", problems, location)


def check_contract(answers: Mapping[str, Answer], expected: Expected) -> Check:
    """Unknown paths, wrong credentials and missing tokens are refused as documented.

    `answers` holds `unknown`, `bad login`, `no token` and `swagger`.
    """
    wanted = {"unknown": 404, "bad login": 401, "no token": 401}
    if expected.environment == PRODUCTION:
        wanted["swagger"] = 404
    problems = [
        f"{name}: status {answers[name].status} instead of {status}"
        for name, status in wanted.items()
        if answers[name].status != status
    ]
    kind = answers["unknown"].headers.get("content-type", "nothing").partition(";")[0]
    if kind != PROBLEM_TYPE:
        problems.append(f"unknown: {kind} instead of {PROBLEM_TYPE}")
    return _check("contract", problems, "refused as documented")


@dataclass(frozen=True, kw_only=True)
class AlarmState:
    """One alarm: its state and for how many minutes it has been in it."""

    name: str
    state: str
    minutes: float


def check_alarms(alarms: Iterable[AlarmState], wanted: Iterable[str]) -> Check:
    """No deployment alarm fires, none is blind, and all of them exist."""
    known = {each.name: each for each in alarms}
    missing = sorted(set(wanted) - set(known))
    firing = [each.name for each in known.values() if each.state == "ALARM"]
    blind = [
        each.name
        for each in known.values()
        if each.state == "INSUFFICIENT_DATA" and each.minutes > STILL_MINUTES
    ]
    problems = [
        *(f"{name} does not exist" for name in missing),
        *(f"{name} fires" for name in sorted(firing)),
        *(f"{name} sees no data" for name in sorted(blind)),
    ]
    return _check("alarms", problems, f"{len(known)} quiet")


def check_subscriptions(arns: Mapping[str, Sequence[str]]) -> Check:
    """Every topic reaches somebody: an unconfirmed address is told nothing.

    `arns` are the subscriptions of each topic, as SNS lists them.
    """
    problems = [f"{topic} has no subscription" for topic, found in arns.items() if not found]
    problems += [
        f"{topic} waits for a confirmation"
        for topic, found in arns.items()
        if any(arn in {"PendingConfirmation", "Deleted"} for arn in found)
    ]
    return _check("subscriptions", problems, f"{len(arns)} topics are heard")


def junit(checks: Sequence[Check], seconds: float) -> str:
    """The checks as a JUnit report, which CodeBuild shows and keeps."""
    bad = [check for check in checks if check.outcome is not Outcome.HEALTHY]
    suite = Element(
        "testsuite",
        name="verify",
        tests=str(len(checks)),
        failures=str(len(bad)),
        time=f"{seconds:.1f}",
    )
    for check in checks:
        case = SubElement(suite, "testcase", classname="verify", name=check.name)
        if check in bad:
            SubElement(case, "failure", message=check.outcome.name.lower()).text = check.found
    return tostring(suite, encoding="unicode")
