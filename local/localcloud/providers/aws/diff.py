"""Diff: which properties change, and which of those need a new resource."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.providers.aws import facts
from localcloud.providers.aws.values import parsed_json, plain


@dataclass(frozen=True)
class Change:
    """A changed property: its path, whether it appears, vanishes or differs, and if it replaces."""

    path: str
    kind: str  # ADD, DELETE or UPDATE
    replaces: bool

    @property
    def wire_kind(self) -> str:
        """Name of the change in the engine's protocol."""
        return f"{self.kind}_REPLACE" if self.replaces else self.kind


def changes(token: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[Change]:
    """Differences between old and new inputs; an unknown new value counts as a change."""
    about = facts.of(token)
    before, after = plain(olds), plain(news)
    return [
        Change(path, kind, replaces=key in about.replace)
        for key in sorted(before.keys() | after.keys())
        for path, kind in _differences(key, before.get(key), after.get(key))
    ]


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    if _same(old, new):
        return
    if old is None or new is None:
        yield path, "ADD" if old is None else "DELETE"
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(f"{path}{_step(key)}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}[{index}]", left, right)
    else:
        yield path, "UPDATE"


def _same(old: Any, new: Any) -> bool:
    if old == new:
        return True
    documents = parsed_json(old), parsed_json(new)
    return None not in documents and bool(documents[0] == documents[1])


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f'["{key}"]'
