"""The parts of a statement import that are one transaction each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from budgetbuddy.domain.accounts import Account
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.categories import CategoryRef
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.imports import Placed, ReadRows
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.rules import Rule, filed
from budgetbuddy.domain.statements.identity import IdentifiedRow
from budgetbuddy.domain.transactions import (
    Source,
    Transaction,
)
from budgetbuddy.store.balances import balance_writes
from budgetbuddy.store.commands import TAIL_ITEMS, TRANSACTION_ITEMS, Head, Plan
from budgetbuddy.store.import_locks import load_locks, lock_key, lock_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_rows import transaction_write
from budgetbuddy.store.writes import Write

CHUNK_ROWS = 40
_REPORT_ITEMS = 2  # report and job, with the last chunk
_CHUNK_ITEMS = TRANSACTION_ITEMS - TAIL_ITEMS - _REPORT_ITEMS - 1  # the account


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Lines settled so far, and what they became."""

    created: tuple[Placed, ...] = ()
    duplicates: tuple[Placed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunningImport:
    """What stays the same for all chunks of one import."""

    context: Context
    account: Account
    read: ReadRows
    now: str
    categories: dict[str, CategoryRef]
    rules: Sequence[Rule]
    refs: dict[str, CategoryRef]  # of the categories that rules file under
    id: str = field(default_factory=lambda: make_id(Kind.IMPORT))
    job_id: str = field(default_factory=lambda: make_id(Kind.JOB))


@dataclass(frozen=True)
class ChunkPlanner:
    """Plans one chunk: locks are read after the head, so none can appear before the commit."""

    store: Store
    sealer: Sealer
    running: RunningImport
    chunk: Sequence[IdentifiedRow]
    before: Progress

    def __call__(self, _: Head) -> Plan[Progress]:
        """The writes of the rows that are new, and the progress with them."""
        user, account = self.running.context.user, self.running.account
        ids = [row.import_id for row in self.chunk]
        locks = load_locks(self.store, user, account.id, ids)
        created, duplicates = list(self.before.created), list(self.before.duplicates)
        new: list[Transaction] = []
        writes: list[Write] = []
        for row, lock in zip(self.chunk, locks, strict=True):
            if lock is None:
                transaction = self._transaction(row)
                new.append(transaction)
                writes += self._writes(user, transaction, row.import_id)
                created.append(Placed(line=row.row.line, transaction_id=transaction.id))
            else:
                is_mine = lock["claim"] is not None and lock["claim"] == self._claim
                placed = Placed(line=row.row.line, transaction_id=lock["tid"])
                (created if is_mine else duplicates).append(placed)
        currencies = {account.id: account.currency.code} if new else {}
        writes += balance_writes(self.store, user.id, effects(added=new), currencies)
        return Plan(
            writes=tuple(writes),
            changes=tuple(
                Change(type="transaction", id=row.id, op="upsert", version=row.version)
                for row in new
            ),
            audit=AuditEntry(
                event=Event.IMPORT_STARTED,
                object=f"import:{self.running.id}",
                details={"created": len(new)},
            ),
            result=replace(self.before, created=tuple(created), duplicates=tuple(duplicates)),
        )

    @property
    def _claim(self) -> str | None:
        claim = self.running.context.claim
        return claim.key if claim else None

    def _transaction(self, identified: IdentifiedRow) -> Transaction:
        row, now = identified.row, self.running.now
        new = Transaction(
            id=make_id(Kind.TRANSACTION),
            account_id=self.running.account.id,
            date=row.date,
            amount=row.amount,
            description=row.description,
            merchant=row.merchant,
            category=self.running.categories.get((row.category or "").casefold()),
            import_id=identified.import_id,
            source=Source.IMPORT,
            created_at=now,
            updated_at=now,
        )
        found = filed(new, self.running.rules)
        if new.category is not None or found.category_id is None:
            return found.row
        return replace(found.row, category=self.running.refs[found.category_id])

    def _writes(self, user: UserRef, transaction: Transaction, import_id: str) -> Iterator[Write]:
        key = lock_key(user.id, transaction.account_id, import_id)
        yield transaction_write(self.store, self.sealer, user, transaction, read=None)
        yield lock_write(self.store, key, transaction.id, claim=self._claim)


def chunks_of(rows: Sequence[IdentifiedRow]) -> Iterator[list[IdentifiedRow]]:
    """Rows in their order, as many a chunk as fit with one write for each of their months."""
    chunk: list[IdentifiedRow] = []
    months: set[str] = set()
    for row in rows:
        month = f"{row.row.date:%Y-%m}"
        items = 2 * (len(chunk) + 1) + len(months | {month})
        if chunk and (len(chunk) == CHUNK_ROWS or items > _CHUNK_ITEMS):
            yield chunk
            chunk, months = [], set()
        chunk.append(row)
        months.add(month)
    if chunk:
        yield chunk
