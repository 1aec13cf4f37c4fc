"""What is planned without an engine is what the engine plans."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# Names with a random part; what the engine adds or hashes by itself.
BY_ENGINE = {
    "pulumi:providers:aws": {"version", "__internal"},
    "aws:ec2/securityGroup:SecurityGroup": {"name"},
    "aws:lambda/function:Function": {"code"},
}
PLAN = """
import json, sys
sys.path.insert(0, "tests/support")
from in_process import plan_in_process
plan = plan_in_process("production", json.load(sys.stdin))
print(json.dumps([plan.states, plan.outputs]))
"""


def inputs(kind: str, found: Any) -> dict[str, Any]:
    return {key: each for key, each in found.items() if key not in BY_ENGINE.get(kind, ())}


def without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_marks(each) for key, each in value.items() if key != "__defaults"}
    return [without_marks(each) for each in value] if isinstance(value, list) else value


@pytest.mark.engine
def test_a_plan_without_an_engine_is_the_engines(
    production: Any, edited: Callable[..., dict[str, str]]
) -> None:
    config = edited("production", {"imageDigest": "sha256:" + "a" * 64, "release": "0123abc"})
    done = subprocess.run(
        [sys.executable, "-c", PLAN],
        input=json.dumps(config),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    states, outputs = json.loads(done.stdout)
    mine = {each["urn"]: inputs(each["type"], each["inputs"]) for each in states}
    root = next(urn for urn in mine if "::pulumi:pulumi:Stack::" in urn)
    del mine[root]

    assert without_marks(mine) == {
        each.urn: inputs(each.type, each.inputs) for each in production.resources
    }
    assert outputs.keys() == production.outputs.keys()
