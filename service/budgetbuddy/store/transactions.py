"""Transactions in the ledger: each write moves account, month and audit trail with the row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from budgetbuddy.domain import transactions as rules
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id, require_id
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Page, Position, Sealer, UserRef
from budgetbuddy.domain.transactions import (
    Fields,
    Split,
    SplitDraft,
    Transaction,
    TransactionDraft,
    TransactionFilter,
)
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.balances import balance_writes
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.import_locks import lock_key, lock_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_pages import transaction_page
from budgetbuddy.store.transaction_rows import (
    decode_transaction,
    transaction_key,
    transaction_write,
)


class TransactionStore:
    """Implements `domain.transactions.Transactions`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(
        self, user: UserRef, wanted: TransactionFilter, *, limit: int, start: Position | None
    ) -> Page[Transaction]:
        """One page in the order asked for."""
        return transaction_page(self._store, self._sealer, user, wanted, limit=limit, start=start)

    def get(self, user: UserRef, transaction_id: str) -> Transaction:
        """One, deleted ones included."""
        key = transaction_key(user.id, require_id(Kind.TRANSACTION, transaction_id))
        row = self._store.ledger.get(key)
        if row is None:
            raise NotFound
        return decode_transaction(self._store, self._sealer, user, row)

    def add(self, context: Context, draft: TransactionDraft) -> Transaction:
        """W1: the row, its import lock if it has an id, its account, its month."""
        now = self._now()
        new_id = make_id(Kind.TRANSACTION)
        require_id(Kind.ACCOUNT, draft.fields["account_id"])

        def plan(_: Head) -> Plan[Transaction]:
            filed = self._filed(context.user, draft.category_id, draft.splits)
            row = Transaction(**draft.fields, **filed, id=new_id, created_at=now, updated_at=now)
            rules.require_valid_splits(row.splits, row.amount)
            locks = []
            if row.import_id is not None:
                key = lock_key(context.user.id, row.account_id, row.import_id)
                locks.append(lock_write(self._store, key, row.id))
            planned = self._plan(context, None, row, Event.TRANSACTION_CREATED)
            return replace(planned, writes=(*locks, *planned.writes))

        return self._commands.run(context, plan)

    def change(
        self, context: Context, transaction_id: str, version: int, fields: Fields
    ) -> Transaction:
        """W2: the old effects are taken back and the new ones added in one transaction."""
        now = self._now()
        plain = {k: v for k, v in fields.items() if k not in {"category_id", "splits"}}
        if "account_id" in plain:
            require_id(Kind.ACCOUNT, plain["account_id"])

        def plan(_: Head) -> Plan[Transaction]:
            old = self._read(context.user, transaction_id, version)
            filed = self._filed(context.user, fields.get("category_id"), fields.get("splits", ()))
            if "category_id" not in fields:
                del filed["category"]
            if "splits" not in fields:
                del filed["splits"]
            new = rules.changed(old, {**plain, **filed}, now)
            return self._plan(context, old, new, Event.TRANSACTION_UPDATED)

        return self._commands.run(context, plan)

    def remove(self, context: Context, transaction_id: str, version: int) -> None:
        """W3: into the trash, effects taken back."""
        now = self._now()

        def plan(_: Head) -> Plan[Transaction]:
            old = self._read(context.user, transaction_id, version)
            new = rules.deleted(old, now)
            return self._plan(context, old, new, Event.TRANSACTION_DELETED)

        self._commands.run(context, plan)

    def restore(self, context: Context, transaction_id: str) -> Transaction:
        """W3 the other way."""
        now = self._now()

        def plan(_: Head) -> Plan[Transaction]:
            old = self.get(context.user, transaction_id)
            new = rules.restored(old, now)
            return self._plan(context, old, new, Event.TRANSACTION_RESTORED)

        return self._commands.run(context, plan)

    def _plan(
        self, context: Context, old: Transaction | None, new: Transaction, event: Event
    ) -> Plan[Transaction]:
        moved = effects(added=(new,), removed=(old,) if old else ())
        currencies = {row.account_id: row.amount.currency.code for row in (old, new) if row}
        op = "upsert" if new.deleted_at is None else "delete"
        read = old.version if old else None
        return Plan(
            writes=(
                transaction_write(self._store, self._sealer, context.user, new, read=read),
                *balance_writes(self._store, context.user.id, moved, currencies),
            ),
            changes=(Change(type="transaction", id=new.id, op=op, version=new.version),),
            audit=AuditEntry(event=event, object=f"transaction:{new.id}"),
            result=new,
        )

    def _read(self, user: UserRef, transaction_id: str, version: int) -> Transaction:
        row = self.get(user, transaction_id)
        if row.version != version:
            raise VersionConflict(row.version)
        return row

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

    def _now(self) -> str:
        return format_instant(self._store.clock())
