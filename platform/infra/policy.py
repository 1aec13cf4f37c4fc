"""AWS policy documents as immutable statements, rendered the same way every time.

One type serves IAM, key, bucket, topic, secret and endpoint policies. A statement for `*` must say
why, next to it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

VERSION = "2012-10-17"
THIS_KEY = "in a key policy, * is the key that carries it"

Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What `principals` may or may not do. Identity policies have no principals.

    `wildcard_reason` is required for the resource `*`; it stays in the source, AWS has no field
    for it.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)
    principals: Mapping[str, str | tuple[str, ...]] | Literal["*"] | None = None
    effect: Literal["Allow", "Deny"] = "Allow"
    wildcard_reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what no reviewer should have to find."""
        if not self.actions or not self.resources:
            raise ValueError(f"statement {self.sid} names no action or no resource")
        if self.effect == "Deny":
            return
        if any(action.endswith("*") for action in self.actions):
            raise ValueError(f"statement {self.sid} allows a wildcard action")
        if "*" in self.resources and not self.wildcard_reason:
            raise ValueError(f"statement {self.sid} allows every resource and does not say why")

    def rendered(self) -> dict[str, Any]:
        """The statement as AWS spells it; one value stands alone, several are a sorted list."""
        statement: dict[str, Any] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals is not None:
            statement["Principal"] = (
                "*" if self.principals == "*" else _plain_values(self.principals)
            )
        statement["Action"] = _plain(self.actions)
        statement["Resource"] = _plain(self.resources)
        if self.conditions:
            statement["Condition"] = {
                operator: _plain_values(keys) for operator, keys in sorted(self.conditions.items())
            }
        return statement


def render(statements: Iterable[Statement]) -> str:
    """One JSON document, statements sorted by sid. A repeated sid raises ValueError."""
    ordered = sorted(statements, key=lambda statement: statement.sid)
    sids = [statement.sid for statement in ordered]
    if len(set(sids)) != len(sids):
        raise ValueError(f"two statements share a sid: {sids}")
    document = {"Version": VERSION, "Statement": [each.rendered() for each in ordered]}
    return json.dumps(document, separators=(",", ":"))


def service(*names: str) -> dict[str, tuple[str, ...]]:
    """AWS services as principals: `service("cloudwatch")` is `cloudwatch.amazonaws.com`."""
    return {"Service": tuple(f"{name}.amazonaws.com" for name in names)}


def _plain(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else sorted(values)


def _plain_values(
    mapping: Mapping[str, str | tuple[str, ...]],
) -> dict[str, str | list[str]]:
    return {
        key: value if isinstance(value, str) else _plain(value)
        for key, value in sorted(mapping.items())
    }
