"""DynamoDB expressions from plain data: every name aliased, every value a placeholder.

condition((Exists("pk"), Equals("version", 3)), names, values)
-> "attribute_exists(#n0) AND #n1 = :v0"
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from budgetbuddy.store.codec import Value, encode_value

IN_OPERANDS = 100  # AWS limit; no emulator refuses the 101st


@dataclass(frozen=True)
class Exists:
    """The attribute is there; on `pk` it means that the row exists."""

    name: str


@dataclass(frozen=True)
class Absent:
    """The attribute is not there; on `pk` it means that the row does not exist."""

    name: str


@dataclass(frozen=True)
class Compare:
    """`name op value`. `=` is false on a missing attribute, `<>` is true."""

    name: str
    op: str  # one of = <> < <= > >=
    value: Value


def Equals(name: str, value: Value) -> Compare:  # noqa: N802 - reads beside the other conditions
    """`name = value`, and the attribute exists."""
    return Compare(name, "=", value)


@dataclass(frozen=True)
class Between:
    """`low <= name <= high`."""

    name: str
    low: Value
    high: Value


@dataclass(frozen=True)
class BeginsWith:
    """The string attribute starts with `prefix`."""

    name: str
    prefix: str


@dataclass(frozen=True)
class Contains:
    """The set holds `value`, or the string holds it as a part."""

    name: str
    value: Value


@dataclass(frozen=True)
class OneOf:
    """The attribute equals one of at most 100 values."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Either:
    """At least one of the conditions holds."""

    options: tuple["Condition", ...]


@dataclass(frozen=True)
class All:
    """All of the conditions hold: a conjunction inside `Either`."""

    parts: tuple["Condition", ...]


Condition = Exists | Absent | Compare | Between | BeginsWith | Contains | OneOf | Either | All


@dataclass
class Expressions:
    """Collects the aliases and placeholders of one request."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def name(self, attribute: str) -> str:
        """The alias of `attribute`: names such as `status` or `year` are reserved words."""
        for alias, known in self.names.items():
            if known == attribute:
                return alias
        alias = f"#n{len(self.names)}"
        self.names[alias] = attribute
        return alias

    def value(self, value: Value) -> str:
        """The placeholder of `value`."""
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = encode_value(value)
        return placeholder

    def conjunction(self, conditions: Iterable[Condition]) -> str:
        """All of `conditions`, joined by AND."""
        return " AND ".join(self._render(condition) for condition in conditions)

    def _render(self, condition: Condition) -> str:  # noqa: C901, PLR0911 - one line a kind
        match condition:
            case Exists(name):
                return f"attribute_exists({self.name(name)})"
            case Absent(name):
                return f"attribute_not_exists({self.name(name)})"
            case Compare(name, op, value):
                return f"{self.name(name)} {op} {self.value(value)}"
            case Between(name, low, high):
                return f"{self.name(name)} BETWEEN {self.value(low)} AND {self.value(high)}"
            case BeginsWith(name, prefix):
                return f"begins_with({self.name(name)}, {self.value(prefix)})"
            case Contains(name, value):
                return f"contains({self.name(name)}, {self.value(value)})"
            case OneOf(name, values):
                if not 1 <= len(values) <= IN_OPERANDS:
                    raise ValueError(f"IN takes 1..{IN_OPERANDS} operands, not {len(values)}")
                return f"{self.name(name)} IN ({', '.join(map(self.value, values))})"
            case Either(options):
                return f"({' OR '.join(self._render(option) for option in options)})"
            case All(parts):
                return f"({self.conjunction(parts)})"

    def update(
        self,
        set_: Mapping[str, Value],
        add: Mapping[str, Value],
        remove: Iterable[str],
    ) -> str:
        """An update expression. `add` to a missing number starts at 0."""
        clauses = []
        if set_:
            pairs = (f"{self.name(key)} = {self.value(value)}" for key, value in set_.items())
            clauses.append("SET " + ", ".join(pairs))
        if add:
            pairs = (f"{self.name(key)} {self.value(value)}" for key, value in add.items())
            clauses.append("ADD " + ", ".join(pairs))
        if names := [self.name(key) for key in remove]:
            clauses.append("REMOVE " + ", ".join(names))
        return " ".join(clauses)

    def attach(self, request: dict[str, Any]) -> dict[str, Any]:
        """`request` with the collected names and values."""
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        return request
