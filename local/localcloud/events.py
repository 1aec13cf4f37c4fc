"""The engine's event stream: progress while it runs, and what failed."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from localcloud.progress import console

if TYPE_CHECKING:
    import subprocess

COLOUR = re.compile(r"<\{%.*?%\}>")
CLOSING_WORDS = {"preview failed", "update failed", "destroy failed"}
# What a program or a component says when the engine, having failed, no longer answers it.
AFTERMATH = ("resource monitor shut down", "grpc: the client connection is closing")
PROGRESS_EVERY = 25  # resources between two lines of progress


@dataclass(frozen=True)
class Failure:
    """One thing that went wrong: an error of the program or a mandatory policy violation."""

    what: str
    urn: str = ""


def read_events(process: subprocess.Popen[bytes], sink: IO[bytes]) -> list[Failure]:
    """Copy every event of `process` to `sink`, show progress, and return the failures among them.

    Waits for the process to end.
    """
    errors: list[str] = []
    drain = threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True)
    drain.start()
    failures: list[Failure] = []
    seen = 0
    for line in process.stdout or ():
        sink.write(line)
        event = _parse(line)
        failures += _failures_in(event)
        if "resourcePreEvent" in event:
            seen += 1
            if seen % PROGRESS_EVERY == 0:
                console.print(f"    [dim]{seen} resources[/dim]")
    process.wait()
    drain.join()
    if process.returncode and not failures:
        text = "\n".join(errors[-8:])
        failures = [Failure(what=text)] if text else []
    return failures


def _drain(stream: IO[bytes] | None, lines: list[str]) -> None:
    for line in stream or ():
        text = line.decode(errors="replace").rstrip()
        if text and not text.startswith("warning: using pulumi-"):
            lines.append(text)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _is_echo(diagnostic: dict[str, Any]) -> bool:
    """Whether a message only follows from a failure that has been said before it."""
    text = COLOUR.sub("", diagnostic.get("message", "")).strip()
    return text in CLOSING_WORDS or any(words in text for words in AFTERMATH)


def _failures_in(event: dict[str, Any]) -> list[Failure]:
    diagnostic = event.get("diagnosticEvent")
    if diagnostic and diagnostic.get("severity") == "error" and not _is_echo(diagnostic):
        text = COLOUR.sub("", diagnostic.get("message", "")).strip()
        return [Failure(what=text, urn=diagnostic.get("urn", ""))] if text else []
    policy = event.get("policyEvent")
    if policy and policy.get("enforcementLevel") == "mandatory":
        text = COLOUR.sub("", policy.get("message", "")).strip()
        return [Failure(what=text, urn=policy.get("resourceUrn", ""))]
    return []
