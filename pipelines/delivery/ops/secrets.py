"""Credentials of other companies: checked before they are stored, and never shown."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from budgetbuddy import contract
from delivery.naming import PROJECT
from delivery.settings import PRODUCTION

SHOWN_HASH = 6
PLACEHOLDER = re.compile(
    r"(?i)^(?:x+|\*+|<.*>|\$\{.*\}|changeme|placeholder|todo|example.*|your[-_ ].*)$"
)
# Client tokens of Secrets Manager are UUIDs; one value gives one token: a repeat changes nothing.
TOKEN_NAMESPACE = uuid.UUID("6b1f1f5e-7f0a-5d3c-9a44-0d1a8a3f6f10")


class RefusedError(Exception):
    """The value cannot be right; the message names the field, never the value."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What an issuer gives out; in production `live` instead, where the two differ."""

    test: str
    live: str | None = None


WEBHOOK_SECRET = "whsec_[A-Za-z0-9+/=]{16,}"  # noqa: S105 - a shape, not a value
KINDS = ("plaid", "stripe")
SHAPES: Mapping[tuple[str, str], Shape] = {
    ("plaid", "clientId"): Shape(test=r"[0-9a-f]{24}"),
    ("plaid", "secret"): Shape(test=r"[0-9a-f]{30}"),
    ("stripe", "secretKey"): Shape(
        test=r"[rs]k_test_[A-Za-z0-9]{16,}", live=r"[rs]k_live_[A-Za-z0-9]{16,}"
    ),
    ("stripe", "webhookSecret"): Shape(
        test=r"whsec_[A-Za-z0-9+/=]{16,}(,whsec_[A-Za-z0-9+/=]{16,})?"
    ),
}
# A key that the service reads and nobody has described yet: long, and without white space.
ANY_CREDENTIAL = Shape(test=r"\S{16,}")


def expected_keys(kind: str) -> set[str]:
    """The keys the service reads from a secret; the contract names them."""
    return {each.json_key for each in contract.SECRETS if each.secret == kind}


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A value ready to be stored. Only `fingerprint` may be shown."""

    secret: str
    text: str
    token: str
    fingerprint: str

    def __repr__(self) -> str:
        return f"Sealed({self.secret}, {self.fingerprint})"


def seal(kind: str, text: str, environment: str) -> Sealed:
    """The value for Secrets Manager from JSON text, keys sorted.

    Raises `RefusedError` for text that is no JSON object, for keys that are missing or unknown,
    and for values that are no such credential or one of another environment.
    """
    expected = expected_keys(kind)
    if not expected:
        raise RefusedError(f"the service reads no secret of {kind}")
    values = _parsed(text)
    if set(values) != expected:
        raise RefusedError(f"{kind} must have exactly the keys {', '.join(sorted(expected))}")
    for key in sorted(expected):
        _check(key, SHAPES.get((kind, key), ANY_CREDENTIAL), values[key], environment)
    name = f"{PROJECT}/{kind}"
    value = json.dumps(values, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(value.encode()).hexdigest()
    return Sealed(
        secret=name,
        text=value,
        token=str(uuid.uuid5(TOKEN_NAMESPACE, f"{name}:{digest}")),
        fingerprint=digest[:SHOWN_HASH],
    )


def _parsed(text: str) -> dict[str, object]:
    try:
        values = json.loads(text)
    except ValueError:
        raise RefusedError("the input is not JSON") from None  # its message quotes the input
    if not isinstance(values, dict):
        raise RefusedError("the input must be a JSON object")
    return values


def _check(key: str, shape: Shape, value: object, environment: str) -> None:
    if not isinstance(value, str) or not value:
        raise RefusedError(f"{key} must be a text")
    if any(character.isspace() for character in value):
        raise RefusedError(f"{key} holds white space")
    if PLACEHOLDER.match(value):
        raise RefusedError(f"{key} is a placeholder")
    live = shape.live if environment == PRODUCTION else None
    if not re.fullmatch(live or shape.test, value):
        where = f" of {environment}" if shape.live else ""
        raise RefusedError(f"{key} is no such credential{where}")
