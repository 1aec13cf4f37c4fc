"""What `/imports` takes and gives."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from flask_openapi3.models.file import FileStorage
from pydantic import ConfigDict, Field, StrictInt, StringConstraints

from budgetbuddy.api._body import Input, View
from budgetbuddy.api._fields import MoneyView
from budgetbuddy.domain.imports import ROW_FAULTS, ImportReport, Placed, ReadRows
from budgetbuddy.domain.statements.delimited import CsvOptions
from budgetbuddy.domain.statements.identity import IdentifiedRow
from budgetbuddy.domain.statements.reading import Format, ReadingOptions
from budgetbuddy.domain.statements.rows import RowError
from budgetbuddy.domain.statements.text import ENCODINGS

SAMPLE = 20
Heading = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ColumnNumber = Annotated[StrictInt, Field(ge=1, le=200)]
Column = Heading | ColumnNumber
Encoding = StrEnum("Encoding", {name.upper(): name for name in ENCODINGS})  # type: ignore[misc] # made from the domain's list


class Mapping(Input):
    """Which column holds what: its heading, or its number from 1 when there are no headings."""

    date: Column
    amount: Column | None = None
    debit: Column | None = None
    credit: Column | None = None
    direction: Column | None = None
    description: Column
    merchant: Column | None = None
    category: Column | None = None
    id: Column | None = None
    currency: Column | None = None


class ImportOptions(Input):
    """How to read the file and what to do with it; what is not said is detected.

    `csv` and `ofx` are the formats. What can be read in two ways (days and months, decimal marks)
    is refused with 422 `mapping_incomplete` until it is said.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accountId": "acc_01jdk2p6m4ze5v9q0w3n8r7t1x",
                "format": "csv",
                "dryRun": True,
                "mapping": {"date": "Date", "description": "Details", "amount": "Amount"},
                "dateFormat": "DD/MM/YYYY",
            }
        }
    )

    account_id: str
    format: Format
    dry_run: bool = False
    partial: bool = False
    mapping: Mapping | None = None
    date_format: Annotated[str, StringConstraints(min_length=6, max_length=20)] | None = None
    decimal: Literal[".", ","] | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    encoding: Encoding | None = None
    invert_sign: bool = False

    def reading(self) -> ReadingOptions:
        """The options as the domain takes them."""
        mapping = (
            self.mapping.model_dump(exclude_none=True, by_alias=False) if self.mapping else None
        )
        return ReadingOptions(
            format=self.format,
            encoding=str(self.encoding) if self.encoding else None,
            csv=CsvOptions(
                mapping=mapping,
                date_format=self.date_format,
                decimal=self.decimal,
                delimiter=self.delimiter,
                invert_sign=self.invert_sign,
            ),
        )


class ImportForm(Input):
    """The statement, at most 5 MB, and the options as JSON (`ImportOptions`)."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        json_schema_extra={
            "example": {
                "file": "Date,Amount,Text\n2026-01-31,-12.30,Groceries\n",
                "options": '{"accountId":"acc_01jdk2v7x8e9rts0a1b2c3d4e5","format":"csv"}',
            }
        },
    )

    file: FileStorage
    options: Annotated[
        str,
        StringConstraints(max_length=16_384),
        Field(
            description=(
                "JSON with accountId, format (csv, ofx), dryRun, partial, mapping (date, amount or "
                "debit and credit, direction, description, merchant, category, id, currency), "
                "dateFormat (DD/MM/YYYY), decimal, delimiter, encoding, invertSign"
            ),
            examples=['{"accountId": "acc_01jdk2p6m4ze5v9q0w3n8r7t1x", "format": "ofx"}'],
            json_schema_extra={"contentMediaType": "application/json"},
        ),
    ]


class RowFault(View):
    """Why the row that begins at this line of the file was not taken."""

    line: int
    code: str
    detail: str

    @classmethod
    def of(cls, error: RowError) -> "RowFault":
        """The view of a row error."""
        return cls(line=error.line, code=error.code, detail=ROW_FAULTS[error.code])


class PlacedView(View):
    """The transaction that a line became."""

    line: int
    transaction_id: str

    @classmethod
    def of(cls, placed: Placed) -> "PlacedView":
        """The view of a placed row."""
        return cls(line=placed.line, transaction_id=placed.transaction_id)


class SampleRow(View):
    """A row as it would be booked."""

    line: int
    date: date
    amount: MoneyView
    description: str
    merchant: str | None
    category: str | None
    import_id: str

    @classmethod
    def of(cls, identified: IdentifiedRow) -> "SampleRow":
        """The view of a row of a statement."""
        row = identified.row
        return cls(
            line=row.line,
            date=row.date,
            amount=MoneyView.of(row.amount),
            description=row.description,
            merchant=row.merchant,
            category=row.category,
            import_id=identified.import_id,
        )


class ImportDryRunView(View):
    """What an import would do. `detectedMapping` can be sent back as options."""

    rows: int
    new: int
    duplicates: list[PlacedView]
    errors: list[RowFault]
    warnings: list[RowFault]
    sample: list[SampleRow]
    detected_mapping: dict[str, Any]

    @classmethod
    def of(cls, read: ReadRows, known: Sequence[Placed]) -> "ImportDryRunView":
        """The view of a statement that was read and compared with what is booked."""
        return cls(
            rows=len(read.rows) + len(read.errors),
            new=len(read.rows) - len(known),
            duplicates=[PlacedView.of(placed) for placed in known],
            errors=[RowFault.of(error) for error in read.errors],
            warnings=[RowFault.of(error) for error in read.warnings],
            sample=[SampleRow.of(row) for row in read.rows[:SAMPLE]],
            detected_mapping=dict(read.detected),
        )


class Counts(View):
    """Rows by what became of them."""

    rows: int
    created: int
    duplicates: int
    errors: int


class ImportSummary(View):
    """What an import did, in numbers."""

    id: str
    account_id: str
    format: Format
    created_at: str
    counts: Counts

    @classmethod
    def of(cls, report: ImportReport) -> "ImportSummary":
        """The view of a report without its lines."""
        return cls(**_numbers(report))


class ImportView(ImportSummary):
    """What an import did, line by line; kept for 90 days."""

    created: list[PlacedView]
    duplicates: list[PlacedView]
    errors: list[RowFault]

    @classmethod
    def of(cls, report: ImportReport) -> "ImportView":
        """The view of a report."""
        return cls(
            **_numbers(report),
            created=[PlacedView.of(placed) for placed in report.created],
            duplicates=[PlacedView.of(placed) for placed in report.duplicates],
            errors=[RowFault.of(error) for error in report.errors],
        )


def _numbers(report: ImportReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "account_id": report.account_id,
        "format": report.format,
        "created_at": report.created_at,
        "counts": Counts(**report.counts),
    }


class ImportList(View):
    """One page of imports."""

    items: list[ImportSummary]
    next_cursor: str | None
