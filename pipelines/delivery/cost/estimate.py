"""Resources to dollars a month, and what one estimate has that another has not."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from delivery.cost.quantities import QUANTITIES, Subject
from delivery.cost.table import Charge, Price, Table, price_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

AWS = "aws:"
CENT = 0.005  # a smaller change is none


@dataclass(frozen=True, kw_only=True)
class Line:
    """All of a stack that is charged at one price. `assumed`: by use, not by what was asked for."""

    price: Price
    quantity: float
    assumed: bool

    @property
    def usd(self) -> float:
        """A month."""
        return self.quantity * self.price.usd


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`lines`, dearest first; `unpriced` maps a type to why it has no line, with `unknown` apart.

    `unknown` are types of AWS that the table does not know: the estimate is too low by them.
    """

    lines: tuple[Line, ...]
    unpriced: Mapping[str, str]
    unknown: Mapping[str, int]
    checked: str
    region: str

    @property
    def usd(self) -> float:
        """A month, all lines together."""
        return sum(line.usd for line in self.lines)

    @property
    def assumed_usd(self) -> float:
        """The part that rests on an assumed use."""
        return sum(line.usd for line in self.lines if line.assumed)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One price whose amount differs."""

    price: Price
    before: float
    after: float

    @property
    def usd(self) -> float:
        """More (or, negative, less) a month."""
        return (self.after - self.before) * self.price.usd


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What `after` costs more than `before`, largest change first."""

    before: float
    after: float
    changes: tuple[Change, ...]

    @property
    def usd(self) -> float:
        """More (or, negative, less) a month."""
        return self.after - self.before

    def summary(self) -> str:
        """One short line: the new amount, the change, and its three largest causes."""
        total = f"about USD {self.after:.0f} a month"
        if not self.changes:
            return f"{total}, as before"
        causes = ", ".join(f"{each.price.name} {each.usd:+.2f}" for each in self.changes[:3])
        return f"{total} ({self.usd:+.2f}: {causes})"


def estimate(resources: Sequence[Mapping[str, Any]], table: Table | None = None) -> Estimate:
    """The month of a stack at rest. A resource has `type`, `urn` and `inputs`, as engines write."""
    table = table or price_table()
    amounts: defaultdict[tuple[str, bool], float] = defaultdict(float)
    prices: dict[str, Price] = {}
    for charge, quantity in _charged(resources, table):
        prices[charge.price.name] = charge.price
        assumed = any(factor in table.usage for factor in charge.times)
        amounts[charge.price.name, assumed] += quantity
    lines = [
        Line(price=prices[name], quantity=quantity, assumed=assumed)
        for (name, assumed), quantity in amounts.items()
        if quantity
    ]
    kinds = Counter(str(each["type"]) for each in resources if str(each["type"]).startswith(AWS))
    return Estimate(
        lines=tuple(sorted(lines, key=lambda line: (-line.usd, line.price.name))),
        unpriced={kind: why for kind, why in table.unpriced.items() if kind in kinds},
        unknown={kind: count for kind, count in kinds.items() if not _is_known(kind, table)},
        checked=table.checked,
        region=table.region,
    )


def difference(before: Estimate, after: Estimate) -> Difference:
    """By price: what is used more and what less."""
    old, new = _amounts(before), _amounts(after)
    prices = {line.price.name: line.price for line in (*before.lines, *after.lines)}
    changes = [
        Change(price=prices[name], before=old.get(name, 0.0), after=new.get(name, 0.0))
        for name in prices
    ]
    changed = [each for each in changes if abs(each.usd) >= CENT]
    return Difference(
        before=before.usd,
        after=after.usd,
        changes=tuple(sorted(changed, key=lambda each: (-abs(each.usd), each.price.name))),
    )


def _charged(
    resources: Sequence[Mapping[str, Any]], table: Table
) -> Iterator[tuple[Charge, float]]:
    met: set[str] = set()
    for resource in resources:
        kind = str(resource["type"])
        subject = Subject(resource=resource, stack=resources, hours=table.hours)
        for charge in table.charges.get(kind, ()):
            if not (charge.once and kind in met):
                yield charge, prod(_quantity(name, subject, table) for name in charge.times)
        met.add(kind)


def _quantity(name: str, subject: Subject, table: Table) -> float:
    return float(table.usage[name]) if name in table.usage else QUANTITIES[name](subject)


def _is_known(kind: str, table: Table) -> bool:
    return kind in table.charges or kind in table.unpriced or table.is_free(kind)


def _amounts(of: Estimate) -> dict[str, float]:
    amounts: defaultdict[str, float] = defaultdict(float)
    for line in of.lines:
        amounts[line.price.name] += line.quantity
    return amounts
