"""Reading stacks from files: exported states and preview event streams."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardrails.graph import STACK, Graph, Resource, stack_of
from guardrails.sources.events import resources_of_events
from guardrails.sources.failure import UnusableInputError
from guardrails.sources.state import resources_of_state

if TYPE_CHECKING:
    from pathlib import Path

HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Source:
    """A stack read from a file."""

    graph: Graph
    kind: str  # "state" or "events"
    stack: str
    project: str


def load(path: Path, stack: str | None = None) -> Source:
    """Read an exported state or an event stream, whichever `path` holds.

    `stack` overrides the stack name that the URNs carry. Raises `UnusableInputError`.
    """
    text = _text(path)
    whole = _json(text)
    try:
        if isinstance(whole, dict) and ("deployment" in whole or "checkpoint" in whole):
            return _source(resources_of_state(whole), "state", stack)
        events = [whole] if isinstance(whole, dict) else _lines(text)
        return _source(resources_of_events(events), "events", stack)
    except RecursionError:
        raise UnusableInputError(
            "the file cannot be judged",
            "a value in it is nested too deeply to be read",
            "Take that resource out of the export, and report its property.",
        ) from None


def _source(resources: list[Resource], kind: str, stack: str | None) -> Source:
    """The resources with their root: what holds once for a stack is judged on it."""
    roots = [resource for resource in resources if resource.type == STACK]
    urn = next((resource.urn for resource in roots or resources), "")
    project = "".join(urn.split("::")[1:2])
    if resources and not roots:
        named = stack_of(urn)
        implied = f"urn:pulumi:{named}::{project}::{STACK}::{project}-{named}"
        resources = [Resource({}, urn=implied, token=STACK), *resources]
    graph = Graph(resources, has_dependencies=kind == "state")
    return Source(graph, kind, stack or stack_of(urn), project)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnusableInputError(
            f"{path} does not exist", "no such file", "Run `pulumi stack export --file FILE` first."
        ) from None
    except UnicodeDecodeError:
        raise UnusableInputError(
            f"{path} is not text", "it is not UTF-8", "Give the JSON file, not an archive of it."
        ) from None
    except OSError as error:
        raise UnusableInputError(
            f"{path} cannot be read", error.strerror or "unknown reason", "Check its permissions."
        ) from None


def _json(text: str) -> Any:
    """The whole text as one JSON value, or None when it is not one.

    JSON can spell half a character, which no report could be written with; it becomes "?".
    """
    try:
        value = json.loads(text)
        if HALF_CHARACTER.search(text):
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
    except (ValueError, RecursionError):
        return None
    return value


def _lines(text: str) -> list[Any]:
    """One JSON value a line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        value = _json(line)
        if value is None:
            what = "the file is truncated or not JSON" if number > 1 else "the file is not JSON"
            raise UnusableInputError(
                what,
                f"line {number} does not parse",
                "Export the state again, or record the preview again from its start.",
            )
        found.append(value)
    if not found:
        raise UnusableInputError(
            "the file is empty", "it holds no JSON", "Run `pulumi stack export --file FILE`."
        )
    return found


__all__ = ["STACK", "Source", "UnusableInputError", "load"]
