"""Tags as AWS will see them: the resource's own over the provider's default ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from guardrails.values import Known, Node, read, text, value_at

if TYPE_CHECKING:
    from guardrails.control import Options
    from guardrails.graph import Resource

OUT_OF_SCOPE: Final = ("out", "none", "no", "false")


def tag(resource: Resource, name: str) -> str | None:
    """The value of one tag, or None. Raises `UndecidedError` when it is unknown."""
    for where in ("tags", "tagsAll"):
        if (value := text(resource, (where, name))) is not None:
            return value
    return default_tags(resource).get(name)


def is_protected(resource: Resource, options: Options) -> bool:
    """Whether the resource stands in an environment the control is meant for, or does not say."""
    environment = tag(resource, options.text("environmentTag"))
    return environment is None or environment in options.strings("environments")


def is_sensitive(resource: Resource, options: Options) -> bool:
    """Whether card or health data may be held: by its class, by its scope, or because it is silent.

    A class on the list always counts, then the scope when it is declared; only without one does
    another class take the resource out.
    """
    data_class = tag(resource, options.text("dataClassTag"))
    if data_class in options.strings("dataClasses"):
        return True
    scope = tag(resource, options.text("scopeTag"))
    return data_class is None if scope is None else scope.lower() not in OUT_OF_SCOPE


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
