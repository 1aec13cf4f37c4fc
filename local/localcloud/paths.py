"""Where things lie: the checkout, what is built in it, and the cache shared by checkouts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = CHECKOUT / "build"

ENGINE = BUILD / "engine"

# Everything a run leaves behind. Another directory is another local cloud, beside the first.
STATE = Path(os.environ.get("LOCALCLOUD_STATE") or BUILD).resolve()

LOCAL = STATE / "local"  # stack `local`: kept between `up`s, removed by `down --wipe`
PREVIEWS = STATE / "preview"
EVIDENCE = STATE / "evidence"


def shown(path: Path) -> str:
    """`path` as people read it: relative to the checkout where it lies in it."""
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else str(path)


# Executables of the environment this interpreter belongs to.
SCRIPTS = Path(sys.prefix) / "bin"


def cache_directory() -> Path:
    """The user's cache for this project: built engines survive a fresh checkout."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "budgetbuddy"
