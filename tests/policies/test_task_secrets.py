"""Secrets an execution role reads, compared one by one with those its task names."""

import json
from typing import Any

import pytest

from guardrails.verdicts import Verdict

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:"


def declared(harness: Any, allowed: list[str], named: list[str], *linked: Any) -> list[Any]:
    """A role that may read `allowed`, and a task that names `named` or depends on `linked`."""
    role = harness.Declared("aws:iam/role:Role", "execution", {})
    statement = {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": [f"{ARN}{name}" for name in allowed],
    }
    policy = harness.Declared(
        "aws:iam/rolePolicy:RolePolicy",
        "read",
        {"policy": json.dumps({"Statement": statement})},
        {"role": [role.urn]},
    )
    container = {
        "name": "api",
        "secrets": [{"name": "X", "valueFrom": f"{ARN}{name}"} for name in named],
    }
    task = harness.Declared(
        "aws:ecs/taskDefinition:TaskDefinition",
        "api",
        {"containerDefinitions": harness.UNKNOWN if linked else json.dumps([container])},
        {
            "executionRoleArn": [role.urn],
            "containerDefinitions": [secret.urn for secret in linked],
        },
    )
    return [role, policy, *linked, task]


@pytest.mark.parametrize(
    ("allowed", "named", "expected"),
    [
        (["db-AbCdEf"], ["db-AbCdEf"], Verdict.PASS),
        (["db-??????"], ["db-AbCdEf:password::"], Verdict.PASS),
        (["db-??????"], ["db"], Verdict.PASS),
        (["db-AbCdEf"], ["db-AbCdEf", "api-AbCdEf"], Verdict.PASS),
        (["api-??????"], ["db-AbCdEf"], Verdict.FAIL),
        (["db-??????", "api-??????"], ["db-AbCdEf"], Verdict.FAIL),
        (["db-??????", "api-??????"], ["db-AbCdEf", "other-AbCdEf"], Verdict.FAIL),
        (["db-*"], ["db-AbCdEf"], Verdict.FAIL),
        (["*"], [], Verdict.FAIL),
        ([], ["db-AbCdEf"], Verdict.PASS),
    ],
    ids=["same", "pattern and key", "partial", "fewer", "another", "one more", "as many, another",
         "prefix", "all", "none"],
)  # fmt: skip
def test_secrets_are_compared_by_name(
    harness: Any, allowed: list[str], named: list[str], expected: Verdict
) -> None:
    assert harness.verdict("ECS-10", *declared(harness, allowed, named)) == {expected}


def test_secrets_without_an_arn_yet_are_compared_by_their_names(harness: Any) -> None:
    secret = harness.Declared("aws:secretsmanager/secret:Secret", "s", {"name": "db"})

    right = declared(harness, ["db-??????"], [], secret)
    wrong = declared(harness, ["api-??????"], [], secret)

    assert harness.verdict("ECS-10", *right) == {Verdict.PASS}
    assert harness.verdict("ECS-10", *wrong) == {Verdict.FAIL}


def test_a_secret_that_has_no_name_yet_leaves_the_question_open(harness: Any) -> None:
    secret = harness.Declared("aws:secretsmanager/secret:Secret", "s", {})

    found = harness.verdict("ECS-10", *declared(harness, ["db-??????"], [], secret))

    assert found == {Verdict.UNKNOWN}
