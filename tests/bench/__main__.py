"""`python tests/bench`: every benchmark, as one table of ratios."""

from __future__ import annotations

import controls
import overhead
import packs
from results import show

from localcloud.paths import BUILD

# The controls come first: their memory is that of the largest child process so far.
show([*controls.measure(), *overhead.measure(), *packs.measure()], BUILD / "bench.json")
