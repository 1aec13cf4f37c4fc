"""`python tests/bench`: every benchmark, as one table of ratios."""

from __future__ import annotations

import overhead
import packs
from results import show

from localcloud.paths import BUILD

show([*overhead.measure(), *packs.measure()], BUILD / "bench.json")
