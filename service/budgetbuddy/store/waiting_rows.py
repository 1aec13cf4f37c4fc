"""Rows of a statement that wait for the worker: `IF#{import}#{part}` below the user, for a day."""

import gzip
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson

from budgetbuddy.domain.accounts import Account
from budgetbuddy.domain.import_jobs import RowsExpired
from budgetbuddy.domain.imports import ReadRows
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.domain.statements.identity import IdentifiedRow
from budgetbuddy.domain.statements.reading import Format
from budgetbuddy.domain.statements.rows import RowError, StatementRow
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, delete, put

if TYPE_CHECKING:
    from budgetbuddy.store.codec import Item

PREFIX = "IF#"
PART_BYTES = 300 * 1024
KEPT_SECONDS = 86_400


class WaitingRowStore:
    """Implements `domain.import_jobs.WaitingRows`."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def keep(self, user: UserRef, import_id: str, read: ReadRows) -> None:
        """Packed, in as many parts as they need; the first says how many there are."""
        packed = gzip.compress(orjson.dumps(_encoded(read)), mtime=0)
        parts = [packed[i : i + PART_BYTES] for i in range(0, len(packed), PART_BYTES)]
        expires = int(self._store.clock().timestamp()) + KEPT_SECONDS
        for number, part in enumerate(parts):
            key = _key(user.id, import_id, number)
            row: Item = {
                "pk": key.pk,
                "sk": key.sk,
                "v": 1,
                "parts": len(parts),
                "x": self._sealer.seal(user, self._store.runtime.place(key), part),
                "ttl": expires,
            }
            self._store.write(put(self._store.runtime.name, row))

    def load(self, user: UserRef, import_id: str, account: Account) -> ReadRows:
        """Also when a part is missing they count as gone."""
        rows = self._store.runtime.query(f"U#{user.id}", begins_with=f"{PREFIX}{import_id}#")
        if not rows or len(rows) != rows[0]["parts"]:
            raise RowsExpired
        packed = b"".join(
            self._sealer.open(
                user, self._store.runtime.place(Key(pk=row["pk"], sk=row["sk"])), bytes(row["x"])
            )
            for row in rows
        )
        return _decoded(orjson.loads(gzip.decompress(packed)), account)

    def drop(self, user: UserRef, import_id: str) -> None:
        """All parts."""
        rows = self._store.runtime.query(f"U#{user.id}", begins_with=f"{PREFIX}{import_id}#")
        for row in rows:
            self._store.write(delete(self._store.runtime.name, Key(pk=row["pk"], sk=row["sk"])))


def _key(user_id: str, import_id: str, number: int) -> Key:
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{import_id}#{number:03d}")


def _encoded(read: ReadRows) -> dict[str, Any]:
    return {
        "format": read.format,
        "errors": [[error.line, error.code] for error in read.errors],
        "rows": [
            [
                row.import_id,
                row.row.line,
                row.row.date.isoformat(),
                row.row.amount.minor,
                row.row.description,
                row.row.merchant,
                row.row.category,
            ]
            for row in read.rows
        ],
    }


def _decoded(told: Mapping[str, Any], account: Account) -> ReadRows:
    rows = tuple(
        IdentifiedRow(
            import_id=import_id,
            row=StatementRow(
                line=line,
                date=date.fromisoformat(day),
                amount=Money(minor, account.currency),
                description=description,
                merchant=merchant,
                category=category,
            ),
        )
        for import_id, line, day, minor, description, merchant, category in told["rows"]
    )
    errors = tuple(RowError(line, code) for line, code in told["errors"])
    return ReadRows(
        format=Format(told["format"]), rows=rows, errors=errors, warnings=(), detected={}
    )
