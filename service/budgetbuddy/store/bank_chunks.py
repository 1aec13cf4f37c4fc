"""One part of a bank sync as a transaction: which rows are new, changed, settled or gone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.bank_sync import (
    new_transaction,
    opening_id,
    opening_transaction,
    rebased,
    updated,
)
from budgetbuddy.domain.banks import BankItem, BankRow, Delta, Opening, RemovedRow, SyncCounts
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer
from budgetbuddy.domain.transactions import Transaction, deleted
from budgetbuddy.store.balances import balance_writes
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import TAIL_ITEMS, TRANSACTION_ITEMS, Head, Plan
from budgetbuddy.store.filing import Filing
from budgetbuddy.store.import_locks import lock_key, lock_write
from budgetbuddy.store.table import BATCH_GET_KEYS, Store
from budgetbuddy.store.transaction_rows import (
    decode_transaction,
    transaction_key,
    transaction_write,
)
from budgetbuddy.store.writes import Key, Write

Step = Opening | BankRow | RemovedRow


class ChunkTooLarge(Exception):  # noqa: N818 - states a fact
    """The steps need more writes than a transaction takes."""


def steps_of(delta: Delta) -> list[Step]:
    """Everything that is to be booked, in its order."""
    return [*delta.openings, *delta.rows, *delta.removed]


@dataclass
class _Booked:
    """What a part does: old and new rows by transaction id, and the locks it takes."""

    old: dict[str, Transaction] = field(default_factory=dict)
    new: dict[str, Transaction] = field(default_factory=dict)
    locks: dict[Key, str] = field(default_factory=dict)

    def current(self, stored: Transaction) -> Transaction:
        """The row as this part has left it so far."""
        return self.new.get(stored.id, stored)

    def change(self, stored: Transaction, changed: Transaction) -> None:
        """Replace a stored row, once however many steps change it."""
        self.old[stored.id] = stored
        self.new[stored.id] = replace(changed, version=stored.version + 1)


@dataclass(frozen=True)
class _Known:
    """Locks and rows as they are stored, read after the head."""

    locks: Mapping[Key, str]
    rows: Mapping[str, Transaction]

    def row(self, lock: Key) -> Transaction | None:
        """The row behind a lock; None where it was purged."""
        return self.rows.get(self.locks.get(lock, ""))


@dataclass(frozen=True)
class BankPlanner:
    """Plans one part. Raises `ChunkTooLarge`."""

    store: Store
    sealer: Sealer
    context: Context
    item: BankItem
    steps: Sequence[Step]
    before: SyncCounts
    held: Write
    filing: Filing

    def __call__(self, _: Head) -> Plan[SyncCounts]:
        """The writes of what is not in the ledger yet."""
        known, booked = self._known(), _Booked()
        for step in self.steps:
            match step:
                case Opening():
                    self._open(step, known, booked)
                case BankRow():
                    self._place(step, known, booked)
                case RemovedRow():
                    self._drop(step, known, booked)
        self._rebase(known, booked)
        writes = (self.held, *self._writes(booked))
        if len(writes) + TAIL_ITEMS > TRANSACTION_ITEMS:
            raise ChunkTooLarge
        counts = self._counts(booked)
        return Plan(
            writes=writes,
            changes=tuple(
                Change(
                    type="transaction",
                    id=row.id,
                    op="delete" if row.deleted_at else "upsert",
                    version=row.version,
                )
                for row in booked.new.values()
            ),
            audit=AuditEntry(
                event=Event.BANK_SYNCED,
                object=f"bank_item:{self.item.id}",
                details={"rows": len(booked.new)},
            ),
            result=counts,
        )

    # --- Steps -----------------------------------------------------------------------------------

    def _open(self, opening: Opening, known: _Known, booked: _Booked) -> None:
        if self._home(opening.account_id, opening_id(opening.account_id), known):
            return
        account_id = self._homes[opening.account_id][0]
        lock = self._lock(account_id, opening_id(opening.account_id))
        row = opening_transaction(
            opening, id_=make_id(Kind.TRANSACTION), account_id=account_id, now=self._now
        )
        booked.new[row.id] = row
        booked.locks[lock] = row.id

    def _place(self, told: BankRow, known: _Known, booked: _Booked) -> None:
        account_id = self._homes[told.account_id][0]
        if home := self._home(told.account_id, told.id, known):
            self._update(known.row(self._lock(home, told.id)), told, booked)
            return
        if told.replaces and (home := self._home(told.account_id, told.replaces, known)):
            pending = self._lock(home, told.replaces)
            booked.locks[self._lock(home, told.id)] = known.locks[pending]
            self._update(known.row(pending), told, booked)
            return
        lock = self._lock(account_id, told.id)
        new = new_transaction(
            told, id_=make_id(Kind.TRANSACTION), account_id=account_id, now=self._now
        )
        row = self.filing(new)
        booked.new[row.id] = row
        booked.locks[lock] = row.id

    def _update(self, stored: Transaction | None, told: BankRow, booked: _Booked) -> None:
        if stored is None:
            return
        changed = updated(booked.current(stored), told, self._now)
        if changed is not None:
            booked.change(stored, changed)

    def _drop(self, gone: RemovedRow, known: _Known, booked: _Booked) -> None:
        """A pending row that was settled has another import id by now, and stays."""
        home = self._home(gone.account_id, gone.id, known)
        stored = known.row(self._lock(home, gone.id)) if home else None
        if stored is None:
            return
        current = booked.current(stored)
        is_its_own = current.import_id == gone.id and current.transfer_id is None
        if is_its_own and current.deleted_at is None:
            booked.change(stored, deleted(current, self._now))

    def _rebase(self, known: _Known, booked: _Booked) -> None:
        """Rows older than the opening balance were part of it."""
        for told_id in self._homes:
            home = self._home(told_id, opening_id(told_id), known)
            stored = known.row(self._lock(home, opening_id(told_id))) if home else None
            if stored is None:
                continue
            added = {row.import_id for i, row in booked.new.items() if i not in booked.old}
            older = [s for s in self.steps if isinstance(s, BankRow) and s.id in added]
            mine = [row for row in older if row.account_id == told_id]
            moved = rebased(booked.current(stored), mine, self._now)
            if moved is not None:
                booked.change(stored, moved)

    # --- Reading and writing ---------------------------------------------------------------------

    def _known(self) -> _Known:
        wanted: dict[Key, None] = {}
        for step in self.steps:
            wanted |= dict.fromkeys(self._locks(step))
        locks = {
            key: str(row["tid"])
            for key, row in zip(wanted, self._read(list(wanted)), strict=True)
            if row is not None
        }
        user = self.context.user
        stored = self._read([transaction_key(user.id, tid) for tid in set(locks.values())])
        rows = [decode_transaction(self.store, self.sealer, user, row) for row in stored if row]
        return _Known(locks=locks, rows={row.id: row for row in rows})

    def _locks(self, step: Step) -> Iterator[Key]:
        match step:
            case Opening(account_id=told):
                names = [opening_id(told)]
            case BankRow():
                names = [step.id, opening_id(step.account_id)]
                names += [step.replaces] if step.replaces else []
            case RemovedRow():
                names = [step.id]
        for home in self._homes[step.account_id]:
            yield from (self._lock(home, name) for name in names)

    def _read(self, keys: Sequence[Key]) -> list[Item | None]:
        found: list[Item | None] = []
        for start in range(0, len(keys), BATCH_GET_KEYS):
            part = keys[start : start + BATCH_GET_KEYS]
            found += self.store.batch_get([(self.store.ledger, key) for key in part])
        return found

    def _writes(self, booked: _Booked) -> Iterator[Write]:
        user, old = self.context.user, booked.old
        for row in booked.new.values():
            read = old[row.id].version if row.id in old else None
            yield transaction_write(self.store, self.sealer, user, row, read=read)
        for key, transaction_id in booked.locks.items():
            yield lock_write(self.store, key, transaction_id)
        moved = effects(added=booked.new.values(), removed=old.values())
        touched = {row.account_id: row.amount.currency.code for row in booked.new.values()}
        yield from balance_writes(self.store, user.id, moved, touched)

    def _counts(self, booked: _Booked) -> SyncCounts:
        created = sum(i not in booked.old for i in booked.new)
        removed = sum(row.deleted_at is not None for row in booked.new.values())
        return SyncCounts(
            created=self.before.created + created,
            changed=self.before.changed + len(booked.new) - created - removed,
            removed=self.before.removed + removed,
        )

    def _lock(self, account_id: str, import_id: str) -> Key:
        return lock_key(self.context.user.id, account_id, import_id)

    def _home(self, told_account: str, import_id: str, known: _Known) -> str | None:
        """The account that a row of the bank is booked on; None for a new one."""
        homes = self._homes[told_account]
        return next((a for a in homes if self._lock(a, import_id) in known.locks), None)

    @property
    def _homes(self) -> dict[str, tuple[str, ...]]:
        """By bank account: where its rows go, and where they went before."""
        return {
            linked.provider_id: (linked.account_id, *linked.former)
            for linked in self.item.accounts
            if linked.account_id is not None
        }

    @property
    def _now(self) -> str:
        return format_instant(self.store.clock())
