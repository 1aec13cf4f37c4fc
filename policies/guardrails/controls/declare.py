"""How a check is attached to a control id and the resource types it judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardrails.control import Check, StackCheck

# A check keeps its own signature, because some checks are built from others.
CheckT = TypeVar("CheckT", bound="Check")
StackCheckT = TypeVar("StackCheckT", bound="StackCheck")


@dataclass
class Declaration:
    """The code half of a control."""

    check: Check | None = None
    check_types: tuple[str, ...] = ()
    join: StackCheck | None = None
    join_types: tuple[str, ...] = ()


DECLARED: dict[str, Declaration] = {}


def judges(control: str, *types: str) -> Callable[[CheckT], CheckT]:
    """The decorated function judges each resource of `types` alone, from its inputs.

    When the control has a stack half as well, None means "left to the stack half".
    """

    def attach(check: CheckT) -> CheckT:
        entry = DECLARED.setdefault(control, Declaration())
        entry.check, entry.check_types = check, types
        return check

    return attach


def judges_in_stack(control: str, *types: str) -> Callable[[StackCheckT], StackCheckT]:
    """The decorated function judges each resource of `types` by what else is in the stack."""

    def attach(join: StackCheckT) -> StackCheckT:
        entry = DECLARED.setdefault(control, Declaration())
        entry.join, entry.join_types = join, types
        return join

    return attach
