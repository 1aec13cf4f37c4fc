"""The Pulumi engine through its command line: what it says is passed on, never interpreted away."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from delivery.ops.rollback import DIGEST_KEY, RELEASE_KEY
from delivery.ops.steps import Plan, read_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

STREAMING = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
COLOUR = re.compile(r"<\{%.*?%\}>")
LAST_LINES = 12
IDLE = frozenset({"same", "read"})


class EngineError(Exception):
    """The engine refused or failed. `urns` are the resources on which it did, if it said so."""

    def __init__(self, message: str, urns: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.urns = urns


class LockedError(EngineError):
    """Somebody else works on the stack. Nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One stack of the program in `directory`, judged by `packs`; the backend is logged in to."""

    stack: str
    directory: Path
    packs: Sequence[str] = ("policies/all",)
    environment: dict[str, str] = field(default_factory=dict)

    def set_release(self, digest: str, release: str) -> None:
        """Say in the working copy of the stack file what should run; nothing is deployed."""
        self._ask("config", "set", DIGEST_KEY, digest)
        self._ask("config", "set", RELEASE_KEY, release)

    def preview(self, events: Path) -> Plan:
        """What would happen; every event goes to the file. Raises `EngineError`."""
        self._stream("preview", events)
        return read_plan(events.read_text().splitlines())

    def up(self, events: Path, message: str) -> None:
        """Make it happen, under the same packs. Raises `EngineError` naming what failed."""
        self._stream("up", events, "--yes", "--skip-preview", "--message", message)

    def history(self) -> list[dict[str, Any]]:
        """Updates of the stack, newest first."""
        found: list[dict[str, Any]] = json.loads(self._ask("stack", "history", "--json"))
        return found

    def outputs(self) -> dict[str, Any]:
        """Outputs of the last update."""
        found: dict[str, Any] = json.loads(self._ask("stack", "output", "--json"))
        return found

    def _ask(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - arguments as a list
            ["pulumi", *arguments, "--stack", self.stack, "--non-interactive"],  # noqa: S607 - from PATH
            cwd=self.directory,
            env=os.environ | self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise _failure(f"pulumi {arguments[0]}", (done.stderr or done.stdout).splitlines())
        return done.stdout

    def _stream(self, verb: str, events: Path, *flags: str) -> None:
        packs = [flag for pack in self.packs for flag in ("--policy-pack", pack)]
        command = ["pulumi", verb, "--json", "--non-interactive", "--stack", self.stack]
        with (
            events.open("w") as sink,
            subprocess.Popen(  # noqa: S603 - arguments as a list
                [*command, *packs, *flags],
                cwd=self.directory,
                env=os.environ | STREAMING | self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            said = list(_told(process.stdout or (), sink))
        if process.returncode:
            failed = frozenset(each for _, each in said if each)
            raise _failure(f"pulumi {verb}", [line for line, _ in said], failed)


def _told(lines: Iterable[str], sink: Any) -> Iterator[tuple[str, str]]:
    """Events to `sink`, progress to people; yields each error with the resource it is about."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            if line.strip() and not line.startswith("warning: using pulumi-"):
                click.echo(line.rstrip(), err=True)
                yield line.rstrip(), ""
            continue
        sink.write(line)
        if metadata := event.get("resOutputsEvent", {}).get("metadata"):
            _show(metadata)
        if (said := event.get("diagnosticEvent", {})).get("severity") == "error":
            text = COLOUR.sub("", said.get("message", "")).strip()
            click.echo(text, err=True)
            yield text, said.get("urn", "")
        if (judged := event.get("policyEvent", {})).get("enforcementLevel") == "mandatory":
            text = COLOUR.sub("", judged.get("message", "")).strip()
            click.echo(text, err=True)
            yield text, ""


def _show(metadata: dict[str, Any]) -> None:
    if metadata["op"] not in IDLE:
        name = metadata["urn"].rpartition("::")[2]
        click.echo(f"{metadata['op']} {metadata['type']} {name}", err=True)


def _failure(what: str, lines: Sequence[str], urns: frozenset[str] = frozenset()) -> EngineError:
    words = "\n".join(line for line in lines[-LAST_LINES:] if line.strip()) or "no message"
    if "currently locked" in "\n".join(lines):
        return LockedError(
            f"{words}\nAnother run works on this stack. Wait for it; only when it is dead: "
            "pulumi cancel"
        )
    return EngineError(f"{what} failed:\n{words}", urns)
