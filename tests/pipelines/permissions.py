"""What IAM would decide, computed from the documents: explicit Deny, then Allow, then the boundary.

Conservative: an Allow counts although its conditions may not hold, a Deny only when nothing in the
request can escape it. What is found forbidden here is forbidden.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Document = list[dict[str, Any]]
Context = Mapping[str, str]


def statements(document: str) -> Document:
    found: Document = json.loads(document)["Statement"]
    return found


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A role: its own documents, and the boundary they never exceed."""

    name: str
    documents: tuple[Document, ...]
    boundary: Document

    def may(self, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether `action` on the ARN `resource` could be allowed in any circumstances.

        `context` is what is known of the request; keys that are not in it are absent.
        """
        own = [each for document in self.documents for each in document]
        return all(
            allowed(document, action, resource, context or {}) for document in (own, self.boundary)
        )

    @property
    def allows(self) -> Iterable[dict[str, Any]]:
        """Its Allow statements."""
        return (s for d in self.documents for s in d if s["Effect"] == "Allow")


def allowed(document: Document, action: str, resource: str, context: Context) -> bool:
    matching = [s for s in document if _is_about(s, action, resource)]
    if any(s["Effect"] == "Deny" and _holds(s, context) for s in matching):
        return False
    return any(s["Effect"] == "Allow" and not _contradicts(s, context) for s in matching)


def _is_about(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    named = any(
        fnmatchcase(action.lower(), pattern.lower()) for pattern in as_list(statement["Action"])
    )
    if "NotResource" in statement:
        return named and not _covers(statement["NotResource"], resource)
    return named and _covers(statement["Resource"], resource)


def _covers(patterns: str | list[str], resource: str) -> bool:
    return any(fnmatchcase(resource, pattern) for pattern in as_list(patterns))


def _holds(deny: Mapping[str, Any], context: Context) -> bool:
    """Whether a Deny applies for certain."""
    tests = deny.get("Condition", {})
    return all(
        _is_true(operator, key, as_list(values), context)
        for operator, keys in tests.items()
        for key, values in keys.items()
    )


def _is_true(operator: str, key: str, values: list[str], context: Context) -> bool:
    given = context.get(key)
    match operator:
        case "Null":
            return (given is None) == (values == ["true"])
        case "StringNotEquals" | "ForAllValues:StringNotEquals":
            # A caller may have chosen a value that escapes, unless the request is known.
            return given is not None and given not in values
    raise NotImplementedError(f"condition operator {operator} in a Deny")


def _contradicts(allow: Mapping[str, Any], context: Context) -> bool:
    """Whether what is known of the request is not what an Allow asks for."""
    for operator, keys in allow.get("Condition", {}).items():
        for key, values in keys.items():
            if key not in context or operator not in CHECKED:
                continue
            if not any(fnmatchcase(context[key], value) for value in as_list(values)):
                return True
    return False


CHECKED = (
    "StringEquals",
    "StringLike",
    "ArnLike",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringLike",
)
