"""Accounts in the ledger, and the proof of their balances."""

from collections.abc import Mapping, Sequence
from typing import Any

from budgetbuddy.domain import accounts as rules
from budgetbuddy.domain.accounts import Account, AccountNotEmpty, LedgerBusy, Opening
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id, require_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.transactions import (
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.account_rows import account_write, decode_account, new_account_write
from budgetbuddy.store.balances import ACCOUNT_PREFIX, account_key
from budgetbuddy.store.commands import Commands, Head, Plan, head_key
from budgetbuddy.store.expressions import Equals, Exists
from budgetbuddy.store.table import BY_ACCOUNT, Store
from budgetbuddy.store.transaction_rows import transaction_write
from budgetbuddy.store.writes import Write, delete

RECONCILE_TRIES = 3


class AccountStore:
    """Implements `domain.accounts.Accounts`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[Account]:
        """All, oldest first: identifiers sort by time."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=ACCOUNT_PREFIX)
        return [decode_account(self._store, self._sealer, user, row) for row in rows]

    def get(self, user: UserRef, account_id: str) -> Account:
        """One; raises `NotFound`."""
        row = self._store.ledger.get(account_key(user.id, require_id(Kind.ACCOUNT, account_id)))
        if row is None:
            raise NotFound
        return decode_account(self._store, self._sealer, user, row)

    def add(self, context: Context, account: Account, opening: Opening | None) -> Account:
        """The row and, when there is an opening balance, the transaction that proves it."""
        row = self._opening_row(account, opening) if opening and opening.amount.minor else None
        moved = effects(added=(row,) if row else ())

        def plan(_: Head) -> Plan[Account]:
            rules.require_room(self.list(context.user))
            write = new_account_write(self._store, self._sealer, context.user, account, moved)
            writes = [write]
            changes = [Change(type="account", id=account.id, op="upsert", version=1)]
            if row:
                writes.append(
                    transaction_write(self._store, self._sealer, context.user, row, read=None)
                )
                changes.append(Change(type="transaction", id=row.id, op="upsert", version=1))
            return Plan(
                writes=tuple(writes),
                changes=tuple(changes),
                audit=AuditEntry(event=Event.ACCOUNT_CREATED, object=f"account:{account.id}"),
                result=rules.opened(account, row),
            )

        return self._commands.run(context, plan)

    def change(
        self, context: Context, account_id: str, version: int, fields: Mapping[str, Any]
    ) -> Account:
        """Replace the given fields; raises `VersionConflict`."""

        def plan(_: Head) -> Plan[Account]:
            account = rules.changed(self._read(context.user, account_id, version), fields)
            return self._plan(context, account, version, Event.ACCOUNT_UPDATED)

        return self._commands.run(context, plan)

    def close(self, context: Context, account_id: str, version: int) -> Account:
        """Raises `BalanceNotZero`: the balance was read after the head, so it still holds."""

        def plan(_: Head) -> Plan[Account]:
            account = rules.closed(self._read(context.user, account_id, version))
            return self._plan(context, account, version, Event.ACCOUNT_CLOSED)

        return self._commands.run(context, plan)

    def reopen(self, context: Context, account_id: str, version: int) -> Account:
        """The account takes writes again."""

        def plan(_: Head) -> Plan[Account]:
            account = rules.reopened(self._read(context.user, account_id, version))
            return self._plan(context, account, version, Event.ACCOUNT_REOPENED)

        return self._commands.run(context, plan)

    def remove(self, context: Context, account_id: str, version: int) -> None:
        """Remove an account without live transactions; raises `AccountNotEmpty`."""

        def plan(_: Head) -> Plan[None]:
            account = self._read(context.user, account_id, version)
            if account.transaction_count:
                raise AccountNotEmpty
            key = account_key(context.user.id, account_id)
            when = (Exists("pk"), Equals("version", version), Equals("n", 0))
            return Plan(
                writes=(delete(self._store.ledger.name, key, when=when),),
                changes=(Change(type="account", id=account_id, op="delete", version=version),),
                audit=AuditEntry(event=Event.ACCOUNT_DELETED, object=f"account:{account_id}"),
                result=None,
            )

        self._commands.run(context, plan)

    def reconcile(self, user: UserRef, account_id: str) -> rules.Reconciliation:
        """Sum the live rows; the head tells whether a writer came in between."""
        for _ in range(RECONCILE_TRIES):
            before = self._store.ledger.get(head_key(user.id))
            account = self.get(user, account_id)
            rows = self._store.ledger.query(
                f"U#{user.id}", index=BY_ACCOUNT, begins_with=f"{account_id}#"
            )
            if before == self._store.ledger.get(head_key(user.id)):
                posted = [row for row in rows if row["st"] == TransactionStatus.POSTED]
                recomputed = sum(row["minor"] for row in posted)
                return rules.Reconciliation(
                    recorded=account.balance,
                    recomputed=Money(recomputed, account.currency),
                    rows=len(rows),
                )
        raise LedgerBusy

    def _opening_row(self, account: Account, opening: Opening) -> Transaction:
        now = format_instant(self._store.clock())
        return Transaction(
            id=make_id(Kind.TRANSACTION),
            account_id=account.id,
            date=opening.date,
            amount=opening.amount,
            description=opening.description,
            kind=TransactionKind.OPENING,
            created_at=now,
            updated_at=now,
        )

    def _read(self, user: UserRef, account_id: str, version: int) -> Account:
        account = self.get(user, account_id)
        if account.version != version:
            raise VersionConflict(account.version)
        return account

    def _plan(self, context: Context, account: Account, read: int, event: Event) -> Plan[Account]:
        write: Write = account_write(self._store, self._sealer, context.user, account, read=read)
        change = Change(type="account", id=account.id, op="upsert", version=account.version)
        return Plan(
            writes=(write,),
            changes=(change,),
            audit=AuditEntry(event=event, object=f"account:{account.id}"),
            result=account,
        )
