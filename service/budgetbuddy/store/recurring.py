"""Recurring items in the ledger, `RC#{id}` below the user, and the rows they are found in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, Final

from budgetbuddy.domain.accounts import WrongCurrency
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.recurring import Recurring, payee_of, require_new, require_room
from budgetbuddy.domain.transaction_queries import TransactionFilter
from budgetbuddy.domain.transactions import Transaction, TransactionKind
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.balances import account_key
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.recurring_rows import (
    PREFIX,
    decode_recurring,
    encode_recurring,
    recurring_key,
)
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_rows import decode_transaction, transaction_key
from budgetbuddy.store.transaction_sums import matching
from budgetbuddy.store.writes import Write, delete, put

LOOKED_AT: Final = 5_000  # rows


class RecurringStore:
    """Implements `domain.recurring.RecurringItems`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[Recurring]:
        """All, oldest first: identifiers sort by time."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
        return [decode_recurring(self._store, self._sealer, user, row) for row in rows]

    def get(self, user: UserRef, recurring_id: str) -> Recurring:
        """One."""
        key = recurring_key(user.id, require_id(Kind.RECURRING, recurring_id))
        row = self._store.ledger.get(key)
        if row is None:
            raise NotFound
        return decode_recurring(self._store, self._sealer, user, row)

    def add(self, context: Context, item: Recurring) -> Recurring:
        """Compared with all others as of the head."""

        def plan(_: Head) -> Plan[Recurring]:
            evidence = self._evidence(context.user, item.evidence)
            new = replace(item, payee=payee_of(evidence[-1])) if evidence else item
            items = self.list(context.user)
            require_room(items)
            require_new(items, new)
            self._require_known(context.user, new)
            row = encode_recurring(self._store, self._sealer, context.user, new)
            write = put(self._store.ledger.name, row, when=(Absent("pk"),))
            return _plan(write, new, "upsert", Event.RECURRING_CONFIRMED)

        return self._commands.run(context, plan)

    def change(
        self, context: Context, recurring_id: str, version: int, fields: Mapping[str, Any]
    ) -> Recurring:
        """The given fields."""

        def plan(_: Head) -> Plan[Recurring]:
            old = self._read(context.user, recurring_id, version)
            new = replace(old, **fields, version=version + 1)
            require_new(self.list(context.user), new)
            self._require_known(context.user, new)
            row = encode_recurring(self._store, self._sealer, context.user, new)
            when = (Exists("pk"), Equals("version", version))
            write = put(self._store.ledger.name, row, when=when)
            return _plan(write, new, "upsert", Event.RECURRING_UPDATED)

        return self._commands.run(context, plan)

    def remove(self, context: Context, recurring_id: str, version: int) -> None:
        """The rows it was found in stay."""

        def plan(_: Head) -> Plan[Recurring]:
            old = self._read(context.user, recurring_id, version)
            key = recurring_key(context.user.id, recurring_id)
            when = (Exists("pk"), Equals("version", version))
            write = delete(self._store.ledger.name, key, when=when)
            return _plan(write, old, "delete", Event.RECURRING_DELETED)

        self._commands.run(context, plan)

    def _read(self, user: UserRef, recurring_id: str, version: int) -> Recurring:
        item = self.get(user, recurring_id)
        if item.version != version:
            raise VersionConflict(item.version)
        return item

    def _evidence(self, user: UserRef, ids: Sequence[str]) -> Sequence[Transaction]:
        """The rows named, oldest first. Raises `NotFound`."""
        if not ids:
            return []
        keys = [transaction_key(user.id, require_id(Kind.TRANSACTION, found)) for found in ids]
        found = self._store.batch_get([(self._store.ledger, key) for key in keys])
        rows = [row for row in found if row is not None]
        if len(rows) < len(ids):
            raise NotFound
        opened = [decode_transaction(self._store, self._sealer, user, row) for row in rows]
        return sorted(opened, key=lambda row: row.date)

    def _require_known(self, user: UserRef, item: Recurring) -> None:
        """Raises `NotFound`, `CategoryArchived`, `WrongCurrency` for what an item names."""
        if item.category_id is not None:
            load_refs(self._store, user, [item.category_id])
        if item.account_id is None:
            return
        account_id = require_id(Kind.ACCOUNT, item.account_id)
        account = self._store.ledger.get(account_key(user.id, account_id))
        if account is None:
            raise NotFound
        if account["cur"] != item.amount.currency.code:
            raise WrongCurrency


class EntryRows:
    """Implements `domain.recurring.Rows`."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def entries(self, user: UserRef, first: date, last: date) -> tuple[Sequence[Transaction], bool]:
        """At most 5,000, newest first."""
        wanted = TransactionFilter(start=first, end=last, kind=TransactionKind.ENTRY)
        rows = list(islice(matching(self._store, user, wanted), LOOKED_AT + 1))
        opened = [
            decode_transaction(self._store, self._sealer, user, row)
            for row in rows[:LOOKED_AT]
            if not row["excluded"]
        ]
        return opened, len(rows) <= LOOKED_AT


def _plan(write: Write, item: Recurring, op: str, event: Event) -> Plan[Recurring]:
    return Plan(
        writes=(write,),
        changes=(Change(type="recurring", id=item.id, op=op, version=item.version),),
        audit=AuditEntry(event=event, object=f"recurring:{item.id}"),
        result=item,
    )
