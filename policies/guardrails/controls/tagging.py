"""Tags as AWS will see them: the resource's own over the provider's default ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from guardrails.values import Known, Node, read, text, value_at

if TYPE_CHECKING:
    from guardrails.graph import Resource


def tag(resource: Resource, name: str) -> str | None:
    """The value of one tag, or None. Raises `UndecidedError` when it is unknown."""
    for where in ("tags", "tagsAll"):
        if (value := text(resource, (where, name))) is not None:
            return value
    return default_tags(resource).get(name)


def default_tags(resource: Resource) -> dict[str, str]:
    """The provider's default tags, which reach policies as a JSON string."""
    if resource.provider is None:
        return {}
    match read(resource.provider, "defaultTags"):
        case Known(str() as encoded):
            try:
                parsed = Node(json.loads(encoded))
            except ValueError:
                return {}
        case Known(dict() as plain):
            parsed = Node(plain)
        case _:
            return {}
    tags = value_at(parsed, "tags")
    return {str(k): str(v) for k, v in tags.items()} if isinstance(tags, dict) else {}
