"""The one entrance to statement files: bytes and options in, a `Statement` out."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.statements.delimited import CsvOptions, read_csv
from budgetbuddy.domain.statements.ofx import declared_encoding, read_ofx
from budgetbuddy.domain.statements.rows import Statement
from budgetbuddy.domain.statements.text import decode


class Format(StrEnum):
    """The statement formats there are."""

    CSV = "csv"
    OFX = "ofx"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """How to read the file; what is None is detected. `csv` counts for CSV only."""

    format: Format
    encoding: str | None = None
    csv: CsvOptions = field(default_factory=CsvOptions)


def read_statement(
    data: bytes, options: ReadingOptions, currency: Currency, *, earliest: date, latest: date
) -> Statement:
    """Read a statement of an account kept in `currency`. Raises `UnreadableStatement` only."""
    told = options.encoding
    if told is None and options.format is Format.OFX:
        told = declared_encoding(data)
    text, encoding = decode(data, told)
    if options.format is Format.OFX:
        statement = read_ofx(text, currency, earliest=earliest, latest=latest)
    else:
        statement = read_csv(text, options.csv, currency, earliest=earliest, latest=latest)
    return Statement(statement.rows, statement.errors, {"encoding": encoding, **statement.detected})
