"""Which rows are the same row, within a file and from one import to the next.

The bank's own identifier where there is one, else a digest of what the row says and its number
among equal rows, so that two coffees of one day stay two and a second import adds neither.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from budgetbuddy.domain.statements.rows import RowError, StatementRow

MAX_IMPORT_ID: Final = 100


@dataclass(frozen=True, slots=True)
class IdentifiedRow:
    """A row and its import id, unique within the file and stable across files."""

    row: StatementRow
    import_id: str


@dataclass(frozen=True, slots=True)
class Identified:
    """`repeated` rows carry an id that a row before them has; `alike` only say the same."""

    rows: tuple[IdentifiedRow, ...]
    repeated: tuple[RowError, ...]
    alike: tuple[RowError, ...]


def identify(rows: Sequence[StatementRow]) -> Identified:
    """Give each row its import id, in the order of the file."""
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    result, repeated, alike = [], [], []
    for row in rows:
        if row.external_id is not None:
            import_id = _of_bank(row.external_id)
        else:
            content = _content(row)
            counts[content] += 1
            if counts[content] > 1:
                alike.append(RowError(row.line, "same_as_earlier_row"))
            import_id = "row:" + _digest(f"{content}\n{counts[content]}")
        if import_id in seen:
            repeated.append(RowError(row.line, "duplicate_row"))
            continue
        seen.add(import_id)
        result.append(IdentifiedRow(row, import_id))
    return Identified(tuple(result), tuple(repeated), tuple(alike))


def _of_bank(external_id: str) -> str:
    import_id = f"id:{external_id}"
    return import_id if len(import_id) <= MAX_IMPORT_ID else f"id:{_digest(external_id)}"


def _content(row: StatementRow) -> str:
    words = unicodedata.normalize("NFKC", row.description).casefold().split()
    return f"{row.date.isoformat()}\n{row.amount.minor}\n{' '.join(words)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
