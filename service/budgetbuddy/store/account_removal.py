"""Deleting an account with all its transactions: twenty rows a transaction, the account last."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from budgetbuddy.domain.account_removal import ROWS_A_STEP
from budgetbuddy.domain.accounts import Account, AccountNotEmpty, Accounts
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.jobs import KEPT, Job, JobStatus
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.transactions import (
    Transaction,
    TransactionKind,
)
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.balances import account_key, month_writes
from budgetbuddy.store.commands import Commands, Plan
from budgetbuddy.store.expressions import Equals, Exists
from budgetbuddy.store.jobs import job_write
from budgetbuddy.store.table import BY_ACCOUNT, Store
from budgetbuddy.store.transaction_rows import (
    decode_transaction,
    transaction_key,
    transaction_write,
)
from budgetbuddy.store.transfers import transfer_key
from budgetbuddy.store.writes import Write, delete, update


@dataclass(frozen=True)
class _Chunk:
    """What goes now: rows of the account, and the other sides of its transfers."""

    rows: tuple[Transaction, ...]
    twins: tuple[Transaction, ...]


class AccountRemovalStore:
    """Implements `domain.account_removal.AccountRemoval`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, accounts: Accounts
    ) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._accounts = accounts

    def remove_all(self, context: Context, account_id: str, version: int) -> Job:
        """Chunks until nothing is left; whoever adds a row meanwhile makes one more chunk."""
        now = format_instant(self._store.clock())
        gone = 0
        while self._accounts.get(context.user, account_id).transaction_count:
            moved = self._commands.run(
                context,
                lambda _: self._chunk_plan(context, account_id, version, now),
                completes=False,
            )
            if not moved:
                break
            gone += moved
        return self._commands.run(
            context, lambda _: self._last_plan(context, account_id, version, gone, now)
        )

    def _chunk_plan(self, context: Context, account_id: str, version: int, now: str) -> Plan[int]:
        self._read(context.user, account_id, version)
        chunk = self._chunk(context.user, account_id)
        entry = AuditEntry(
            event=Event.TRANSACTION_BULK,
            object=f"account:{account_id}",
            details={"deleted": len(chunk.rows)},
        )
        return Plan(
            writes=tuple(self._chunk_writes(context.user, account_id, chunk, now)),
            changes=tuple(_chunk_changes(chunk)),
            audit=entry,
            result=len(chunk.rows),
        )

    def _chunk(self, user: UserRef, account_id: str) -> _Chunk:
        page = self._store.ledger.page(
            f"U#{user.id}", index=BY_ACCOUNT, begins_with=f"{account_id}#", limit=ROWS_A_STEP
        )
        rows = tuple(decode_transaction(self._store, self._sealer, user, row) for row in page.items)
        transfers = [row.transfer_id for row in rows if row.transfer_id]
        if not transfers:
            return _Chunk(rows, ())
        keys = [(self._store.ledger, transfer_key(user.id, found)) for found in transfers]
        mine = {row.id for row in rows}
        legs = [
            leg
            for row in self._store.batch_get(keys)
            if row is not None
            for leg in (row["out"], row["in"])
            if leg not in mine
        ]
        found = self._store.batch_get(
            [(self._store.ledger, transaction_key(user.id, leg)) for leg in legs]
        )
        twins = (decode_transaction(self._store, self._sealer, user, row) for row in found if row)
        return _Chunk(rows, tuple(twins))

    def _chunk_writes(
        self, user: UserRef, account_id: str, chunk: _Chunk, now: str
    ) -> Iterator[Write]:
        moved = effects(removed=chunk.rows)
        counters = moved.accounts.get(account_id)
        if counters:  # whether it is open or closed
            key = account_key(user.id, account_id)
            yield update(
                self._store.ledger.name,
                key,
                add=dict(counters),
                when=(Exists("pk"),),
                refuse=lambda _: NotFound(),
            )
        yield from month_writes(self._store, user.id, moved)
        for row in chunk.rows:
            new = replace(row, deleted_at=now, updated_at=now, version=row.version + 1)
            yield transaction_write(self._store, self._sealer, user, new, read=row.version)
            if row.transfer_id:
                yield delete(self._store.ledger.name, transfer_key(user.id, row.transfer_id))
        for twin in chunk.twins:
            new = replace(
                twin,
                kind=TransactionKind.ADJUSTMENT,
                transfer_id=None,
                updated_at=now,
                version=twin.version + 1,
            )
            yield transaction_write(self._store, self._sealer, user, new, read=twin.version)

    def _last_plan(
        self, context: Context, account_id: str, version: int, gone: int, now: str
    ) -> Plan[Job]:
        account = self._read(context.user, account_id, version)
        if account.transaction_count:
            raise AccountNotEmpty("a transaction was added while the account was deleted")
        job = Job(
            id=make_id(Kind.JOB),
            kind="account.delete",
            status=JobStatus.SUCCEEDED,
            done=gone,
            total=gone,
            result={"accountId": account_id, "transactions": gone},
            created_at=now,
            finished_at=format_instant(self._store.clock()),
            expires_at=format_instant(parse_instant(now) + KEPT),
        )
        when = (Exists("pk"), Equals("version", version), Equals("n", 0))
        key = account_key(context.user.id, account_id)
        return Plan(
            writes=(
                delete(self._store.ledger.name, key, when=when),
                job_write(self._store, context.user, job),
            ),
            changes=(Change(type="account", id=account_id, op="delete", version=version),),
            audit=AuditEntry(
                event=Event.ACCOUNT_DELETED,
                object=f"account:{account_id}",
                details={"transactions": gone},
            ),
            result=job,
        )

    def _read(self, user: UserRef, account_id: str, version: int) -> Account:
        account = self._accounts.get(user, account_id)
        if account.version != version:
            raise VersionConflict(account.version)
        return account


def _chunk_changes(chunk: _Chunk) -> Iterator[Change]:
    for row in chunk.rows:
        yield Change(type="transaction", id=row.id, op="delete", version=row.version + 1)
        if row.transfer_id:
            yield Change(type="transfer", id=row.transfer_id, op="delete", version=0)
    for twin in chunk.twins:
        yield Change(type="transaction", id=twin.id, op="upsert", version=twin.version + 1)
