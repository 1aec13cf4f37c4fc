"""The registry: every control of the catalogue with its checks; packs are queries over it."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from guardrails import controls
from guardrails.control import Citation, Control, Option, Source
from guardrails.frameworks import CATALOGUE, FRAMEWORKS, Relation
from guardrails.verdicts import Level, Severity

if TYPE_CHECKING:
    from guardrails.controls.declare import Declaration

FIELDS = {
    "id", "title", "severity", "why", "fix", "pass", "breaks", "limits", "mappings", "anchors",
    "options", "level",
}  # fmt: skip
REQUIRED = FIELDS - {"anchors", "options", "level"}


class CatalogueError(Exception):
    """The catalogue and the checks do not fit together; the message names the entry."""


@cache
def registry() -> dict[str, Control]:
    """All controls by id, in catalogue order. Raises `CatalogueError` on any mismatch."""
    for module in pkgutil.iter_modules(controls.__path__):
        importlib.import_module(f"{controls.__name__}.{module.name}")
    declared = dict(controls.declare.DECLARED)
    found: dict[str, Control] = {}
    for path in sorted(CATALOGUE.glob("[0-9]*.yaml")):
        for entry in yaml.load(path.read_text(), Loader=yaml.CSafeLoader):
            control = _control(entry, declared.pop(entry.get("id"), None))
            if control.id in found:
                raise CatalogueError(f"{control.id}: the id is used twice")
            found[control.id] = control
    if declared:
        raise CatalogueError(f"checks without a catalogue entry: {sorted(declared)}")
    return found


def select(framework: str | None) -> list[Control]:
    """The controls that map to at least one requirement of `framework`; all when None."""
    return [c for c in registry().values() if framework is None or c.requirements(framework)]


def _control(entry: dict[str, Any], declaration: Declaration | None) -> Control:
    name = entry.get("id", "an entry without id")
    if unknown := entry.keys() - FIELDS:
        raise CatalogueError(f"{name}: unknown fields {sorted(unknown)}")
    if missing := REQUIRED - entry.keys():
        raise CatalogueError(f"{name}: missing fields {sorted(missing)}")
    if declaration is None:
        raise CatalogueError(f"{name}: no check is declared")
    return Control(
        id=name,
        title=entry["title"],
        severity=Severity(entry["severity"]),
        why=entry["why"].strip(),
        fix=entry["fix"].strip(),
        passing=entry["pass"],
        failing=_broken(name, entry["pass"], entry["breaks"]),
        limits=entry["limits"].strip(),
        citations=tuple(_citation(name, row) for row in entry["mappings"]),
        anchors=tuple(entry.get("anchors", ())),
        options=tuple(
            Option(name=key, default=default, description=text)
            for key, (default, text) in entry.get("options", {}).items()
        ),
        level=Level(entry.get("level", Level.MANDATORY)),
        check=declaration.check,
        check_types=declaration.check_types,
        join=declaration.join,
        join_types=declaration.join_types,
    )


def _broken(name: str, program: str, replacement: list[str]) -> str:
    """The passing program before the fix: one piece of text replaced."""
    old, new = replacement
    if program.count(old) != 1:
        raise CatalogueError(f"{name}: the text to break stands {program.count(old)} times")
    return program.replace(old, new)


def _citation(control: str, row: list[Any]) -> Citation:
    """One row: framework, requirement, relation, sources (space-separated), rationale."""
    try:
        framework, requirement, relation, sources, rationale = row
        return Citation(
            framework=FRAMEWORKS[framework].key,
            requirement=str(requirement),
            relation=Relation(relation),
            sources=tuple(Source(source) for source in sources.split()),
            rationale=rationale,
        )
    except (KeyError, ValueError) as error:
        raise CatalogueError(f"{control}: mapping {row!r} is malformed: {error}") from error
