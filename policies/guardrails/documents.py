"""IAM-style policy documents: one reading of the many shapes AWS accepts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from guardrails.values import (
    UNKNOWN_KINDS,
    Node,
    UndecidedError,
    WrongTypeError,
    known_text,
    strings,
    text,
    type_name,
    value_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.values import Path

ACCOUNT = re.compile(r"^(?:arn:[^:]+:(?:iam|sts)::)?(\d{12})(?::|$)")
# Condition keys that tie a wildcard principal to known callers or sources.
NARROWING_KEYS = frozenset(
    {
        "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths",
        "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths",
        "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "kms:calleraccount",
        "s3:dataaccesspointaccount", "sts:externalid",
    }
)  # fmt: skip
# Of these a part may be left open without letting strangers in.
OPEN_ENDED = frozenset({"aws:principalorgpaths", "aws:sourceorgpaths", "aws:userid"})
WILD = frozenset("*?")
ACCOUNT_IN_ARN = 4
# Operators that exclude instead of naming, or that are true when the key is absent.
OPEN_OPERATORS = ("not", "null", "ifexists", "forallvalues")


@dataclass(frozen=True)
class Condition:
    """One test of a statement: lower-case operator and key, and the values it names."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def is_closed(self) -> bool:
        """Whether only what is named passes: no exclusion, no open value, not true by absence."""
        closed = not any(word in self.operator for word in OPEN_OPERATORS)
        return closed and bool(self.values) and not any(set(v) <= WILD for v in self.values)

    @property
    def names_callers(self) -> bool:
        """Whether the test admits named callers only, each by its account or more."""
        if self.key not in NARROWING_KEYS or not self.is_closed:
            return False
        return self.key in OPEN_ENDED or all(_names_one(value) for value in self.values)


def _names_one(value: str) -> bool:
    """Whether a value belongs to one owner: an ARN by its account, a bucket's by its name."""
    parts = value.split(":", 5)
    if parts[0] != "arn" or len(parts) <= ACCOUNT_IN_ARN + 1:
        return not WILD & set(value)
    account, resource = parts[ACCOUNT_IN_ARN], parts[ACCOUNT_IN_ARN + 1]
    return not WILD & set(account) if account else not set(resource) <= WILD


@dataclass(frozen=True)
class Statement:
    """One statement. Actions are in lower case, because AWS compares them without case."""

    path: str
    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]  # (kind in lower case, name)
    not_principals: tuple[tuple[str, str], ...]
    conditions: tuple[Condition, ...]

    @property
    def any_principal(self) -> bool:
        """Whether anyone at all is meant; NotPrincipal with Allow means everyone else."""
        wild = any(name == "*" for kind, name in self.principals if kind in ("aws", "*"))
        return wild or bool(self.not_principals)

    @property
    def is_narrowed(self) -> bool:
        """Whether some condition ties the statement to named callers or sources."""
        return any(condition.names_callers for condition in self.conditions)

    @property
    def every_action(self) -> bool:
        """Whether every action is named: `*`, or the same spelled otherwise (`*:*`)."""
        return any("*" in action and set(action) <= WILD | {":"} for action in self.actions)

    @property
    def every_resource(self) -> bool:
        """Whether the statement reaches all resources, with `*` or an ARN of wildcards only."""
        return bool(self.not_resources) or any(_is_everything(name) for name in self.resources)

    def is_bound_to(self, key: str) -> bool:
        """Whether a test of `key` lets named callers in only."""
        return any(c.key == key.lower() and c.names_callers for c in self.conditions)

    def condition(self, key: str) -> Condition | None:
        """The first test of `key`."""
        return next((c for c in self.conditions if c.key == key.lower()), None)

    def accounts(self) -> set[str]:
        """Account ids named as AWS principals."""
        found = (ACCOUNT.match(name) for kind, name in self.principals if kind == "aws")
        return {match[1] for match in found if match}

    def allows_action(self, action: str) -> bool:
        """Whether the statement allows `action` (lower case), wildcards in it included."""
        return self.allows and self.names_action(action)

    def names_action(self, action: str) -> bool:
        """Whether `action` (lower case) is meant, be it allowed or denied."""
        if self.not_actions:
            return not any(fnmatchcase(action, pattern) for pattern in self.not_actions)
        return any(fnmatchcase(action, pattern) for pattern in self.actions)


def _is_everything(resource: str) -> bool:
    """`*`, or an ARN that names nothing after its partition."""
    scheme, _, rest = resource.partition(":")
    named = rest.partition(":")[2] if scheme == "arn" else resource
    return "*" in resource and set(named) <= WILD | {":", "/"}


@lru_cache(maxsize=512)
def _parsed(source: str) -> Any:
    return json.loads(source, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two equal ones readers choose differently."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def document(place: Node, path: Path) -> Node | None:
    """A JSON document held as a string or as an object; None when it is not set.

    Raises `UndecidedError` when any part of it is unknown (one unknown ARN makes the whole string
    unknown), and `WrongTypeError` when it is no JSON object.
    """
    value = value_at(place, path)
    where = ".".join(filter(None, (place.path, path if isinstance(path, str) else ".".join(path))))
    if isinstance(value, str):
        for sentinel, kind in UNKNOWN_KINDS.items():
            if sentinel in value:
                raise UndecidedError(where, kind)
        try:
            value = _parsed(value)
        except (ValueError, RecursionError):
            raise WrongTypeError(where, "JSON document", "text that does not parse") from None
    if value is None:
        return None
    if not isinstance(value, dict | list):
        raise WrongTypeError(where, "JSON document", type_name(value))
    return Node(value, where)


def statements(place: Node, path: Path) -> list[Statement]:
    """The statements of a policy document, single-statement objects included.

    Keys are matched without case, and so is the effect: AWS refuses a lower-case effect, and a
    check that trusted AWS to do so would let it through here.
    """
    found = document(place, path)
    if found is None:
        return []
    source = value_at(place, path)
    # A dozen controls read the same document, so its text is taken apart once.
    whole = _statements_of_text(source, found.path) if isinstance(source, str) else None
    return list(_statements_of(found) if whole is None else whole)


@lru_cache(maxsize=2048)
def _statements_of_text(source: str, where: str) -> tuple[Statement, ...]:
    return _statements_of(Node(_parsed(source), where))


def _statements_of(found: Node) -> tuple[Statement, ...]:
    if not isinstance(found.value, dict):
        raise WrongTypeError(found.path, "policy document", type_name(found.value))
    raw = _folded(found).value.get("statement")
    entries = raw if isinstance(raw, list) else [raw] if raw is not None else []
    return tuple(
        _statement(Node(entry, f"{found.path}.Statement.{index}"))
        for index, entry in enumerate(entries)
    )


def _folded(node: Node) -> Node:
    """The object with its keys in lower case."""
    found = {str(key).lower(): value for key, value in node.value.items()}
    if len(found) != len(node.value):
        raise WrongTypeError(node.path, "object", "key that stands twice")
    return Node(found, node.path)


def _statement(node: Node) -> Statement:
    if not isinstance(node.value, dict):
        raise WrongTypeError(node.path, "statement", type_name(node.value))
    body = _folded(node)
    effect = (text(body, "effect") or "").lower()
    if effect not in ("allow", "deny"):
        raise WrongTypeError(f"{node.path}.Effect", "Allow or Deny", "another effect")
    return Statement(
        path=node.path,
        allows=effect == "allow",
        actions=tuple(action.lower() for action in strings(body, "action")),
        not_actions=tuple(action.lower() for action in strings(body, "notaction")),
        resources=tuple(strings(body, "resource")),
        not_resources=tuple(strings(body, "notresource")),
        principals=tuple(_principals(body, "principal")),
        not_principals=tuple(_principals(body, "notprincipal")),
        conditions=tuple(_conditions(body)),
    )


def _principals(body: Node, key: str) -> Iterator[tuple[str, str]]:
    value = value_at(body, key)
    if value is None:
        return
    if isinstance(value, str):
        yield "*" if value == "*" else "aws", value
        return
    if not isinstance(value, dict):
        raise WrongTypeError(f"{body.path}.{key}", "principal", type_name(value))
    for kind in value:
        for name in strings(Node(value, f"{body.path}.{key}"), (kind,)):
            yield kind.lower(), name


def _conditions(body: Node) -> Iterator[Condition]:
    tests = value_at(body, "condition")
    if tests is None:
        return
    if not isinstance(tests, dict):
        raise WrongTypeError(f"{body.path}.Condition", "object", type_name(tests))
    for operator, keys in tests.items():
        if not isinstance(keys, dict):
            raise WrongTypeError(f"{body.path}.Condition", "object", type_name(keys))
        for key, raw in keys.items():
            listed = raw if isinstance(raw, list) else [raw]
            where = f"{body.path}.Condition.{operator}"
            values = tuple(
                known_text(Node(v, where)) if isinstance(v, str) else json.dumps(v) for v in listed
            )
            yield Condition(operator.lower(), key.lower(), values)
