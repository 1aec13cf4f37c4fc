"""Which column of a CSV statement means what: told by the caller, or seen in its headings."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from budgetbuddy.domain.statements.headings import FIELDS, HEADINGS, INFLOW, OUTFLOW, heading_key
from budgetbuddy.domain.statements.rows import UnreadableStatement

MAX_PREAMBLE: Final = 40  # lines of account data that some banks print above the headings

Column = str | int  # a heading, or the number of a column, the first being 1


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one CSV record; `line` is where it begins, from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each field stands: `columns` field to index from 0, `first` record of data, width."""

    columns: Mapping[str, int]
    first: int
    width: int
    headings: tuple[str, ...] = ()

    def named(self) -> dict[str, Column]:
        """The mapping a caller would write to get this layout."""
        return {
            field: self.headings[index] if self.headings else index + 1
            for field, index in self.columns.items()
        }


def find_layout(records: Sequence[Record], mapping: Mapping[str, Column] | None) -> Layout:
    """Raises `UnreadableStatement` (`mapping_incomplete`), its pointer naming the field."""
    if mapping is None:
        return _seen(records)
    _require_fields(mapping.keys())
    if all(isinstance(column, int) for column in mapping.values()):
        return _numbered(records, {f: int(column) for f, column in mapping.items()})
    return _told(records, {f: str(column) for f, column in mapping.items()})


def _seen(records: Sequence[Record]) -> Layout:
    for position, record in enumerate(records[:MAX_PREAMBLE]):
        columns = _recognise([heading_key(cell) for cell in record.cells])
        if _is_complete(columns):
            layout = Layout(columns, position + 1, len(record.cells), record.cells)
            return _without_idle_direction(layout, records)
    raise UnreadableStatement(
        "mapping_incomplete",
        "no line of headings was recognised: say in mapping which column is what",
        "/options/mapping",
    )


def _recognise(keys: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for field in FIELDS:
        free = (keys.index(n) for n in HEADINGS[field] if n in keys)
        index = next((i for i in free if i not in columns.values()), None)
        if index is not None:
            columns[field] = index
    if "amount" in columns:  # an amount says it all
        columns = {f: i for f, i in columns.items() if f not in {"debit", "credit"}}
    else:
        columns.pop("direction", None)
    if "description" not in columns and "merchant" in columns:
        columns["description"] = columns["merchant"]
    return columns


def _is_complete(columns: Mapping[str, int]) -> bool:
    return {"date", "description"} <= columns.keys() and not columns.keys().isdisjoint(
        {"amount", "debit", "credit"}
    )


def _without_idle_direction(layout: Layout, records: Sequence[Record]) -> Layout:
    """Drop a direction column that holds anything but directions, such as `Card payment`."""
    index = layout.columns.get("direction")
    if index is None:
        return layout
    words = {cell_at(record, index).casefold() for record in records[layout.first :]}
    if words - {""} <= OUTFLOW | INFLOW:
        return layout
    kept = {field: i for field, i in layout.columns.items() if field != "direction"}
    return Layout(kept, layout.first, layout.width, layout.headings)


def _told(records: Sequence[Record], mapping: Mapping[str, str]) -> Layout:
    wanted = {field: heading_key(name) for field, name in mapping.items()}
    missing = "date"
    for position, record in enumerate(records[:MAX_PREAMBLE]):
        keys = [heading_key(cell) for cell in record.cells]
        absent = [field for field, name in wanted.items() if name not in keys]
        if not absent:
            columns = {field: keys.index(name) for field, name in wanted.items()}
            return Layout(columns, position + 1, len(record.cells), record.cells)
        if len(absent) < len(wanted):  # the likeliest line of headings tells what it lacks
            missing = absent[0]
    raise UnreadableStatement(
        "mapping_incomplete", "no column has this heading", f"/options/mapping/{missing}"
    )


def _numbered(records: Sequence[Record], mapping: Mapping[str, int]) -> Layout:
    width = Counter(len(record.cells) for record in records).most_common(1)[0][0]
    for field, number in mapping.items():
        if not 1 <= number <= width:
            detail = f"the file has {width} columns"
            raise UnreadableStatement("mapping_incomplete", detail, f"/options/mapping/{field}")
    columns = {field: number - 1 for field, number in mapping.items()}
    # Without named headings, a first date cell that holds no digit is one.
    has_heading = not any(c.isdigit() for c in cell_at(records[0], columns["date"]))
    return Layout(columns, int(has_heading), width)


def _require_fields(fields: Iterable[str]) -> None:
    if not _is_complete(dict.fromkeys(fields, 0)):
        raise UnreadableStatement(
            "mapping_incomplete",
            "date, description, and amount or debit and credit are needed",
            "/options/mapping",
        )


def cell_at(record: Record, index: int | None) -> str:
    """The trimmed cell; empty where the record is shorter or the field has no column."""
    if index is None or index >= len(record.cells):
        return ""
    return record.cells[index].strip()
