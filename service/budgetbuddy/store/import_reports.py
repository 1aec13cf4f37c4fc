"""Import reports, `I#{id}` below the user in the Runtime table, for 90 days."""

import gzip
from typing import Any

import orjson

from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.imports import KEPT, ImportReport, Placed
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.domain.statements.reading import Format
from budgetbuddy.domain.statements.rows import RowError
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Absent
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put

PREFIX = "I#"


def report_key(user_id: str, import_id: str) -> Key:
    """Where a report lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{import_id}")


def report_write(store: Store, sealer: Sealer, user: UserRef, report: ImportReport) -> Write:
    """Put a new report; packed, for it names every line of up to 5,000."""
    key = report_key(user.id, report.id)
    lines: dict[str, Any] = {
        "created": [[placed.line, placed.transaction_id] for placed in report.created],
        "duplicates": [[placed.line, placed.transaction_id] for placed in report.duplicates],
        "errors": [[error.line, error.code] for error in report.errors],
    }
    packed = gzip.compress(orjson.dumps(lines), mtime=0)
    row: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "acc": report.account_id,
        "format": report.format,
        "rows": report.rows,
        "createdAt": report.created_at,
        "x": sealer.seal(user, store.runtime.place(key), packed),
        "ttl": int((parse_instant(report.created_at) + KEPT).timestamp()),
    }
    return put(store.runtime.name, row, when=(Absent("pk"),))


def decode_report(store: Store, sealer: Sealer, user: UserRef, row: Item) -> ImportReport:
    """The report again."""
    place = store.runtime.place(Key(pk=row["pk"], sk=row["sk"]))
    lines = orjson.loads(gzip.decompress(sealer.open(user, place, row["x"])))
    placed = {
        name: tuple(Placed(line=line, transaction_id=tid) for line, tid in lines[name])
        for name in ("created", "duplicates")
    }
    return ImportReport(
        id=row["sk"].removeprefix(PREFIX),
        account_id=row["acc"],
        format=Format(row["format"]),
        created_at=row["createdAt"],
        rows=row["rows"],
        errors=tuple(RowError(line, code) for line, code in lines["errors"]),
        **placed,
    )
