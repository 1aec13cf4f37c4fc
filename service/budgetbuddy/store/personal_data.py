"""Everything that is kept about a user, for them to take away: partitions read to their end."""

import base64
import gzip
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Any

import orjson

from budgetbuddy.domain.archive import Member, archive, cell
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.audit_trail import AuditTrail
from budgetbuddy.domain.data_map import Kept, kept_as
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.exports import KEPT, Export, ExportExpired
from budgetbuddy.domain.ids import Kind, make_id, require_id
from budgetbuddy.domain.ports import AuditEntry, Context, Position, Sealer, UserRef
from budgetbuddy.problems import NotFound, SessionRevoked
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan, head_key
from budgetbuddy.store.expressions import Absent
from budgetbuddy.store.table import Store, Table
from budgetbuddy.store.transaction_rows import PREFIX as TRANSACTIONS
from budgetbuddy.store.transaction_rows import decode_transaction
from budgetbuddy.store.writes import Key, put

ROWS = 200  # read at a time
UNNAMED = frozenset({"pk", "v", "ttl", "x", "d", "a"})  # how a row is stored, not what it says
COLUMNS = ("id", "date", "account", "amount", "currency", "description", "merchant", "notes")


def export_key(user_id: str, export_id: str) -> Key:
    """Where an export lives."""
    return Key(pk=f"U#{user_id}", sk=f"E#{export_id}")


class PersonalDataStore:
    """Implements `domain.exports.PersonalData`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, audit_trail: AuditTrail
    ) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._audit = audit_trail

    def grant(self, context: Context) -> Export:
        """One row; the archive is made when it is fetched."""
        now = self._store.clock()
        export = Export(
            id=make_id(Kind.EXPORT),
            created_at=format_instant(now),
            expires_at=format_instant(now + KEPT),
        )
        key = export_key(context.user.id, export.id)
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "createdAt": export.created_at,
            "expiresAt": export.expires_at,
            "ttl": int((now + 2 * KEPT).timestamp()),  # while it is told that it has expired
        }
        write = put(self._store.runtime.name, row, when=(Absent("pk"),))

        def plan(_: Head) -> Plan[Export]:
            entry = AuditEntry(event=Event.PRIVACY_EXPORTED, object=f"export:{export.id}")
            return Plan(writes=(write,), audit=entry, result=export)

        return self._commands.run(context, plan)

    def get(self, user: UserRef, export_id: str) -> Export:
        """One; raises `NotFound`, `ExportExpired`."""
        row = self._store.runtime.get(export_key(user.id, require_id(Kind.EXPORT, export_id)))
        if row is None or "kind" in row:  # an export of the books
            raise NotFound
        if parse_instant(row["expiresAt"]) <= self._store.clock():
            raise ExportExpired
        return Export(id=export_id, created_at=row["createdAt"], expires_at=row["expiresAt"])

    def fetch(self, context: Context, export_id: str) -> Iterator[bytes]:
        """The archive as it is read."""
        export = self.get(context.user, export_id)
        entry = AuditEntry(event=Event.EXPORT_DOWNLOADED, object=f"export:{export.id}")
        self._commands.run(context, lambda _: Plan(audit=entry, result=None))
        _, records = self._audit.export(context)
        before = self._seq(context.user)

        def facts() -> dict[str, Any]:
            return {
                "exportId": export.id,
                "createdAt": format_instant(self._store.clock()),
                "isOneMoment": self._seq(context.user) == before,
            }

        def members() -> Iterator[Member]:
            for table in (self._store.ledger, self._store.runtime):
                yield from self._files(context.user, table)
            yield Member(name="audit.json", rows=lambda: map(_audit_document, records))
            yield Member(
                name="transactions.csv", rows=partial(self._lines, context.user), columns=COLUMNS
            )

        return archive(members(), self._store.clock(), facts)

    def _seq(self, user: UserRef) -> int:
        head = self._store.ledger.get(head_key(user.id))
        if head is None:
            raise SessionRevoked
        return int(head["seq"])

    def _files(self, user: UserRef, table: Table) -> Iterator[Member]:
        """A file for each kind of row: a partition is sorted by them."""
        rows = self._rows(table, f"U#{user.id}")
        for kept, group in groupby(rows, key=lambda row: kept_as(table.label, row["sk"])):
            name = kept.file if kept else f"other-{table.label.lower()}"
            documents = map(partial(self._document, user, table, kept), group)
            yield Member(name=f"{name}.json", rows=_once(documents))

    def _rows(self, table: Table, pk: str, begins_with: str | None = None) -> Iterator[Item]:
        start: Position | None = None
        while True:
            page = table.page(pk, begins_with=begins_with, limit=ROWS, start=start, forward=True)
            yield from page.items
            start = page.next
            if start is None:
                return

    def _document(self, user: UserRef, table: Table, kept: Kept | None, row: Item) -> Item:
        """What a row says, opened; what opens something is left out."""
        clear = {name: _plain(value) for name, value in row.items() if name not in UNNAMED}
        opened: Item = {}
        if kept is not None and kept.is_opened and "x" in row:
            place = table.place(Key(pk=row["pk"], sk=row["sk"]))
            text = self._sealer.open(user, place, bytes(row["x"]))
            opened = orjson.loads(gzip.decompress(text) if kept.is_packed else text)
        withheld = kept.withheld if kept is not None else frozenset()
        return {name: value for name, value in (clear | opened).items() if name not in withheld}

    def _lines(self, user: UserRef) -> Iterator[dict[str, str]]:
        for row in self._rows(self._store.ledger, f"U#{user.id}", TRANSACTIONS):
            told = decode_transaction(self._store, self._sealer, user, row)
            yield {
                "id": told.id,
                "date": told.date.isoformat(),
                "account": told.account_id,
                "amount": str(told.amount),
                "currency": told.amount.currency.code,
                "description": cell(told.description),
                "merchant": cell(told.merchant or ""),
                "notes": cell(told.notes or ""),
            }


def _once(documents: Iterator[Item]) -> Callable[[], Iterator[Item]]:
    return lambda: documents


def _audit_document(record: Any) -> dict[str, Any]:
    return {**vars(record), "details": dict(record.details)}


def _plain(value: Any) -> Any:
    """JSON of a stored value."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case frozenset():
            return sorted(value)
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case _:
            return value
