"""What the SDK does not tell about a type: one data file per service, each entry with its source.

An entry may hold: `replace` (inputs whose change makes a new resource), `defaults` (inputs the
provider fills in), `autoname`, `id`, `outputs` (templates, see `outputs`), `nested` (templates of
fields AWS adds inside an object), `delete_first` (a replacement must not overlap the old resource)
and `source`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from localcloud.providers.aws import schema
from localcloud.providers.aws.naming import Autoname


@dataclass(frozen=True)
class Facts:
    """One type's entry; everything has a sensible value for a type without an entry."""

    replace: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    autoname: Autoname | None = None
    id: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    delete_first: bool = False


@cache
def of(token: str) -> Facts:
    """The facts about a type, completed by what its documentation says about replacement."""
    entry = _all().get(token, {})
    described = schema.resource(token)
    documented = {p.name for p in described.inputs.values() if p.documented_to_replace}
    replace = entry.get("replace")
    return Facts(
        replace=frozenset(documented if replace is None else replace) | {"region"},
        defaults=entry.get("defaults", {}),
        autoname=_autoname(entry, described),
        id=entry.get("id"),
        outputs=entry.get("outputs", {}),
        nested=entry.get("nested", {}),
        delete_first=entry.get("delete_first", False),
    )


@cache
def _all() -> Mapping[str, Mapping[str, Any]]:
    merged: dict[str, Mapping[str, Any]] = {}
    for file in files(__name__).iterdir():
        if file.name.endswith(".json"):
            merged |= json.loads(file.read_text())
    return merged


def _autoname(entry: Mapping[str, Any], described: schema.ResourceSchema) -> Autoname | None:
    """The rule of a type: its entry's, or `name` if that may be missing but always comes back."""
    if "autoname" in entry:
        return Autoname(**entry["autoname"]) if entry["autoname"] else None
    given, shown = described.inputs.get("name"), described.outputs.get("name")
    if given and shown and given.optional and not shown.optional:
        return Autoname()
    return None
