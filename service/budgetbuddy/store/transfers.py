"""Transfers in the ledger, `TR#{id}` below the user: both legs and both accounts in one write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from budgetbuddy.domain import transfers as rules
from budgetbuddy.domain.accounts import Accounts
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id, require_id
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.transactions import (
    Transaction,
)
from budgetbuddy.domain.transfers import Transfer, TransferTerms
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.balances import balance_writes
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_rows import (
    decode_transaction,
    transaction_key,
    transaction_write,
)
from budgetbuddy.store.writes import Key, Write, delete, put

PREFIX = "TR#"


def transfer_key(user_id: str, transfer_id: str) -> Key:
    """Where a transfer lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{transfer_id}")


class TransferStore:
    """Implements `domain.transfers.Transfers`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, accounts: Accounts
    ) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._accounts = accounts

    def get(self, user: UserRef, transfer_id: str) -> Transfer:
        """One, from its row and both legs."""
        row = self._store.ledger.get(transfer_key(user.id, require_id(Kind.TRANSFER, transfer_id)))
        if row is None:
            raise NotFound
        keys = [transaction_key(user.id, row[side]) for side in ("out", "in")]
        legs = self._store.batch_get([(self._store.ledger, key) for key in keys])
        outgoing, incoming = (self._leg(user, leg) for leg in legs)
        return Transfer(
            id=transfer_id, outgoing=outgoing, incoming=incoming, version=row["version"]
        )

    def add(self, context: Context, terms: TransferTerms) -> Transfer:
        """W4: two rows, one transfer, two accounts."""
        transfer = rules.new_transfer(
            terms,
            transfer_id=make_id(Kind.TRANSFER),
            leg_ids=(make_id(Kind.TRANSACTION), make_id(Kind.TRANSACTION)),
            now=self._now(),
        )

        def plan(_: Head) -> Plan[Transfer]:
            self._require_sound(context.user, terms)
            return self._plan(context, None, transfer, Event.TRANSFER_CREATED)

        return self._commands.run(context, plan)

    def change(
        self, context: Context, transfer_id: str, version: int, fields: Mapping[str, Any]
    ) -> Transfer:
        """W4: old effects out, new ones in."""
        now = self._now()

        def plan(_: Head) -> Plan[Transfer]:
            old = self._read(context.user, transfer_id, version)
            terms = replace(old.terms, **fields)
            self._require_sound(context.user, terms)
            new = rules.with_terms(old, terms, now)
            return self._plan(context, old, new, Event.TRANSFER_UPDATED)

        return self._commands.run(context, plan)

    def remove(self, context: Context, transfer_id: str, version: int) -> None:
        """Both legs go to the trash for good: there they only show what has been."""
        self._remove(context, lambda: self._read(context.user, transfer_id, version))

    def remove_leg(self, context: Context, transaction_id: str, version: int) -> None:
        """The transfer that this leg is of, if the leg still has that version."""

        def read() -> Transfer:
            key = transaction_key(context.user.id, require_id(Kind.TRANSACTION, transaction_id))
            row = self._store.ledger.get(key)
            if row is None or row["trf"] is None:
                raise NotFound
            if row["version"] != version:
                raise VersionConflict(row["version"])
            return self.get(context.user, row["trf"])

        self._remove(context, read)

    def _remove(self, context: Context, read: Callable[[], Transfer]) -> None:
        now = self._now()

        def plan(_: Head) -> Plan[Transfer]:
            old = read()
            new = rules.with_terms(old, old.terms, now)
            gone = replace(
                new,
                outgoing=replace(new.outgoing, deleted_at=now),
                incoming=replace(new.incoming, deleted_at=now),
            )
            return self._plan(context, old, gone, Event.TRANSFER_DELETED)

        self._commands.run(context, plan)

    def _plan(
        self, context: Context, old: Transfer | None, new: Transfer, event: Event
    ) -> Plan[Transfer]:
        before, after = _legs(old), _legs(new)
        moved = effects(added=after, removed=before)
        currencies = {leg.account_id: leg.amount.currency.code for leg in (*before, *after)}
        versions = {leg.id: leg.version for leg in before}
        is_gone = new.outgoing.deleted_at is not None
        op = "delete" if is_gone else "upsert"
        user, store = context.user, self._store
        return Plan(
            writes=(
                self._row_write(user, old, new, is_gone=is_gone),
                *(
                    transaction_write(store, self._sealer, user, leg, read=versions.get(leg.id))
                    for leg in after
                ),
                *balance_writes(store, user.id, moved, currencies),
            ),
            changes=(
                Change(type="transfer", id=new.id, op=op, version=new.version),
                *(
                    Change(type="transaction", id=leg.id, op=op, version=leg.version)
                    for leg in after
                ),
            ),
            audit=AuditEntry(event=event, object=f"transfer:{new.id}"),
            result=new,
        )

    def _row_write(
        self, user: UserRef, old: Transfer | None, new: Transfer, *, is_gone: bool
    ) -> Write:
        key, table = transfer_key(user.id, new.id), self._store.ledger.name
        when = (Exists("pk"), Equals("version", old.version)) if old else (Absent("pk"),)
        if is_gone:
            return delete(table, key, when=when)
        legs = {"out": new.outgoing.id, "in": new.incoming.id}
        return put(
            table,
            {"pk": key.pk, "sk": key.sk, "v": 1, **legs, "version": new.version},
            when=when,
        )

    def _require_sound(self, user: UserRef, terms: TransferTerms) -> None:
        source = self._accounts.get(user, terms.from_account_id)
        target = self._accounts.get(user, terms.to_account_id)
        rules.require_sound_terms(terms, source, target)

    def _read(self, user: UserRef, transfer_id: str, version: int) -> Transfer:
        transfer = self.get(user, transfer_id)
        if transfer.version != version:
            raise VersionConflict(transfer.version)
        return transfer

    def _leg(self, user: UserRef, row: Mapping[str, Any] | None) -> Transaction:
        if row is None:
            raise RuntimeError("a transfer has lost a leg")
        return decode_transaction(self._store, self._sealer, user, dict(row))

    def _now(self) -> str:
        return format_instant(self._store.clock())


def _legs(transfer: Transfer | None) -> Sequence[Transaction]:
    return (transfer.outgoing, transfer.incoming) if transfer else ()
