"""The policy configuration file: options and levels, in the form the engine takes.

The engine accepts a name it does not know in silence, so that a typing error keeps the default;
here it is refused, as is an option of another type than its control declares.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from guardrails.sources.failure import UnusableInputError
from guardrails.verdicts import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from guardrails.control import Control, Option

EVERY: Final = "all"
LEVEL: Final = "enforcementLevel"
# A file has no second chance to remediate: what is not cured counts as mandatory, as in the engine.
LEVELS: Final = {level.value: level for level in Level} | {"remediate": Level.MANDATORY}


@dataclass(frozen=True)
class Configuration:
    """Options and levels by policy name; the level under `all` counts where none is given."""

    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    levels: Mapping[str, Level] = field(default_factory=dict)

    def applied(self, controls: Iterable[Control]) -> dict[str, Control]:
        """The controls by id with their configured levels, without what is switched off.

        A control of two halves loses the half that is off, and has the stricter level of the rest.
        """
        found: dict[str, Control] = {}
        for control in controls:
            first, second = self._level(control.policy), self._level(control.stack_policy)
            check = control.check if first is not Level.DISABLED else None
            join = control.join if second is not Level.DISABLED else None
            if check or join:
                halves = [h for h, half in ((first, check), (second, join)) if half]
                level = _strictest(halves, control.level)
                found[control.id] = replace(control, check=check, join=join, level=level)
        return found

    def _level(self, policy: str) -> Level | None:
        return self.levels.get(policy, self.levels.get(EVERY))


def _strictest(levels: list[Level | None], default: Level) -> Level:
    chosen = [level or default for level in levels]
    return Level.MANDATORY if Level.MANDATORY in chosen else chosen[0]


def load(path: Path, controls: Mapping[str, Control]) -> Configuration:
    """Read and check the file. Raises `UnusableInputError` that names what is wrong."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _refusal(path, type(error).__name__, "Give a JSON object.") from None
    declared: dict[str, tuple[Option, ...]] = {
        control.stack_policy: () for control in controls.values()
    }
    declared |= {control.policy: control.options for control in controls.values()}
    if not isinstance(raw, dict) or raw.keys() - declared.keys() - {EVERY}:
        raise _refusal(
            path,
            "it names a policy that is not in the catalogue",
            "Use control ids in lower case; `python -m guardrails controls` lists them.",
        )
    options: dict[str, dict[str, Any]] = {}
    levels: dict[str, Level] = {}
    for policy, given in raw.items():
        own = dict(given) if isinstance(given, dict) else {LEVEL: given}
        if LEVEL in own:
            levels[policy] = _level(path, policy, own.pop(LEVEL))
        options[policy] = own
        _check(path, policy, own, declared.get(policy, ()))
    return Configuration(options, levels)


def _level(path: Path, policy: str, given: Any) -> Level:
    if isinstance(given, str) and given in LEVELS:
        return LEVELS[given]
    raise _refusal(path, f"{policy} has no such level", f"Use one of {', '.join(LEVELS)}.")


def _check(path: Path, policy: str, given: Mapping[str, Any], declared: Iterable[Option]) -> None:
    known = {option.name: option for option in declared}
    for name, value in given.items():
        if name not in known:
            raise _refusal(
                path,
                f"{policy} has no option {name}",
                f"`python -m guardrails controls {policy.upper()}` lists its options.",
            )
        if not known[name].accepts(value):
            kind = known[name].schema["type"]
            raise _refusal(path, f"{policy}.{name} is not of the type {kind}", "Correct the value.")


def _refusal(path: Path, why: str, remedy: str) -> UnusableInputError:
    return UnusableInputError(f"{path} is no policy configuration", why, remedy)
