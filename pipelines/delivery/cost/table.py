"""The table of prices as data: read once, wrong entries refused."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).with_name("prices.yaml")


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars for one unit, and the page that says so."""

    name: str
    usd: float
    per: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A price times quantities, by their names; `once` for the stack, not for each resource."""

    price: Price
    times: tuple[str, ...]
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """What is charged for each type. `hours` are those of a month."""

    checked: str
    region: str
    hours: float
    prices: Mapping[str, Price]
    usage: Mapping[str, float]
    charges: Mapping[str, tuple[Charge, ...]]
    unpriced: Mapping[str, str]
    free: tuple[str, ...]

    def is_free(self, kind: str) -> bool:
        """Whether nothing is charged for the type itself."""
        return any(fnmatch(kind, pattern) for pattern in self.free)


@cache
def price_table() -> Table:
    """The table of this repository."""
    return read_table(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def read_table(document: Mapping[str, Any]) -> Table:
    """From the parsed file. Raises KeyError for a charge that names no price."""
    prices = {name: Price(name=name, **entry) for name, entry in document["prices"].items()}
    return Table(
        checked=str(document["checked"]),
        region=document["region"],
        hours=float(document["hours"]),
        prices=prices,
        usage=document["usage"],
        charges={
            kind: tuple(_charge(entry, prices) for entry in entries)
            for kind, entries in document["charges"].items()
        },
        unpriced=document["unpriced"],
        free=tuple(document["free"]),
    )


def _charge(entry: Mapping[str, Any], prices: Mapping[str, Price]) -> Charge:
    return Charge(
        price=prices[entry["price"]],
        times=tuple(entry["times"].split(" x ")),
        once=entry.get("once", False),
    )
