"""AWS policy documents as immutable statements, rendered the same way every time.

One type serves identity, key, bucket, topic and repository policies. A statement for `*` says why.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

VERSION = "2012-10-17"
NO_RESOURCE = "AWS offers no resource for these"
THIS_KEY = "in a key policy, * is the key that carries it"
# AWS limits, in characters without white space.
MANAGED_POLICY_SIZE = 6144
INLINE_POLICY_SIZE = 10_240

Values = str | tuple[str, ...]
Conditions = Mapping[str, Mapping[str, Values]]
Principals = Mapping[str, Values] | Literal["*"]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What `principals` may or may not do; identity policies have none.

    `except_resources` turns a Deny into "everything but" and is refused in an Allow.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    except_resources: tuple[str, ...] = ()
    conditions: Conditions = field(default_factory=dict)
    principals: Principals | None = None
    effect: Literal["Allow", "Deny"] = "Allow"
    wildcard_reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what no reviewer should have to find."""
        if not self.actions or not (self.resources or self.except_resources):
            raise ValueError(f"statement {self.sid} names no action or no resource")
        if self.effect == "Deny":
            return
        if self.except_resources:
            raise ValueError(f"statement {self.sid} allows everything but a list")
        if any(action.partition(":")[2] in ("", "*") for action in self.actions):
            raise ValueError(f"statement {self.sid} allows a whole service")
        if "*" in self.resources and not self.wildcard_reason:
            raise ValueError(f"statement {self.sid} allows every resource and does not say why")

    def rendered(self) -> dict[str, Any]:
        """The statement as AWS spells it; one value stands alone, several are a sorted list."""
        statement: dict[str, Any] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals is not None:
            statement["Principal"] = "*" if self.principals == "*" else _sorted(self.principals)
        statement["Action"] = _plain(self.actions)
        if self.except_resources:
            statement["NotResource"] = _plain(self.except_resources)
        else:
            statement["Resource"] = _plain(self.resources)
        if self.conditions:
            statement["Condition"] = {
                operator: _sorted(keys) for operator, keys in sorted(self.conditions.items())
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


def verbs(service: str, names: str) -> tuple[str, ...]:
    """`verbs("ecs", "CreateCluster Describe*")` is both actions of the service."""
    return tuple(f"{service}:{name}" for name in names.split())


def everywhere(sid: str, *actions: str) -> Statement:
    """Actions that AWS cannot tie to a resource."""
    return Statement(sid=sid, actions=actions, resources=("*",), wildcard_reason=NO_RESOURCE)


def service(*names: str) -> dict[str, tuple[str, ...]]:
    """AWS services as principals: `service("codebuild")` is `codebuild.amazonaws.com`."""
    return {"Service": tuple(f"{name}.amazonaws.com" for name in names)}


def _plain(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else sorted(set(values))


def _sorted(mapping: Mapping[str, Values]) -> dict[str, str | list[str]]:
    return {
        key: value if isinstance(value, str) else _plain(value)
        for key, value in sorted(mapping.items())
    }
