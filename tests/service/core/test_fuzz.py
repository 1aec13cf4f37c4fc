"""Generated requests: no operation crashes, and every answer is one that the document promises."""

import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from budgetbuddy.api._spec import openapi_document
from budgetbuddy.domain.access import BUCKETS, Quota
from budgetbuddy.domain.services import Services

from ..conftest import Caller  # noqa: TID252 - fixtures' module

SEED = int(os.environ.get("FUZZ_SEED", "20261124"))
# For an operation and run; the tables are in process and slow down with every row.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))


def no_failure_of_ours(ctx: Any, response: Any, case: Any) -> bool | None:
    """A server error is a crash, but for the one that says that a provider is not set up."""
    if response.status_code == 503 and response.json()["code"] == "provider_not_configured":
        return None
    return bool(not_a_server_error(ctx, response, case))


CHECKS = [
    no_failure_of_ours,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def unlimited(wired: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits have tests of their own; here they would hide the routes."""

    def take(_: object, bucket: str, __: str) -> Quota:
        return Quota(bucket=BUCKETS[bucket], remaining=1, reset_seconds=1)

    monkeypatch.setattr(type(wired.limits), "take", take)


def _judging(judge: Callable[[Any], None]) -> Callable[..., None]:
    def judging(case: Any) -> None:
        judge(case)

    return judging


def can_be_wrong(operation: dict[str, Any]) -> bool:
    """Whether a request can break the document at all: any text is a path, and a missing one."""
    others = [p for p in operation.get("parameters", ()) if p["in"] != "path"]
    return bool(operation.get("requestBody") or operation["security"] or others)


def probe(app: Flask, skip: set[str], judge: Callable[[str, Any], None]) -> None:
    """Give valid and invalid generated requests of every operation to `judge`."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # our own document is valid
        name = operation.definition.raw["operationId"]
        if name in skip:
            continue
        judged = partial(judge, name)
        for mode in GenerationMode:
            if mode is GenerationMode.NEGATIVE and not can_be_wrong(operation.definition.raw):
                continue
            cases: Any = operation.as_strategy(generation_mode=mode)
            seed(SEED)(BOUNDED(given(case=cases)(_judging(judged))))()


@pytest.mark.usefixtures("unlimited")
def test_no_generated_request_gets_an_answer_that_is_not_promised(
    app: Flask, signed_in: Caller
) -> None:
    headers = {"Authorization": f"Bearer {signed_in.token}"}
    statuses: Counter[int] = Counter()

    def judge(_: str, case: Any) -> None:
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
        statuses[answer.status_code] += 1

    probe(app, {"logout", "revoke_other_sessions", "revoke_session"}, judge)

    assert {200, 201, 400, 404, 422} <= statuses.keys()


@pytest.mark.usefixtures("unlimited")
def test_without_a_token_every_generated_request_is_stopped(app: Flask) -> None:
    operations = [
        operation for path in openapi_document(app)["paths"].values() for operation in path.values()
    ]
    public = {o["operationId"] for o in operations if not o["security"]}
    stopped: dict[str, set[int]] = {}

    def judge(name: str, case: Any) -> None:
        stopped.setdefault(name, set()).add(case.call().status_code)

    probe(app, public, judge)

    assert len(stopped) == len(operations) - len(public)
    assert set[int]().union(*stopped.values()) <= {401, 414}
