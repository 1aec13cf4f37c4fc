"""One stack of one of our programs on the real engine: preview, update, destroy, outputs."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from localcloud.engine.environment import Backend, engine_environment, has_real_plugins, pulumi
from localcloud.events import Failure, read_events
from localcloud.failure import LocalCloudError
from localcloud.paths import CHECKOUT, EVIDENCE, LOCAL, PREVIEWS
from localcloud.progress import console

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PROJECT = "budgetbuddy-platform"
POLICIES = CHECKOUT / "policies"
# How the original encrypts its secrets; the working copy has a passphrase of its own.
ENCRYPTION_KEYS = frozenset({"encryptionsalt", "encryptedkey", "secretsprovider"})
JOURNAL_VARIABLE = "GUARDRAILS_JOURNAL"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A Pulumi project of the repository. `directory` is relative to the checkout.

    `policy_config` names, relative to the policies, what its packs are told about it. `sample` is
    what a preview sets that otherwise comes with a release (path → value). `secrets` are the keys
    that a stack of this machine gets a random value for, once.
    """

    project: str
    directory: str = "."
    label: str = ""  # in front of its stacks' names, where both programs lie side by side
    policy_config: str | None = None
    sample: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()


# The pipeline sets these at a release. A preview without them would leave out the service, and no
# control would have looked at it.
SAMPLE_RELEASE = {
    "budgetbuddy:imageDigest": "sha256:" + "0" * 64,
    "budgetbuddy:release": "0000000",
}
PLATFORM = Program(project=PROJECT, sample=SAMPLE_RELEASE, secrets=("budgetbuddy:originVerify",))
PIPELINES = Program(
    project="budgetbuddy-pipelines",
    directory="pipelines",
    label="pipelines-",
    policy_config="config/pipelines.json",
)
PROGRAMS = {"platform": PLATFORM, "pipelines": PIPELINES}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack with the packs that judge it, its working copy of the stack file and its backend."""

    name: str
    packs: Sequence[str]
    directory: Path  # state, passphrase and working copy of the stack file
    stand_ins: bool
    program: Program = PLATFORM
    checkout: Path = CHECKOUT  # another one: the program as it was at another commit

    @property
    def title(self) -> str:
        """The stack as people and directories tell it from the other program's."""
        return f"{self.program.label}{self.name}"

    @property
    def source(self) -> Path:
        """Where the program and its stack files lie."""
        return self.checkout / self.program.directory

    @property
    def config_file(self) -> Path:
        """The stack file of the repository, copied: local settings never change the original."""
        return self.directory / f"Pulumi.{self.name}.yaml"

    @property
    def evidence(self) -> Path:
        """Where the bundle of the last preview lies."""
        return EVIDENCE / self.title

    @property
    def _backend(self) -> Backend:
        return Backend(
            directory=self.directory / "state", passphrase_file=self.directory / "passphrase"
        )

    def prepare(self, settings: Mapping[str, str]) -> None:
        """Make backend and stack, and the working stack file with `settings` (path → value)."""
        original = self.source / f"Pulumi.{self.name}.yaml"
        if not original.exists():
            raise LocalCloudError(
                f"There is no stack named {self.name}.",
                why=f"{original.name} does not exist",
                remedy="make preview STACK=staging   (or production, local)",
                exit_code=2,
            )
        self._backend.prepare()
        if not self._exists():
            self._initialise()
        self._draw_secrets()
        self.config_file.write_text(self._working_copy(yaml.safe_load(original.read_text())))
        for path, value in settings.items():
            self._run("config", "set", "--path", path, value, *self._selection())

    def preview(self, *, refresh: bool = False) -> list[Failure]:
        """Preview under the packs; events and verdicts go to the evidence directory."""
        self.evidence.mkdir(parents=True, exist_ok=True)
        for left in ("events.jsonl", "verdicts.jsonl"):
            (self.evidence / left).unlink(missing_ok=True)
        flags = ["--refresh"] if refresh else []
        return self._stream("preview", *flags, *self._pack_flags(), events="events.jsonl")

    def plan(self) -> list[dict[str, Any]]:
        """Every resource the program would have, as the steps of a preview without packs say."""
        environment = self._environment()
        for variable in ("PULUMI_ENABLE_STREAMING_JSON_PREVIEW", JOURNAL_VARIABLE):
            environment.pop(variable)
        answer = json.loads(self._run("preview", "--json", *self._selection(), env=environment))
        return [step["newState"] for step in answer["steps"] if "newState" in step]

    def up(self, *, refresh: bool = False, checkpoints: bool = True) -> list[Failure]:
        """Deploy under the packs. The preview of the same program is the gate and comes first.

        Without `checkpoints` the state is written once, at the end: half the time for a stack's
        first deployment, but an engine that is killed meanwhile leaves none of what it made.
        """
        flags = ["--yes", "--skip-preview", *(["--refresh"] if refresh else [])]
        skip = {} if checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true"}
        return self._stream("up", *flags, *self._pack_flags(), events="up.jsonl", variables=skip)

    def destroy(self) -> list[Failure]:
        """Delete every resource of the stack."""
        return self._stream("destroy", "--yes", "--skip-preview", events="destroy.jsonl")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; none of them is secret."""
        answer: dict[str, Any] = json.loads(
            self._run("stack", "output", "--json", *self._selection(config=False))
        )
        return answer

    def resources(self) -> list[dict[str, Any]]:
        """Every resource in the state, as `stack export` has it; empty before the first `up`."""
        if not self._exists():
            return []
        state = json.loads(self._run("stack", "export", *self._selection(config=False)))
        found: list[dict[str, Any]] = state.get("deployment", {}).get("resources") or []
        return found

    def is_locked(self) -> bool:
        """Whether a run holds the stack, or was killed while it did."""
        locks = self.directory / "state" / ".pulumi" / "locks"
        return any(locks.rglob(f"{self.name}/*.json"))

    def unlock(self) -> None:
        """Remove the lock a killed run left."""
        self._run("cancel", self.name, "--yes")

    def _exists(self) -> bool:
        stacks = self.directory / "state" / ".pulumi" / "stacks"
        return (stacks / self.program.project / f"{self.name}.json").exists()

    def _initialise(self) -> None:
        """Create the stack from a bare project: `stack init` writes beside the project it finds."""
        self._bare_project.mkdir(exist_ok=True)
        project = self._bare_project / "Pulumi.yaml"
        project.write_text(f"name: {self.program.project}\nruntime: python\n")
        where = ("--cwd", str(self._bare_project))
        self._run("stack", "init", self.name, "--secrets-provider", "passphrase", *where)

    @property
    def _bare_project(self) -> Path:
        return self.directory / "project"

    def _draw_secrets(self) -> None:
        """Give the stack its random secrets; a second run keeps them, so that nothing changes."""
        for key in self.program.secrets:
            if key not in self._encrypted.get("config", {}):
                where = ("--cwd", str(self._bare_project), "--stack", self.name)
                self._run("config", "set", "--secret", key, *where, given=secrets.token_hex(32))

    @property
    def _encrypted(self) -> dict[str, Any]:
        """The stack file beside the bare project: the salt, and secrets encrypted with it."""
        file = self._bare_project / f"Pulumi.{self.name}.yaml"
        found: dict[str, Any] = yaml.safe_load(file.read_text()) or {}
        return found

    def _working_copy(self, original: Mapping[str, Any]) -> str:
        """The stack file with secrets of this machine, since it cannot read the original's."""
        kept = {key: value for key, value in original.items() if key not in ENCRYPTION_KEYS}
        own = self._encrypted
        config = {
            key: value
            for key, value in kept.get("config", {}).items()
            if not isinstance(value, dict) or "secure" not in value
        }
        merged = {**kept, **own, "config": config | own.get("config", {})}
        return yaml.safe_dump(merged, sort_keys=False)

    def _selection(self, *, config: bool = True) -> list[str]:
        chosen = ["--stack", self.name]
        return [*chosen, "--config-file", str(self.config_file)] if config else chosen

    def _pack_flags(self) -> list[str]:
        config = self.program.policy_config
        told = ["--policy-pack-config", str(POLICIES / config)] if config else []
        return [
            flag for pack in self.packs for flag in ("--policy-pack", str(POLICIES / pack), *told)
        ]

    def _environment(self) -> dict[str, str]:
        return engine_environment(self._backend, stand_ins=self.stand_ins) | {
            # Before what is installed: the contract belongs to the same commit as the program.
            "PYTHONPATH": str(self.checkout / "service"),
            "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
            JOURNAL_VARIABLE: str(self.evidence / "verdicts.jsonl"),
            "AWS_ACCESS_KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID", "000000000000"),
            "AWS_SECRET_ACCESS_KEY": os.environ.get("AWS_SECRET_ACCESS_KEY", "local"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _stream(
        self, verb: str, *flags: str, events: str, variables: Mapping[str, str] | None = None
    ) -> list[Failure]:
        """Run an operation with machine-readable events; returns what failed."""
        environment = self._environment() | dict(variables or {})
        if verb != "preview":
            environment.pop(JOURNAL_VARIABLE)  # the verdicts of the preview are the evidence
        self.evidence.mkdir(parents=True, exist_ok=True)
        command = [pulumi(), verb, "--json", "--non-interactive", *self._selection(), *flags]
        with (
            (self.evidence / events).open("wb") as sink,
            subprocess.Popen(  # noqa: S603 - the engine, arguments as a list
                command,
                env=environment,
                cwd=self.source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            ) as process,
        ):
            failures = read_events(process, sink)
        if process.returncode and not failures:
            failures = [Failure(what=f"pulumi {verb} ended with code {process.returncode}")]
        return failures

    def _run(
        self, *arguments: str, env: dict[str, str] | None = None, given: str | None = None
    ) -> str:
        """A quick command of the engine; `given` is its standard input.

        Raises `LocalCloudError` with its words and a remedy.
        """
        done = subprocess.run(  # noqa: S603 - the engine, arguments as a list
            [pulumi(), *arguments, "--non-interactive"],
            env=env or self._environment(),
            cwd=self.source,
            check=False,
            capture_output=True,
            text=True,
            input=given,
        )
        if done.returncode:
            raise engine_failure(f"pulumi {arguments[0]}", done.stderr or done.stdout)
        return done.stdout


def local_stack() -> Stack:
    """Stack `local`: the stand-ins on the embedded AWS, under the PCI and SOC 2 packs."""
    return Stack(name="local", packs=("pci", "soc2"), directory=LOCAL, stand_ins=True)


def preview_stack(name: str, program: Program = PLATFORM) -> Stack:
    """Any stack for a preview under every control, with real plugins where they are installed."""
    stand_ins = name == "local" or not has_real_plugins()
    directory = PREVIEWS / f"{program.label}{name}"
    return Stack(
        name=name, packs=("all",), directory=directory, stand_ins=stand_ins, program=program
    )


def programs_of(name: str) -> list[Program]:
    """Programs that have a stack of this name; the platform where none has, which says so."""
    file = f"Pulumi.{name}.yaml"
    found = [each for each in PROGRAMS.values() if (CHECKOUT / each.directory / file).exists()]
    return found or [PLATFORM]


# What the engine says, and what a person should do about it.
REMEDIES = (
    (
        "incorrect passphrase",
        "restore the passphrase file, or start over: make down WIPE=1 (or rm -r build/preview)",
    ),
    ("currently locked", "wait for the other run, or, if it died: python -m localcloud unlock"),
    ("no resource plugin", "make setup"),
    ("could not load plugin", "make setup"),
    ("no Pulumi.yaml", "run it from a checkout of this repository"),
)


def stop_on(failures: Sequence[Failure], what: str) -> None:
    """Print every failure and raise `LocalCloudError`; nothing happens where there is none."""
    if not failures:
        return
    for failure in failures:
        console.print(f"\n{failure.what}", markup=False)
        if failure.urn:
            console.print(f"resource: {failure.urn}", markup=False)
    console.print()
    words = "\n".join(failure.what for failure in failures)
    raise LocalCloudError(
        f"{what} failed.",
        why=f"{len(failures)} {'cause' if len(failures) == 1 else 'causes'}, named above",
        remedy=_remedy(words) or "mend what is named above, then run it again",
    )


def engine_failure(what: str, message: str) -> LocalCloudError:
    """The engine's own words with the command that helps."""
    lines = [line for line in message.strip().splitlines() if line.strip()]
    why = "\n".join(lines[-8:]) or "no message"
    return LocalCloudError(
        f"{what} failed.", why=why, remedy=_remedy(message) or "see the message above"
    )


def _remedy(message: str) -> str | None:
    return next((advice for mark, advice in REMEDIES if mark in message), None)
