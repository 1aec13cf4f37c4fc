"""What an engineer runs before a deployment ends clean, with the service in it, and says why."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from guardrails import waivers
from guardrails.registry import registry

ROOT = Path(__file__).parents[2]
SETTLED = {"PASS", "NOT_APPLICABLE", "WAIVED"}


@pytest.mark.engine
@pytest.mark.parametrize("name", ["staging", "production"])
def test_every_verdict_on_a_preview_is_settled_or_explained(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "localcloud", "preview", name, "--project", "platform"]
    done = subprocess.run(
        command,
        env=os.environ | {"LOCALCLOUD_STATE": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    bundle = json.loads((tmp_path / "evidence" / name / "evidence.json").read_text())
    verdicts: list[dict[str, Any]] = bundle["verdicts"]
    open_ones = [each for each in verdicts if each["verdict"] not in SETTLED]
    expected = waivers.load(waivers.default_path(), registry()).expected_unknown

    assert {each["control"] for each in verdicts} == set(registry())
    assert any("aws:ecs/service:Service" in each["urn"] for each in verdicts)
    assert {each["verdict"] for each in open_ones} <= {"UNKNOWN"}
    assert {each["control"] for each in open_ones} == {each.control for each in expected}
