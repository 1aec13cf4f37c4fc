"""The service as it is, but for two numbers that would make a soak slow instead of hard.

A claim of a killed worker is free after 2 s instead of 60, so it is also taken from owners that
are merely slow; and no limit of requests, which has tests of its own, slows the callers down.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from budgetbuddy import server
from budgetbuddy.domain import access
from budgetbuddy.settings import load_settings
from budgetbuddy.store import idempotency

if TYPE_CHECKING:
    from flask import Flask

LEASE_SECONDS = 2
UNLIMITED = 1_000_000


def application() -> Flask:
    """What each worker process runs."""
    idempotency.LEASE_SECONDS = LEASE_SECONDS
    buckets = access.BUCKETS
    assert isinstance(buckets, dict)
    for name in ("read", "write", "import", "sensitive", "register"):
        buckets[name] = replace(buckets[name], limit=UNLIMITED)
    return server.worker_application()


if __name__ == "__main__":
    built = server.build_server(load_settings(os.environ))
    built.target = "target:application"
    built.serve()
