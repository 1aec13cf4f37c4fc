"""A control: one auditable statement, its references, and the code that decides it.

The words live in `catalogue/<family>.yaml`, the checks in `controls/<family>.py`; `registry.py`
puts the two together and refuses a control that lacks either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from guardrails.verdicts import Finding, Level, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardrails.frameworks import Relation
    from guardrails.graph import Graph, Resource

    Findings: TypeAlias = Finding | Iterable[Finding] | None
    Check: TypeAlias = Callable[[Resource, "Options"], Findings]
    StackCheck: TypeAlias = Callable[[Resource, Graph, "Options"], Findings]


class Kind(StrEnum):
    """What a control needs to see: one resource, the whole stack, or first one and then all."""

    RESOURCE = "resource"
    STACK = "stack"
    BOTH = "both"


class Source(StrEnum):
    """Who else maps this check to that requirement."""

    SECURITY_HUB = "security-hub"
    SECURITY_HUB_LISTED = "security-hub-listed"
    PULUMI_PCI = "pulumi-pci"
    PROWLER = "prowler"
    JUDGEMENT = "judgement"


@dataclass(frozen=True, kw_only=True)
class Citation:
    """One control to one requirement, with the reason why."""

    framework: str
    requirement: str
    relation: Relation
    sources: tuple[Source, ...]
    rationale: str
    assessor_reviewed: bool = False


@dataclass(frozen=True, kw_only=True)
class Option:
    """One configurable value of a control, in the words of JSON Schema."""

    name: str
    default: Any
    description: str

    @property
    def schema(self) -> dict[str, Any]:
        """The schema the engine validates a pack's configuration with."""
        if isinstance(self.default, list):
            kind: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
        elif isinstance(self.default, bool):
            kind = {"type": "boolean"}
        elif isinstance(self.default, int):
            kind = {"type": "number", "minimum": 0}
        else:
            kind = {"type": "string"}
        return {**kind, "default": self.default, "description": self.description}

    def accepts(self, value: Any) -> bool:
        """Whether the engine would take `value`: the same rules as in `schema`."""
        if isinstance(self.default, list):
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(self.default, int):
            return isinstance(value, int | float) and value >= 0
        return isinstance(value, str)


class Options:
    """The configured values of one control; the defaults where nothing is configured."""

    def __init__(self, declared: Iterable[Option], configured: Mapping[str, Any]) -> None:
        self._values = {option.name: option.default for option in declared} | dict(configured)

    def number(self, name: str) -> float:
        """A threshold; the engine sends it as a float."""
        return float(self._values[name])

    def strings(self, name: str) -> list[str]:
        """A list of names."""
        return list(self._values[name])

    def text(self, name: str) -> str:
        """A single name."""
        return str(self._values[name])


@dataclass(frozen=True, kw_only=True)
class Control:
    """One entry of the catalogue together with its checks."""

    id: str
    title: str
    severity: Severity
    why: str
    fix: str
    passing: str  # a Pulumi program that passes; the remediation
    failing: str  # the same program before the fix
    limits: str
    citations: tuple[Citation, ...]
    anchors: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    level: Level = Level.MANDATORY
    check: Check | None = field(default=None, compare=False)
    check_types: tuple[str, ...] = ()
    join: StackCheck | None = field(default=None, compare=False)
    join_types: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """Derived from which halves exist, so that the two can never disagree."""
        if self.check and self.join:
            return Kind.BOTH
        return Kind.STACK if self.join else Kind.RESOURCE

    @property
    def types(self) -> tuple[str, ...]:
        """Every resource type one of the halves judges."""
        return tuple(dict.fromkeys(self.check_types + self.join_types))

    @property
    def family(self) -> str:
        """The part of the id before the dash."""
        return self.id.partition("-")[0]

    @property
    def policy(self) -> str:
        """The policy name of the first half in the engine."""
        return self.id.lower()

    @property
    def stack_policy(self) -> str:
        """The policy name of the cross-resource half in the engine."""
        return f"{self.policy}-stack" if self.check else self.policy

    @property
    def page(self) -> str:
        """Where the control is explained, relative to the repository."""
        return f"docs/controls/{self.id}.md"

    def requirements(self, framework: str) -> tuple[str, ...]:
        """The requirements of one framework this control speaks about."""
        return tuple(m.requirement for m in self.citations if m.framework == framework)
