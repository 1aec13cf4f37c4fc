"""Import locks, `X#{account}#{digest}`: a row that was imported once is never imported again.

They outlive the transaction: what the user deleted does not come back with the next statement.
"""

import hashlib
from collections.abc import Sequence

from budgetbuddy.domain.ids import base32
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.domain.transactions import (
    DuplicateImport,
)
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Absent
from budgetbuddy.store.table import BATCH_GET_KEYS, Store
from budgetbuddy.store.writes import Key, Write, put


def lock_key(user_id: str, account_id: str, import_id: str) -> Key:
    """Where the lock of an import id lives."""
    digest = int.from_bytes(hashlib.sha256(import_id.encode()).digest()[:16])
    return Key(pk=f"U#{user_id}", sk=f"X#{account_id}#{base32(digest)}")


def lock_write(store: Store, key: Key, transaction_id: str, *, claim: str | None = None) -> Write:
    """Take the lock for a transaction. `claim` is the Idempotency-Key that a file came under."""
    row: Item = {"pk": key.pk, "sk": key.sk, "v": 1, "tid": transaction_id, "claim": claim}
    return put(store.ledger.name, row, when=(Absent("pk"),), refuse=lambda _: DuplicateImport())


def load_locks(
    store: Store, user: UserRef, account_id: str, import_ids: Sequence[str]
) -> list[Item | None]:
    """The locks of these import ids, in their order; None where there is none."""
    keys = [lock_key(user.id, account_id, import_id) for import_id in import_ids]
    locks: list[Item | None] = []
    for start in range(0, len(keys), BATCH_GET_KEYS):
        part = keys[start : start + BATCH_GET_KEYS]
        locks += store.batch_get([(store.ledger, key) for key in part])
    return locks
