"""Whether every package may be used under its licence: metadata against a written policy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING, Any

from license_expression import (  # type: ignore[import-untyped] # it ships no types
    ExpressionError,
    get_spdx_licensing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from delivery.ops.materials import Package

UNKNOWN = "unknown"


class PolicyError(ValueError):
    """The policy cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True)
class LicencePolicy:
    """`allowed` are SPDX identifiers, `spelling` maps what packages write to them.

    `accepted` maps a package to the expression it was accepted under, with its reason beside it in
    the file: another expression of the same package is not accepted.
    """

    allowed: frozenset[str]
    spelling: Mapping[str, str]
    accepted: Mapping[str, str]


def read_policy(document: Any) -> LicencePolicy:
    """From the parsed file. Raises `PolicyError`."""
    if not isinstance(document, dict) or set(document) != {"allowed", "spelling", "accepted"}:
        raise PolicyError("the policy must have exactly allowed, spelling and accepted")
    for name, entry in document["accepted"].items():
        if set(entry) != {"licence", "reason"} or not str(entry["reason"]).strip():
            raise PolicyError(f"accepted {name} must have a licence and a reason")
    return LicencePolicy(
        allowed=frozenset(document["allowed"]),
        spelling=document["spelling"],
        accepted={name: entry["licence"] for name, entry in document["accepted"].items()},
    )


def judge_licences(
    stated: Mapping[str, str], policy: LicencePolicy, *, shipped: frozenset[str] = frozenset()
) -> list[str]:
    """What stands in the way, as words. `stated` is what each package says of itself.

    What is accepted as a tool is not accepted in what is `shipped`, and an accepted entry that
    nothing needs is a finding.
    """
    problems, used = [], set()
    for name, words in sorted(stated.items()):
        expression = policy.spelling.get(words, words)
        if _is_allowed(expression, policy.allowed):
            continue
        if name not in shipped and policy.accepted.get(name) == expression:
            used.add(name)
            continue
        problems.append(f"{name}: {words}")
    idle = sorted(set(policy.accepted) - used)
    return [*problems, *(f"{name} is accepted and nothing needs it" for name in idle)]


def _is_allowed(expression: str, allowed: frozenset[str]) -> bool:
    """Whether the expression can be met with allowed licences alone: OR chooses, AND binds."""
    try:
        parsed = _spdx().parse(expression, validate=True)
    except ExpressionError:
        return False
    if parsed is None:
        return False
    truth = {symbol: symbol.key in allowed for symbol in parsed.symbols}
    return _holds(parsed, truth)


def _holds(node: Any, truth: Mapping[Any, bool]) -> bool:
    if node in truth:
        return truth[node]
    inner = [_holds(each, truth) for each in node.args]
    return any(inner) if isinstance(node, _spdx().OR) else all(inner)


@cache
def _spdx() -> Any:
    """The list of licences, which takes a moment to read."""
    return get_spdx_licensing()


def stated_licences(packages: Iterable[Package]) -> dict[str, str]:
    """What each installed package says of its licence; those of other platforms are left out."""
    found = {}
    for package in packages:
        try:
            about = metadata(package.name)
        except PackageNotFoundError:
            continue
        found[package.name] = _stated(about)
    return found


def _stated(about: Any) -> str:
    """The SPDX expression, else the classifiers, else the first line of the free text."""
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = about.get_all("Classifier") or []
    named = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License ::")]
    free = str(about.get("License") or "").strip().partition("\n")[0]
    return " AND ".join(sorted(set(named))) or free or UNKNOWN
