"""Which image a rollback goes to."""

from typing import Any

import pytest

from delivery.ops.rollback import NoTargetError, find_target, refuse_infrastructure
from delivery.ops.steps import Plan, Step

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def update(digest: str | None, result: str = "succeeded", kind: str = "update") -> dict[str, Any]:
    config = {"budgetbuddy:release": {"value": f"{digest[7:14]}"}} if digest else {}
    if digest:
        config["budgetbuddy:imageDigest"] = {"value": digest}
    return {"kind": kind, "result": result, "config": config}


def test_the_release_before_is_the_target() -> None:
    assert find_target([update(B), update(A)], B) == (A, "a" * 7)


def test_a_failed_update_is_no_release() -> None:
    history = [update(C, "failed"), update(B), update(A)]

    assert find_target(history, C)[0] == B


def test_the_same_image_deployed_twice_is_passed_over() -> None:
    assert find_target([update(B), update(B), update(A)], B)[0] == A


def test_a_target_lies_behind_failed_updates_and_previews() -> None:
    history = [
        update(C, "in-progress"),
        update(B, "failed"),
        update(B, kind="preview"),
        update(A, kind="refresh"),
        update(None),
        update(A),
    ]

    assert find_target(history, C)[0] == A


def test_the_first_deployment_ever_has_nothing_to_go_back_to() -> None:
    for history in ([], [update(A)], [update(None), update(A, "failed")]):
        with pytest.raises(NoTargetError, match="nothing to go back to"):
            find_target(history, A)


def test_a_named_target_must_have_been_released() -> None:
    history = [update(C), update(B), update(A)]

    assert find_target(history, C, A)[0] == A
    with pytest.raises(NoTargetError, match="never released"):
        find_target(history, C, "sha256:" + "d" * 64)
    with pytest.raises(NoTargetError, match="no image digest"):
        find_target(history, C, "latest")


def test_a_named_target_whose_update_failed_was_never_released() -> None:
    with pytest.raises(NoTargetError, match="never released"):
        find_target([update(B), update(A, "failed")], B, A)


def test_a_rollback_changes_the_release_only() -> None:
    def step(kind: str, name: str) -> Step:
        return Step("update", kind, f"urn:pulumi:s::p::{kind}::{name}")

    release = [
        step("aws:ecs/service:Service", "api"),
        step("aws:ecs/taskDefinition:TaskDefinition", "api"),
        step("aws:ssm/parameter:Parameter", "release"),
    ]
    table = step("aws:dynamodb/table:Table", "ledger")

    assert refuse_infrastructure(Plan(steps=tuple(release))) == []
    assert refuse_infrastructure(Plan(steps=(*release, table))) == ["update Table ledger"]
