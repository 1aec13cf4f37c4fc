"""The service or its worker as they are, but for numbers that would make a fault run long.

`python target.py api|worker`. Ratio, window, least number of calls and successes of the breakers
are the configured ones; how long they stay open, and how long a call may take, is shortened. No
limit of requests, which has tests of its own, slows the callers down.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from budgetbuddy import composition_banks, composition_billing, server, worker
from budgetbuddy.domain import access
from budgetbuddy.gateways import plaid
from budgetbuddy.gateways.resilience import DependencyPolicy, Timeout
from budgetbuddy.settings import load_settings

if TYPE_CHECKING:
    from flask import Flask

OPEN_SECONDS = float(os.environ["FAULT_OPEN_SECONDS"])
SHORT = Timeout(connect=1, read=1)
UNLIMITED = 1_000_000


def shorten() -> None:
    """In the process that serves."""
    composition_banks.PLAID = _short(composition_banks.PLAID)
    composition_billing.STRIPE = _short(composition_billing.STRIPE)
    plaid.SYNC_TIMEOUT = SHORT
    plaid.PLAID_READS = replace(plaid.PLAID_READS, first_seconds=0.1)
    plaid.SYNC_READS = replace(plaid.SYNC_READS, first_seconds=0.1)
    worker.FIRST_RETRY_SECONDS = 1
    buckets = access.BUCKETS
    assert isinstance(buckets, dict)
    for name in buckets:
        buckets[name] = replace(buckets[name], limit=UNLIMITED)


def _short(policy: DependencyPolicy) -> DependencyPolicy:
    breaker = replace(policy.breaker, open_seconds=OPEN_SECONDS)
    return replace(policy, timeout=SHORT, breaker=breaker)


def application() -> Flask:
    """What the server's process runs."""
    shorten()
    return server.worker_application()


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        shorten()
        sys.exit(worker.run(load_settings(os.environ)) or 0)
    built = server.build_server(load_settings(os.environ))
    built.target = "target:application"
    built.serve()
