"""Physical names for resources whose program gives none.

The rule of the real provider: logical name, a hyphen and seven hex digits; the name is kept for the
life of the resource, because the old inputs list it under `__defaults`.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from localcloud.providers.aws.values import DEFAULTS_KEY
from localcloud.providers.errors import ProviderError

SUFFIX_DIGITS = 7
MAX_LENGTH = 255


class Mode(Enum):
    """What the stack's `pulumi:autonaming` setting asks for."""

    DEFAULT = "default"
    PROPOSE = "propose"
    ENFORCE = "enforce"
    DISABLE = "disable"


@dataclass(frozen=True)
class Autoname:
    """How a type names itself: the property, its longest value, and whether it is lower case.

    `prefix` is the property that asks for a generated name with a prefix, where there is one.
    """

    property: str = "name"
    max_length: int = MAX_LENGTH
    lower: bool = False
    prefix: str = "namePrefix"


@dataclass(frozen=True)
class Request:
    """One resource to name: logical name, the engine's seed, the setting and what it proposes."""

    name: str
    seed: bytes = b""
    mode: Mode = Mode.DEFAULT
    proposed: str = ""


def physical_name(rule: Autoname, request: Request, olds: Mapping[str, Any]) -> str:
    """The name to use; the one in `olds` if it was generated before.

    Raises `ProviderError` when naming is disabled or a proposed name does not fit.
    """
    if rule.property in olds.get(DEFAULTS_KEY, ()) and olds.get(rule.property):
        return str(olds[rule.property])
    match request.mode:
        case Mode.DISABLE:
            raise ProviderError(
                f"automatic naming is disabled: set {rule.property} of {request.name} explicitly"
            )
        case Mode.ENFORCE:
            return request.proposed
        case Mode.PROPOSE:
            return _fitting(_transformed(rule, request.proposed), rule)
        case Mode.DEFAULT:
            base = _transformed(rule, request.name)[: rule.max_length - SUFFIX_DIGITS - 1]
            return f"{base}-{_digits(request.seed)}"


def _transformed(rule: Autoname, name: str) -> str:
    return name.lower() if rule.lower else name


def _fitting(name: str, rule: Autoname) -> str:
    if len(name) > rule.max_length:
        raise ProviderError(
            f"the proposed {rule.property} {name!r} has {len(name)} characters, "
            f"at most {rule.max_length} are allowed"
        )
    return name


def _digits(seed: bytes) -> str:
    """Hex digits that are the same for the same seed, so that a preview shows the later name."""
    digest = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(SUFFIX_DIGITS)
    return digest[:SUFFIX_DIGITS]
