"""A release as CodePipeline would run it, on build specifications of a few lines."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from localcloud.rehearsal.stages import Decision, Execution, Pipeline, resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUILDSPECS = {
    "test": ("", "true", ""),
    "build": ("IMAGE_DIGEST", "export IMAGE_DIGEST=d-$COMMIT", "image.json"),
    "preview": (
        "SUMMARY, STEPS_HASH, EVIDENCE_URL",
        "export SUMMARY='create 1' STEPS_HASH=h EVIDENCE_URL=u",
        "summary.txt",
    ),
    "deploy": ("PREVIOUS_DIGEST", "export PREVIOUS_DIGEST=before", "deploy.json"),
    "verify": ("RESULT", "export RESULT=healthy", ""),
}


def specification(exported: str, command: str, artifact: str) -> str:
    lines = ["version: 0.2", f"env: {{exported-variables: [{exported}]}}", "phases:", "  build:"]
    lines += [
        "    commands:",
        f"      - {json.dumps(command)}",
        f"      - echo $COMMIT > {artifact or 'left'}",
    ]
    if artifact:
        lines += ["artifacts:", f"  files: [{artifact}]"]
    return "\n".join(lines)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Execution]:
    """`run(build={...}, decision=…)` executes the pipeline with commands replaced by stage."""

    def execute(
        decision: Decision = Decision.APPROVED,
        *,
        source: bool = True,
        broken: str | None = None,
        **commands: str,
    ) -> Execution:
        specifications = tmp_path / "src" / "pipelines" / "buildspecs"
        if source:
            specifications.mkdir(parents=True)
            for name, (exported, command, artifact) in BUILDSPECS.items():
                text = specification(exported, commands.get(name, command), artifact)
                text = "version: 0.2\nphasen: {}" if name == broken else text
                (specifications / f"{name}.yml").write_text(text)
        return Pipeline(
            source=tmp_path / "src",
            work=tmp_path / "work",
            environment=dict(os.environ),
            seams={},
            variables={"STACK": "local"},
            prepare=lambda _: None,
            approve=lambda summary, url: decision if summary and url else Decision.REJECTED,
        ).execute("c0ffee", "2026-01-01T00:00:00Z")

    return execute


def names(execution: Execution) -> list[str]:
    return [stage.name for stage in execution.stages]


def test_stages_hand_on_variables_and_artifacts(run: Callable[..., Execution]) -> None:
    done = run(
        deploy='export PREVIOUS_DIGEST="$IMAGE_DIGEST $(cat $CODEBUILD_SRC_DIR_image/image.json)"'
    )

    assert done.stopped_at is None
    assert names(done) == ["Test", "Build", "Preview", "Approve", "Deploy", "Verify"]
    assert done.namespaces["Deploy"]["PREVIOUS_DIGEST"] == "d-c0ffee c0ffee"


@pytest.mark.parametrize(
    ("stage", "run_before"),
    [("test", 0), ("build", 1), ("preview", 2), ("deploy", 4), ("verify", 5)],
)
def test_after_a_stage_that_fails_no_other_runs(
    run: Callable[..., Execution], stage: str, run_before: int
) -> None:
    done = run(**{stage: "false"})

    assert done.stopped_at == stage.capitalize()
    assert len(done.stages) == run_before + 1
    assert done.stages[-1].why == "phase build failed"


@pytest.mark.parametrize("decision", [Decision.REJECTED, Decision.TIMED_OUT])
def test_without_an_approval_nothing_is_deployed(
    run: Callable[..., Execution], decision: Decision
) -> None:
    done = run(decision)

    assert (done.stopped_at, done.stages[-1].why) == ("Approve", decision.value)
    assert "Deploy" not in names(done)


def test_a_broken_specification_stops_its_stage(run: Callable[..., Execution]) -> None:
    done = run(broken="preview")

    assert done.stopped_at == "Preview"
    assert "CodeBuild knows no phasen" in done.stages[-1].why
    assert "Deploy" not in names(done)


def test_a_source_that_cannot_be_fetched_builds_nothing(run: Callable[..., Execution]) -> None:
    done = run(source=False)

    assert names(done) == ["Source"]
    assert done.stopped_at == "Source"


def test_a_variable_nobody_exported_is_an_error() -> None:
    assert resolve("a #{Build.X} c", {"Build": {"X": "b"}}) == "a b c"
    with pytest.raises(KeyError):
        resolve("#{Build.Y}", {"Build": {"X": "b"}})
