"""The pipeline's stages, run one after another as CodePipeline would hand things on."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from delivery.stages import AFTER_APPROVAL, BEFORE_APPROVAL, SOURCE, BuildStage
from localcloud.paths import CHECKOUT
from localcloud.rehearsal.buildspec import Build, Runner, SpecificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

REFERENCE = re.compile(r"#\{(\w+)\.(\w+)\}")
PROGRAMS = ("platform", "pipelines", "policies", "service", "local")


class Decision(StrEnum):
    """How an approval ended."""

    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage that has ended. `why` is empty when it went well."""

    name: str
    seconds: float
    why: str = ""
    build: Build | None = None


@dataclass(kw_only=True)
class Execution:
    """One execution of the pipeline; `namespaces` are what stages exported."""

    commit: str
    stages: list[Stage] = field(default_factory=list)
    namespaces: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def stopped_at(self) -> str | None:
        """The stage that ended it, or None when it came to its end."""
        return next((each.name for each in self.stages if each.why), None)

    def stage(self, name: str) -> Stage:
        """A stage that was run."""
        return next(each for each in self.stages if each.name == name)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """`source` is the commit's checkout, `work` where checkouts and artifacts lie.

    `variables` are given to every build, `prepare` gets each fresh checkout before its build.
    """

    source: Path
    work: Path
    environment: Mapping[str, str]
    seams: Mapping[str, str]
    variables: Mapping[str, str]
    prepare: Callable[[Path], object]
    approve: Callable[[str, str], Decision]
    tell: Callable[[Stage], object] = lambda _: None
    listen: Callable[[str], object] | None = None

    def execute(self, commit: str, committed_at: str, image: str = "none") -> Execution:
        """Run the stages until one fails; what comes after it is not run."""
        run = Execution(commit=commit)
        run.namespaces["Source"] = {"CommitId": commit, "AuthorDate": committed_at}
        run.namespaces["variables"] = {"IMAGE_DIGEST": image}
        if not self.source.is_dir():
            self._end(run, "Source", time.monotonic(), "the source cannot be fetched")
        for stage in BEFORE_APPROVAL:
            self._build(run, stage)
        self._ask(run)
        for stage in AFTER_APPROVAL:
            self._build(run, stage)
        return run

    def _build(self, run: Execution, stage: BuildStage) -> None:
        if run.stopped_at:
            return
        started = time.monotonic()
        checkout = self._checkout(stage, run.commit)
        runner = Runner(
            checkout=checkout,
            environment={**self.environment, "PYTHONPATH": _import_path(checkout)},
            seams=self.seams,
            listen=self.listen,
        )
        given = {name: resolve(value, run.namespaces) for name, value in stage.variables}
        inputs = {
            f"CODEBUILD_SRC_DIR_{each}": str(self._artifact(run, each)) for each in stage.inputs
        }
        specification = checkout / "pipelines" / "buildspecs" / f"{stage.project}.yml"
        try:
            build = runner.run(specification, {**self.variables, **given, **inputs})
        except SpecificationError as error:
            self._end(run, stage.name, started, str(error))
            return
        run.namespaces[stage.name] = build.exported
        if stage.output and not build.failed:
            _hand_on(build, self._artifact(run, stage.output))
        why = f"phase {build.failed} failed" if build.failed else ""
        self._end(run, stage.name, started, why, build)

    def _ask(self, run: Execution) -> None:
        if run.stopped_at:
            return
        started = time.monotonic()
        shown = run.namespaces["Preview"]
        decision = self.approve(shown["SUMMARY"], shown["EVIDENCE_URL"])
        why = "" if decision is Decision.APPROVED else decision.value
        self._end(run, "Approve", started, why)

    def _end(
        self, run: Execution, name: str, started: float, why: str, build: Build | None = None
    ) -> None:
        seconds = round(time.monotonic() - started, 1)
        run.stages.append(Stage(name=name, seconds=seconds, why=why, build=build))
        self.tell(run.stages[-1])

    def _checkout(self, stage: BuildStage, commit: str) -> Path:
        """The source as the pipeline hands it on: tracked files, no history, nothing built."""
        target = self.work / commit[:12] / f"{stage.name.lower()}-src"
        shutil.copytree(self.source, target)
        self.prepare(target)
        return target

    def _artifact(self, run: Execution, name: str) -> Path:
        return self.source if name == SOURCE else self.work / run.commit[:12] / name


def resolve(text: str, namespaces: Mapping[str, Mapping[str, str]]) -> str:
    """`#{Build.IMAGE_DIGEST}` becomes what stage Build exported under that name."""
    return REFERENCE.sub(lambda found: namespaces[found[1]][found[2]], text)


def checkout_head(target: Path) -> None:
    """The tracked files of the last commit, without history; of a source archive, every file."""
    target.mkdir(parents=True)
    if not (CHECKOUT / ".git").exists():
        ignore = shutil.ignore_patterns("build", ".venv*", "__pycache__", "*_cache")
        shutil.copytree(CHECKOUT, target, dirs_exist_ok=True, ignore=ignore)
        return
    archive = subprocess.run(
        ["git", "archive", "HEAD"],  # noqa: S607 - whichever git the developer uses
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    subprocess.run(
        ["tar", "-x"],  # noqa: S607 - the system's
        cwd=target,
        check=True,
        input=archive.stdout,
    )


def _import_path(checkout: Path) -> str:
    return ":".join(str(checkout / each) for each in PROGRAMS)


def _hand_on(build: Build, target: Path) -> None:
    for name in build.artifacts:
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(build.base / name, file)
