"""Runs a build specification on this machine, as CodeBuild documents it.

All commands share one shell. A failure in install or pre_build ends the build; after one in build,
post_build still runs and is told by CODEBUILD_BUILD_SUCCEEDING. `finally` runs in any case.
Programs that need an account or a container engine are replaced by seams: scripts of that name in
front of PATH, which write down what they were asked for and say that they are seams.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

PHASES = ("install", "pre_build", "build", "post_build")
TOP_KEYS = frozenset({"version", "env", "phases", "artifacts", "reports"})
PHASE_KEYS = frozenset({"commands", "finally"})
ENV_KEYS = frozenset({"variables", "exported-variables", "shell"})
VERSION = 0.2
MARK = "::buildspec::"
QUOTE = "'import json,sys; print(json.dumps(sys.stdin.read()))'"
SEAM = """#!/bin/bash
printf '%s\\n' "{name} $*" >> "$SEAM_LOG"
{script}
"""


class SpecificationError(ValueError):
    """CodeBuild would refuse the file, or silently ignore a part of it."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """How a build ended. `failed` is the first phase that did, `calls` what seams were asked."""

    failed: str | None
    phases: Sequence[str]
    exported: Mapping[str, str]
    artifacts: Sequence[str]
    base: Path  # the directory the artifacts lie in
    calls: Sequence[str]
    log: str


@dataclass(frozen=True, kw_only=True)
class Runner:
    """`checkout` is where the source lies; `seams` are scripts by the name they replace.

    `listen` is given each line of the build's log as it appears.
    """

    checkout: Path
    environment: Mapping[str, str]
    seams: Mapping[str, str] = field(default_factory=dict)
    listen: Callable[[str], object] | None = None

    def run(self, specification: Path, variables: Mapping[str, str]) -> Build:
        """Run the whole build. Raises `SpecificationError` for a file CodeBuild would not take."""
        spec = load(specification)
        calls = self._lay_seams()
        names = spec.get("env", {}).get("exported-variables", [])
        script = _shadows(self.seams) + _script(spec, names)
        lines = self._execute(script, self._environment(spec, variables, calls))
        facts = [json.loads(s.removeprefix(MARK)) for s in lines if s.startswith(MARK)]
        wanted = spec.get("artifacts", {})
        return Build(
            failed=next((f["phase"] for f in facts if f.get("code")), None),
            phases=[fact["phase"] for fact in facts if "phase" in fact],
            exported={fact["name"]: fact["value"] for fact in facts if "name" in fact},
            artifacts=self._artifacts(wanted),
            base=self.checkout / wanted.get("base-directory", "."),
            calls=calls.read_text().splitlines(),
            log="\n".join(line for line in lines if not line.startswith(MARK)),
        )

    def _execute(self, script: str, environment: dict[str, str]) -> list[str]:
        lines = []
        with subprocess.Popen(  # noqa: S603 - the script of the specification
            ["/bin/bash", "-c", script],
            cwd=self.checkout,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        ) as process:
            for line in process.stdout or ():
                lines.append(line.rstrip("\n"))
                if self.listen and not line.startswith(MARK):
                    self.listen(lines[-1])
        return lines

    def _lay_seams(self) -> Path:
        directory = self.checkout / ".seams"
        directory.mkdir(exist_ok=True)
        for name, script in self.seams.items():
            file = directory / name
            file.write_text(SEAM.format(name=name, script=script))
            file.chmod(0o755)
        calls = directory / "calls.log"
        calls.write_text("")
        return calls

    def _environment(
        self, spec: Mapping[str, Any], variables: Mapping[str, str], calls: Path
    ) -> dict[str, str]:
        declared = spec.get("env", {}).get("variables", {})
        path = f"{calls.parent}:{self.environment['PATH']}"
        own = {
            "PATH": path,
            "SEAMS": str(calls.parent),
            "SEAM_LOG": str(calls),
            "CODEBUILD_BUILD_SUCCEEDING": "1",
        }
        return {**self.environment, **declared, **variables, **own}

    def _artifacts(self, wanted: Mapping[str, Any]) -> list[str]:
        base = self.checkout / wanted.get("base-directory", ".")
        found = {
            str(file.relative_to(base))
            for pattern in wanted.get("files", ())
            for file in base.glob(pattern)
            if file.is_file()
        }
        return sorted(found)


def load(specification: Path) -> dict[str, Any]:
    """The specification, checked for what CodeBuild would refuse or silently ignore."""
    try:
        spec: Any = yaml.safe_load(specification.read_text())
    except yaml.YAMLError as error:
        raise SpecificationError(f"{specification.name} is not YAML: {error}") from error
    if not isinstance(spec, dict) or spec.get("version") != VERSION:
        raise SpecificationError(f"{specification.name} must be of version {VERSION}")
    _only_known(spec, TOP_KEYS, specification.name)
    _only_known(spec.get("env", {}), ENV_KEYS, "env")
    phases = spec.get("phases")
    if not isinstance(phases, dict) or not phases:
        raise SpecificationError(f"{specification.name} has no phases")
    _only_known(phases, frozenset(PHASES), "phases")
    for name, phase in phases.items():
        _only_known(phase, PHASE_KEYS, name)
        if not all(isinstance(each, str) for each in phase.get("commands", [None])):
            raise SpecificationError(f"{name} must have commands, each a text")
    return spec


def _only_known(found: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if unknown := sorted(set(found) - known):
        raise SpecificationError(f"{where}: CodeBuild knows no {', '.join(unknown)}")


def _shadows(seams: Iterable[str]) -> str:
    """Seams as functions too: whatever a build puts in front of PATH, they come first."""
    return "".join(
        f'{name}() {{ "$SEAMS/{name}" "$@"; }}; export -f {name}\n' for name in sorted(seams)
    )


def _script(spec: Mapping[str, Any], exported: Sequence[str]) -> str:
    """One shell for all phases, in which the first failure of a phase skips the rest of it."""
    lines = ["code=0"]
    for phase in PHASES:
        if phase in spec["phases"]:
            lines += _phase(phase, spec["phases"][phase])
    for name in exported:
        value = f'$(printf %s "${name}" | {{ python3 -c {QUOTE}; }})'
        lines.append(f"""echo '{MARK}{{"name":"{name}","value":'"{value}"'}}'""")
    return "\n".join(lines)


def _phase(phase: str, body: Mapping[str, Any]) -> list[str]:
    runs = "true" if phase == "post_build" else '[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]'
    # Nothing after an install or pre_build that failed, post_build included.
    lines = [f'if {runs} && [ -z "$ended" ]; then', "  failed=0"]
    for command in body["commands"]:
        lines += ['  if [ "$failed" = 0 ]; then', command, "  [ $? = 0 ] || failed=1; fi"]
    lines += body.get("finally", [])
    lines += [
        '  [ "$failed" = 0 ] || CODEBUILD_BUILD_SUCCEEDING=0',
        f"""  echo '{MARK}{{"phase":"{phase}","code":'$failed'}}' """,
    ]
    if phase in ("install", "pre_build"):
        lines.append('  [ "$failed" = 0 ] || ended=yes')
    return [*lines, "fi"]
