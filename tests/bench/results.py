"""What a benchmark says, and how it is shown: ratios of one run, never bare times."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Result:
    """One ratio: what was measured against its baseline, and the bar it is held to."""

    name: str
    measured: str
    baseline: str
    ratio: float
    bar: float


def show(results: Sequence[Result], file: Path) -> None:
    """Print the table and keep it as JSON."""
    table = Table("benchmark", "measured", "baseline", "ratio", "bar")
    for result in results:
        colour = "green" if result.ratio <= result.bar else "red"
        table.add_row(
            result.name,
            result.measured,
            result.baseline,
            f"[{colour}]{result.ratio:.2f}[/{colour}]",
            f"≤ {result.bar:g}",
        )
    Console(width=110).print(table)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
