"""What a preview would do, read from the engine's events, and one hash for all of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Operations that leave a resource as it is.
IDLE = frozenset({"same", "read", "read-replacement", "refresh", "read-discard", "discard"})
CREATES = frozenset({"create", "import"})
UPDATES = frozenset({"update"})
REPLACES = frozenset(
    {"replace", "create-replacement", "delete-replaced", "discard-replaced", "import-replacement"}
)
DELETES = frozenset({"delete"})
RELEASE_TYPES = frozenset(
    {
        "aws:ecs/service:Service",
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:ssm/parameter:Parameter",
    }
)
STACK = "pulumi:pulumi:Stack"


class UnreadableError(Exception):
    """The events are not those of a preview that came to its end."""


@dataclass(frozen=True, order=True)
class Step:
    """One operation on one resource. `paths` are the properties that change, sorted."""

    operation: str
    kind: str
    urn: str
    paths: tuple[str, ...] = ()
    is_protected: bool = False

    @property
    def name(self) -> str:
        """Type and name, as people tell resources apart."""
        return f"{self.kind.rpartition(':')[2]} {self.urn.rpartition('::')[2]}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every step that changes something, in a fixed order."""

    steps: tuple[Step, ...]

    def _of(self, operations: frozenset[str]) -> list[Step]:
        """One step for each resource: a replacement is announced several times."""
        found = {step.urn: step for step in self.steps if step.operation in operations}
        return [found[urn] for urn in sorted(found)]

    @property
    def creates(self) -> list[Step]:
        """Resources that come into being."""
        return self._of(CREATES)

    @property
    def updates(self) -> list[Step]:
        """Resources that change in place."""
        return self._of(UPDATES)

    @property
    def replaces(self) -> list[Step]:
        """Resources that are made again; what they held is gone."""
        return self._of(REPLACES)

    @property
    def deletes(self) -> list[Step]:
        """Resources that go."""
        return self._of(DELETES)

    @property
    def hash(self) -> str:
        """SHA-256 over the sorted steps: equal when the same would happen.

        Whether a resource is protected does not count: it decides whether the engine does it.
        """
        facts = [[step.operation, step.kind, step.urn, *step.paths] for step in sorted(self.steps)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @property
    def beyond_release(self) -> list[Step]:
        """Steps on anything but the task definition, the service and the release parameter."""
        return [step for step in self.steps if step.kind not in RELEASE_TYPES]


def read_plan(lines: Iterable[str]) -> Plan:
    """The plan in the streaming events of `pulumi preview --json`.

    Raises `UnreadableError` when a line is no event, or when the preview did not come to its end.
    """
    steps: set[Step] = set()
    is_complete = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        event = _event(line, number)
        is_complete = is_complete or "summaryEvent" in event
        if metadata := event.get("resourcePreEvent", {}).get("metadata"):
            steps |= {step for step in [_step(metadata)] if _changes(step)}
    if not is_complete:
        raise UnreadableError("the preview has no summary: it did not come to its end")
    return Plan(steps=tuple(sorted(steps)))


def _event(line: str, number: int) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError as error:
        raise UnreadableError(f"line {number} is not JSON") from error
    if not isinstance(event, dict):
        raise UnreadableError(f"line {number} is not an event")
    return event


def _step(metadata: Mapping[str, Any]) -> Step:
    states = [metadata.get(side) or {} for side in ("old", "new")]
    return Step(
        operation=metadata["op"],
        kind=metadata["type"],
        urn=metadata["urn"],
        paths=tuple(sorted(metadata.get("detailedDiff") or metadata.get("diffs") or ())),
        is_protected=any(state.get("protect", False) for state in states),
    )


def _changes(step: Step) -> bool:
    return step.operation not in IDLE and step.kind != STACK
