"""Exports of the books, read from them while the client takes it; only the right to is stored."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from budgetbuddy.domain.archive import Member, cell, lines_of
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.audit_trail import AuditTrail
from budgetbuddy.domain.book_exports import (
    MAX_LIVE,
    BookExport,
    ExportFormat,
    ExportKind,
)
from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.exports import KEPT, ExportExpired
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Context, Position, Sealer, UserRef
from budgetbuddy.problems import LimitReached, NotFound
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Exists
from budgetbuddy.store.personal_data import export_key
from budgetbuddy.store.table import BY_DATE, Store
from budgetbuddy.store.transaction_rows import decode_transaction
from budgetbuddy.store.writes import delete, put

ROWS = 200  # read at a time
PART = 64 * 1_024
TRANSACTION_COLUMNS = (
    "id",
    "date",
    "accountId",
    "amount",
    "currency",
    "description",
    "merchant",
    "notes",
    "categoryId",
    "tags",
    "status",
)
AUDIT_COLUMNS = ("seq", "at", "event", "actor", "object", "outcome", "ip", "userAgent", "hash")


class BookExportStore:
    """Implements `domain.book_exports.BookExports`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, audit_trail: AuditTrail
    ) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._audit = audit_trail

    def add(self, context: Context, export: BookExport) -> BookExport:
        """One row."""
        key = export_key(context.user.id, export.id)
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "kind": export.kind,
            "format": export.format,
            "start": export.start.isoformat(),
            "end": export.end.isoformat(),
            "createdAt": export.created_at,
            "expiresAt": export.expires_at,
            "ttl": int((parse_instant(export.expires_at) + KEPT).timestamp()),
        }
        write = put(self._store.runtime.name, row, when=(Absent("pk"),))

        def plan(_: Head) -> Plan[BookExport]:
            if len(self.list(context.user)) >= MAX_LIVE:
                raise LimitReached(f"at most {MAX_LIVE} exports at a time")
            entry = AuditEntry(event=Event.EXPORT_REQUESTED, object=f"export:{export.id}")
            return Plan(writes=(write,), audit=entry, result=export)

        return self._commands.run(context, plan)

    def list(self, user: UserRef) -> Sequence[BookExport]:
        """Living ones, newest first."""
        rows = self._store.runtime.query(f"U#{user.id}", begins_with="E#", forward=False)
        now = self._store.clock()
        return [
            _decode(row) for row in rows if "kind" in row and parse_instant(row["expiresAt"]) > now
        ]

    def get(self, user: UserRef, export_id: str) -> BookExport:
        """One; raises `NotFound`, `ExportExpired`."""
        row = self._store.runtime.get(export_key(user.id, require_id(Kind.EXPORT, export_id)))
        if row is None or "kind" not in row:
            raise NotFound
        if parse_instant(row["expiresAt"]) <= self._store.clock():
            raise ExportExpired
        return _decode(row)

    def remove(self, context: Context, export_id: str) -> None:
        """The right to fetch it."""
        self.get(context.user, export_id)
        key = export_key(context.user.id, export_id)
        gone = delete(self._store.runtime.name, key, when=(Exists("pk"),))
        entry = AuditEntry(event=Event.EXPORT_DELETED, object=f"export:{export_id}")
        self._commands.run(context, lambda _: Plan(writes=(gone,), audit=entry, result=None))

    def fetch(self, context: Context, export: BookExport) -> Iterator[bytes]:
        """In parts of some tens of kilobytes."""
        entry = AuditEntry(event=Event.EXPORT_DOWNLOADED, object=f"export:{export.id}")
        self._commands.run(context, lambda _: Plan(audit=entry, result=None))
        is_audit = export.kind is ExportKind.AUDIT
        rows = self._trail(context) if is_audit else self._rows(context.user, export)
        is_csv = export.format is ExportFormat.CSV
        columns = AUDIT_COLUMNS if is_audit else TRANSACTION_COLUMNS
        return _parts(Member(name="", rows=lambda: rows, columns=columns if is_csv else ()))

    def _rows(self, user: UserRef, export: BookExport) -> Iterator[dict[str, Any]]:
        """Transactions of the span, oldest first; a spreadsheet's reader is told no formula."""
        is_csv = export.format is ExportFormat.CSV
        start: Position | None = None
        safe = cell if is_csv else str
        while True:
            page = self._store.ledger.page(
                f"U#{user.id}",
                index=BY_DATE,
                between=(f"T#{export.start}", f"T#{export.end}$"),  # "$" is behind "#"
                limit=ROWS,
                start=start,
                forward=True,
            )
            for row in page.items:
                told = decode_transaction(self._store, self._sealer, user, row)
                tags = [safe(tag) for tag in told.tags]
                yield {
                    "id": told.id,
                    "date": told.date.isoformat(),
                    "accountId": told.account_id,
                    "amount": str(told.amount),
                    "currency": told.amount.currency.code,
                    "description": safe(told.description),
                    "merchant": safe(told.merchant or ""),
                    "notes": safe(told.notes or ""),
                    "categoryId": told.category.id if told.category else "",
                    "tags": " ".join(tags) if is_csv else tags,
                    "status": told.status,
                }
            start = page.next
            if start is None:
                return

    def _trail(self, context: Context) -> Iterator[dict[str, Any]]:
        _, records = self._audit.export(context)
        for record in records:
            yield {
                "seq": record.seq,
                "at": record.at,
                "event": record.event,
                "actor": record.actor,
                "object": record.object,
                "outcome": record.outcome,
                "ip": record.ip,
                "userAgent": cell(record.user_agent),
                "hash": record.hash,
            }


def _parts(member: Member) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for line, _ in lines_of(member):
        held.append(line)
        size += len(line)
        if size > PART:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _decode(row: Item) -> BookExport:
    return BookExport(
        id=row["sk"].removeprefix("E#"),
        kind=ExportKind(row["kind"]),
        format=ExportFormat(row["format"]),
        start=date.fromisoformat(row["start"]),
        end=date.fromisoformat(row["end"]),
        created_at=row["createdAt"],
        expires_at=row["expiresAt"],
    )
