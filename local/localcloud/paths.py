"""Where things lie: the checkout, what is built in it, and the cache shared by checkouts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = CHECKOUT / "build"

# State of stack `local`: kept between `up`s, removed by `down --wipe`.
LOCAL = BUILD / "local"

ENGINE = BUILD / "engine"
EVIDENCE = BUILD / "evidence"

# Executables of the environment this interpreter belongs to.
SCRIPTS = Path(sys.prefix) / "bin"


def cache_directory() -> Path:
    """The user's cache for this project: built engines survive a fresh checkout."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "budgetbuddy"
