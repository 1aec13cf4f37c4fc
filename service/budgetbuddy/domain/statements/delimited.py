"""CSV statements: dialect, columns, date format and decimal mark detected or told.

What cannot be told apart is asked for, never guessed: a wrong guess would book wrong money.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.statements.amounts import detect_decimal, parse_amount
from budgetbuddy.domain.statements.columns import Column, Layout, Record, cell_at, find_layout
from budgetbuddy.domain.statements.dates import date_pattern, detect_date_format, parse_date
from budgetbuddy.domain.statements.headings import INFLOW, OUTFLOW
from budgetbuddy.domain.statements.rows import (
    MAX_ROWS,
    InvalidCell,
    RowError,
    Statement,
    StatementRow,
    UnreadableStatement,
    checked_row,
    clean_text,
)

DELIMITERS: Final = (",", ";", "\t", "|")
_AMOUNT_FIELDS: Final = ("amount", "debit", "credit")
_LINES_ABOVE: Final = 200  # headings, and what banks print over them
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # written by Excel


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """What the caller knows of the file; None means: find out."""

    mapping: Mapping[str, Column] | None = None
    date_format: str | None = None
    decimal: str | None = None
    delimiter: str | None = None
    invert_sign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Everything needed to read one record."""

    layout: Layout
    pattern: re.Pattern[str]
    decimal: str
    invert_sign: bool
    currency: Currency


def read_csv(
    text: str, options: CsvOptions, currency: Currency, *, earliest: date, latest: date
) -> Statement:
    """Read a statement of an account kept in `currency`; dates must lie within the two given.

    Raises `UnreadableStatement` when the file as a whole makes no sense.
    """
    records, layout, delimiter = _open(text, options)
    data = [record for record in records[layout.first :] if any(map(str.strip, record.cells))]
    if not data:
        raise UnreadableStatement("empty_file", "the file has headings and nothing else")
    if len(data) > MAX_ROWS:
        raise UnreadableStatement("too_many_rows", f"at most {MAX_ROWS} rows at once")
    format_ = options.date_format or detect_date_format(_cells(data, layout, ("date",)))
    reading = _Reading(
        layout=layout,
        pattern=date_pattern(format_),
        decimal=options.decimal or detect_decimal(_cells(data, layout, _AMOUNT_FIELDS)),
        invert_sign=options.invert_sign,
        currency=currency,
    )
    rows, errors = [], []
    for record in data:
        try:
            rows.append(checked_row(_row(record, reading), earliest=earliest, latest=latest))
        except InvalidCell as wrong:
            errors.append(RowError(record.line, wrong.code))
    detected = {
        "mapping": layout.named(),
        "dateFormat": format_,
        "decimal": reading.decimal,
        "delimiter": delimiter,
    }
    return Statement(tuple(rows), tuple(errors), detected)


def _open(text: str, options: CsvOptions) -> tuple[list[Record], Layout, str]:
    """Records, layout and delimiter: the one given, or the one under which most columns fit."""
    announced = _SEPARATOR_LINE.match(text)
    skipped = 1 if announced else 0
    told = options.delimiter or (announced[1] if announced else None)
    found: list[tuple[list[Record], Layout, str]] = []
    failures: list[tuple[int, UnreadableStatement]] = []
    for delimiter in (told,) if told else DELIMITERS:
        try:
            records = _records(text, delimiter)[skipped:]
            width = max((len(record.cells) for record in records), default=0)
        except UnreadableStatement as broken:
            failures.append((0, broken))
            continue
        try:
            found.append((records, find_layout(records, options.mapping), delimiter))
        except UnreadableStatement as unknown:
            failures.append((width, unknown))
    if found:
        return max(found, key=lambda opened: (len(opened[1].columns), opened[1].width))
    width, failure = max(failures, key=lambda pair: pair[0])
    if width == 1:
        raise UnreadableStatement("not_csv", "no line has more than one column")
    raise failure


def _records(text: str, delimiter: str) -> list[Record]:
    lines = (line.group() for line in _LINE.finditer(text))  # a StringIO would take four times more
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    records, line = [], 1
    try:
        for cells in reader:
            if any(cells):
                records.append(Record(line, tuple(cells)))
            if len(records) > MAX_ROWS + _LINES_ABOVE:
                raise UnreadableStatement("too_many_rows", f"at most {MAX_ROWS} rows at once")
            line = reader.line_num + 1
    except csv.Error:  # its message may quote the file
        raise UnreadableStatement("not_csv", f"the quotes of line {line} do not match") from None
    if not records:
        raise UnreadableStatement("empty_file", "the file holds no row")
    return records


def _cells(data: Sequence[Record], layout: Layout, fields: Sequence[str]) -> list[str]:
    indexes = [layout.columns[field] for field in fields if field in layout.columns]
    cells = (cell_at(record, index) for record in data for index in indexes)
    return [cell for cell in cells if cell]


def _row(record: Record, reading: _Reading) -> StatementRow:
    columns = reading.layout.columns
    if any(map(str.strip, record.cells[reading.layout.width :])):
        # An unquoted delimiter moved the cells: none of them can be trusted.
        raise InvalidCell("too_many_columns")
    currency = cell_at(record, columns.get("currency"))
    if currency and currency.upper() != reading.currency.code:
        raise InvalidCell("currency_mismatch")
    day = parse_date(cell_at(record, columns["date"]), reading.pattern)
    amount = _amount(record, reading)
    texts = {
        field: clean_text(cell_at(record, columns.get(field)))
        for field in ("description", "merchant", "category", "id")
    }
    return StatementRow(
        line=record.line,
        date=day,
        amount=-amount if reading.invert_sign else amount,
        description=texts["description"] or texts["merchant"],
        merchant=texts["merchant"] or None,
        category=texts["category"] or None,
        external_id=texts["id"] or None,
    )


def _amount(record: Record, reading: _Reading) -> Money:
    """The signed amount: from one column, one with its direction beside it, or one a direction."""
    columns = reading.layout.columns

    def read(field: str) -> Money | None:
        cell = cell_at(record, columns.get(field))
        return parse_amount(cell, reading.decimal, reading.currency) if cell else None

    if "amount" in columns:
        amount = read("amount")
        if amount is None:
            raise InvalidCell("invalid_amount")
        return _directed(amount, cell_at(record, columns.get("direction")).casefold())
    debit, credit = read("debit"), read("credit")
    if debit is not None and credit is not None and debit.minor and credit.minor:
        raise InvalidCell("ambiguous_amount")
    if debit is not None and (debit.minor or credit is None):
        return -abs(debit)
    if credit is None:
        raise InvalidCell("invalid_amount")
    return credit


def _directed(amount: Money, direction: str) -> Money:
    if direction in OUTFLOW:
        return -abs(amount)
    if direction in INFLOW and amount.minor < 0:
        raise InvalidCell("ambiguous_amount")
    if direction and direction not in INFLOW:
        raise InvalidCell("invalid_direction")
    return amount
