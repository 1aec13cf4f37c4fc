"""Small programs and packs on the real engine, by `python -m localcloud.engine run`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.engine

PACK = """\
from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy

def judge(arguments, report):
    report("nothing here may be deployed")

policy = StackValidationPolicy(name="never", description="Never.", validate=judge)
PolicyPack("strict", enforcement_level=EnforcementLevel.MANDATORY, policies=[policy])
"""


class Project:
    """A Pulumi project with one stack in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "program"
        self.directory.mkdir()
        self.state = directory / "state"
        self.environment = os.environ | {"LOCALCLOUD_TEST": str(directory)}
        (self.directory / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")

    def write(self, program: str) -> None:
        (self.directory / "__main__.py").write_text(program)

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "localcloud.engine", "run", "--state"]
        return subprocess.run(
            [*command, str(self.state), "--", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("import pulumi\npulumi.export('answer', pulumi.Config().get('n'))\n")
    created = project.pulumi("stack", "init", "test")
    assert created.returncode == 0, created.stderr
    return project


def test_a_program_runs_with_its_configuration_and_leaves_no_process(
    project: Project, eventually: Callable[..., bool], marked: Callable[[], list[int]]
) -> None:
    up = project.pulumi("up", "--yes", "--skip-preview", "--config", "n=42")

    assert up.returncode == 0, up.stdout + up.stderr
    assert project.pulumi("stack", "output", "answer").stdout.strip() == "42"
    assert "warning" not in (up.stdout + up.stderr).lower()
    assert eventually(lambda: not marked())


def test_a_program_that_raises_fails_with_its_message(
    project: Project, eventually: Callable[..., bool], marked: Callable[[], list[int]]
) -> None:
    project.write("raise RuntimeError('the moon is in the wrong house')\n")

    preview = project.pulumi("preview")

    assert preview.returncode != 0
    assert "the moon is in the wrong house" in preview.stdout + preview.stderr
    assert eventually(lambda: not marked())


def test_a_policy_pack_judges_the_program_and_leaves_no_process(
    project: Project,
    tmp_path: Path,
    eventually: Callable[..., bool],
    marked: Callable[[], list[int]],
) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(PACK)

    preview = project.pulumi("preview", "--policy-pack", str(pack))

    assert preview.returncode != 0
    assert "nothing here may be deployed" in preview.stdout + preview.stderr
    assert eventually(lambda: not marked())
