"""Runs a build specification on this machine, as CodeBuild documents it.

All commands share one shell. A failure in install or pre_build ends the build; after one in build,
post_build still runs and is told by CODEBUILD_BUILD_SUCCEEDING. `finally` runs in any case.
Programs that need an account or a container engine are replaced by seams: scripts of that name in
front of PATH, which write down what they were asked for and say that they are seams.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
TOP_KEYS = {"version", "env", "phases", "artifacts", "reports"}
PHASE_KEYS = {"commands", "finally"}
ENV_KEYS = {"variables", "exported-variables", "shell"}
TIMEOUT_SECONDS = 300
MARK = "::buildspec::"
SEAM = """#!/bin/sh
printf '%s\\n' "{name} $*" >> "$SEAM_LOG"
echo "seam: {name} is not run here" >&2
{script}
"""


@dataclass(frozen=True, kw_only=True)
class Build:
    """How a build ended. `failed` is the first phase that did, `calls` what seams were asked."""

    failed: str | None
    phases: Sequence[str]
    exported: Mapping[str, str]
    artifacts: Sequence[str]
    calls: Sequence[str]
    log: str


@dataclass(frozen=True, kw_only=True)
class Runner:
    """`checkout` is where the source lies; `seams` are scripts by the name they replace."""

    checkout: Path
    environment: Mapping[str, str]
    seams: Mapping[str, str] = field(default_factory=dict)

    def run(self, specification: Path, variables: Mapping[str, str]) -> Build:
        """Run the whole build. Raises AssertionError for a file CodeBuild would not take."""
        spec = load(specification)
        calls = self._lay_seams()
        names = spec.get("env", {}).get("exported-variables", [])
        done = subprocess.run(
            ["/bin/bash", "-c", _script(spec, names)],
            cwd=self.checkout,
            env=self._environment(spec, variables, calls),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        said = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
        facts = [json.loads(line.removeprefix(MARK)) for line in said]
        return Build(
            failed=next((f["phase"] for f in facts if f.get("code")), None),
            phases=[fact["phase"] for fact in facts if "phase" in fact],
            exported={fact["name"]: fact["value"] for fact in facts if "name" in fact},
            artifacts=self._artifacts(spec.get("artifacts", {})),
            calls=calls.read_text().splitlines(),
            log=done.stdout + done.stderr,
        )

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
        own = {"PATH": path, "SEAM_LOG": str(calls), "CODEBUILD_BUILD_SUCCEEDING": "1"}
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
    spec: dict[str, Any] = yaml.safe_load(specification.read_text())
    assert spec["version"] == 0.2
    assert set(spec) <= TOP_KEYS, set(spec) - TOP_KEYS
    assert set(spec["phases"]) <= set(PHASES)
    assert set(spec.get("env", {})) <= ENV_KEYS
    for phase in spec["phases"].values():
        assert set(phase) <= PHASE_KEYS
        assert all(isinstance(command, str) for command in phase["commands"])
    return spec


def _script(spec: Mapping[str, Any], exported: Sequence[str]) -> str:
    """One shell for all phases, in which the first failure of a phase skips the rest of it."""
    lines = ["code=0"]
    for phase in PHASES:
        if phase not in spec["phases"]:
            continue
        body = spec["phases"][phase]
        runs = "true" if phase == "post_build" else '[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]'
        # Nothing after an install or pre_build that failed, post_build included.
        lines += [f'if {runs} && [ -z "$ended" ]; then', "  failed=0"]
        for command in body["commands"]:
            lines += ['  if [ "$failed" = 0 ]; then', command, "  [ $? = 0 ] || failed=1; fi"]
        lines += body.get("finally", [])
        lines += [
            '  [ "$failed" = 0 ] || CODEBUILD_BUILD_SUCCEEDING=0',
            f"""  echo '{MARK}{{"phase":"{phase}","code":'$failed'}}' """,
        ]
        if phase in ("install", "pre_build"):
            lines.append('  [ "$failed" = 0 ] || ended=yes')
        lines.append("fi")
    for name in exported:
        value = f'$(printf %s "${name}" | {{ python3 -c {QUOTE}; }})'
        lines.append(f"""echo '{MARK}{{"name":"{name}","value":'"{value}"'}}'""")
    return "\n".join(lines)


QUOTE = "'import json,sys; print(json.dumps(sys.stdin.read()))'"
