"""What one change does to one transaction: the row before and after, and the locks it takes.

Several steps of one user go into one transaction; their effects on accounts and months are summed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from budgetbuddy.domain import transactions as rules
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import Change, Sealer, UserRef
from budgetbuddy.domain.rules import filed
from budgetbuddy.domain.transactions import (
    Fields,
    Split,
    SplitDraft,
    Transaction,
    TransactionDraft,
)
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.balances import balance_writes
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.commands import Head
from budgetbuddy.store.import_locks import lock_key, lock_write
from budgetbuddy.store.rules import load_rules
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_rows import (
    decode_transaction,
    transaction_key,
    transaction_write,
)
from budgetbuddy.store.writes import Write


@dataclass(frozen=True, kw_only=True)
class Step:
    """One row before (`None`: there was none) and after."""

    old: Transaction | None
    new: Transaction
    locks: tuple[Write, ...] = ()

    @property
    def change(self) -> Change:
        """As the change feed tells it."""
        op = "upsert" if self.new.deleted_at is None else "delete"
        return Change(type="transaction", id=self.new.id, op=op, version=self.new.version)


class Steps:
    """Makes steps from what is stored; everything is read after the head."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def load(self, user: UserRef, transaction_id: str, version: int | None = None) -> Transaction:
        """One, deleted ones included. Raises `NotFound`, `VersionConflict`."""
        key = transaction_key(user.id, require_id(Kind.TRANSACTION, transaction_id))
        row = self._store.ledger.get(key)
        if row is None:
            raise NotFound
        found = decode_transaction(self._store, self._sealer, user, row)
        if version is not None and found.version != version:
            raise VersionConflict(found.version)
        return found

    def add(
        self, user: UserRef, draft: TransactionDraft, new_id: str, now: str, head: Head
    ) -> Step:
        """A new row, filed by the user's rules, and the lock of its import id if it has one."""
        require_id(Kind.ACCOUNT, draft.fields["account_id"])
        parts = self._filed(user, draft.category_id, draft.splits)
        row = Transaction(**draft.fields, **parts, id=new_id, created_at=now, updated_at=now)
        rules.require_valid_splits(row.splits, row.amount)
        given = {"category_id"} if draft.category_id else set()
        if head.rules:
            row = self._ruled(user, row, frozenset(given | draft.fields.keys()))
        if row.import_id is None:
            return Step(old=None, new=row)
        key = lock_key(user.id, row.account_id, row.import_id)
        return Step(old=None, new=row, locks=(lock_write(self._store, key, row.id),))

    def change(
        self, user: UserRef, transaction_id: str, version: int, fields: Fields, now: str
    ) -> Step:
        """Fields replaced."""
        if "account_id" in fields:
            require_id(Kind.ACCOUNT, fields["account_id"])
        plain = {k: v for k, v in fields.items() if k not in {"category_id", "splits"}}
        old = self.load(user, transaction_id, version)
        filed = self._filed(user, fields.get("category_id"), fields.get("splits", ()))
        if "category_id" not in fields:
            del filed["category"]
        if "splits" not in fields:
            del filed["splits"]
        return Step(old=old, new=rules.changed(old, {**plain, **filed}, now))

    def remove(self, user: UserRef, transaction_id: str, version: int, now: str) -> Step:
        """Into the trash."""
        old = self.load(user, transaction_id, version)
        return Step(old=old, new=rules.deleted(old, now))

    def restore(self, user: UserRef, transaction_id: str, now: str) -> Step:
        """Out of it."""
        old = self.load(user, transaction_id)
        return Step(old=old, new=rules.restored(old, now))

    def writes(self, user: UserRef, steps: Sequence[Step]) -> tuple[Write, ...]:
        """All rows and locks, each account and each month once."""
        rows = [row for step in steps for row in (step.old, step.new) if row]
        moved = effects(
            added=[step.new for step in steps], removed=[step.old for step in steps if step.old]
        )
        currencies = {row.account_id: row.amount.currency.code for row in rows}
        return (
            *(lock for step in steps for lock in step.locks),
            *(self._row_write(user, step) for step in steps),
            *balance_writes(self._store, user.id, moved, currencies),
        )

    def _ruled(self, user: UserRef, row: Transaction, given: frozenset[str]) -> Transaction:
        """What the user's rules make of a new row; what was given stays."""
        found = filed(row, load_rules(self._store, self._sealer, user), kept=given)
        if found.category_id is None or row.category is not None:
            return found.row
        refs = load_refs(self._store, user, [found.category_id])
        return replace(found.row, category=refs[found.category_id])

    def _row_write(self, user: UserRef, step: Step) -> Write:
        read = step.old.version if step.old else None
        return transaction_write(self._store, self._sealer, user, step.new, read=read)

    def _filed(
        self, user: UserRef, category_id: str | None, splits: Sequence[SplitDraft]
    ) -> dict[str, Any]:
        """`category` and `splits` of a transaction, their categories looked up in one read."""
        ids = [split.category_id for split in splits]
        refs = load_refs(self._store, user, [*ids, category_id] if category_id else ids)
        return {
            "category": refs[category_id] if category_id else None,
            "splits": tuple(
                Split(category=refs[s.category_id], amount=s.amount, note=s.note) for s in splits
            ),
        }
