"""Chains of audit rows that belong to no user: `AUD#~{name}`, linked like those of users."""

from typing import Final

from budgetbuddy.domain.audit import GENESIS, AuditRow, Event, Outcome
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.store.commands import audit_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Write

ERASURES: Final = "~erasure"  # in the place of a subject, which is hexadecimal
OPERATOR: Final = "~operator"
CHAIN_TRIES: Final = 5  # writers of one chain meet rarely


def next_link(store: Store, chain: str, event: Event, *, object_: str, sealed: bytes) -> Write:
    """The row after the last one. Its write raises `Retry` when another writer was first."""
    last = store.audit.page(f"AUD#{chain}", limit=1).items
    row = AuditRow(
        subject=chain,
        seq=int(last[0]["sk"]) + 1 if last else 1,
        at=format_instant(store.clock()),
        event=event,
        actor="system" if chain == ERASURES else "operator",
        object=object_,
        outcome=Outcome.SUCCESS,
        sealed=sealed,
        prev=last[0]["hash"] if last else GENESIS,
    )
    return audit_write(store, row)
