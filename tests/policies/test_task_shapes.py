"""Tasks and clusters in the shapes that programs write them."""

from typing import Any

import pytest

from guardrails.verdicts import Verdict

EXEC = {
    "kmsKeyId": "alias/exec",
    "logging": "OVERRIDE",
    "logConfiguration": {"s3BucketName": "sessions", "s3BucketEncryptionEnabled": True},
}


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"networkMode": "awsvpc"}, Verdict.PASS),
        ({"networkMode": "awsvpc", "pidMode": "task"}, Verdict.PASS),
        ({"networkMode": "awsvpc", "pidMode": "host"}, Verdict.FAIL),
        ({"networkMode": "awsvpc", "ipcMode": "host"}, Verdict.FAIL),
        ({"networkMode": "bridge"}, Verdict.FAIL),
        ({}, Verdict.FAIL),
    ],
    ids=["own", "own processes", "host processes", "host memory", "bridge", "default"],
)
def test_a_task_shares_no_namespace(harness: Any, props: dict[str, Any], expected: Verdict) -> None:
    task = harness.Declared("aws:ecs/taskDefinition:TaskDefinition", "t", props)

    assert harness.verdict("ECS-04", task) == {expected}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Verdict.PASS),
        ({"kmsKeyId": None}, Verdict.FAIL),
        ({"logging": "DEFAULT"}, Verdict.FAIL),
        ({"logConfiguration": {}}, Verdict.FAIL),
        ({"logConfiguration": {"s3BucketName": "sessions"}}, Verdict.FAIL),
        ({"logConfiguration": {"cloudWatchLogGroupName": "sessions"}}, Verdict.FAIL),
    ],
    ids=["bucket", "no key", "default", "nowhere", "plain bucket", "plain group"],
)
def test_sessions_are_logged_and_encrypted(
    harness: Any, change: dict[str, Any], expected: Verdict
) -> None:
    props = {
        "settings": [{"name": "containerInsights", "value": "enhanced"}],
        "configuration": {"executeCommandConfiguration": EXEC | change},
    }

    assert harness.verdict("ECS-01", harness.Declared("aws:ecs/cluster:Cluster", "c", props)) == {
        expected
    }


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"launchType": "FARGATE"}, Verdict.PASS),
        ({"platformVersion": "1.4.0"}, Verdict.PASS),
        ({"platformVersion": "1.3.0"}, Verdict.FAIL),
        (
            {
                "capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT"}],
                "platformVersion": "1.3.0",
            },
            Verdict.FAIL,
        ),
        ({"launchType": "EC2", "platformVersion": "1.3.0"}, Verdict.NOT_APPLICABLE),
        ({"capacityProviderStrategies": [{"capacityProvider": "own"}]}, Verdict.NOT_APPLICABLE),
    ],
    ids=["latest", "pinned", "old", "old on spot", "hosts", "own provider"],
)
def test_the_platform_is_asked_of_fargate_only(
    harness: Any, props: dict[str, Any], expected: Verdict
) -> None:
    assert harness.verdict("ECS-03", harness.Declared("aws:ecs/service:Service", "s", props)) == {
        expected
    }
