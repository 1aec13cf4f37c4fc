"""Statement imports: all rows or none, unless the good ones are enough; no row twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Protocol

from budgetbuddy.domain.accounts import Account, AccountClosed, AccountStatus
from budgetbuddy.domain.jobs import Job
from budgetbuddy.domain.ports import Context, Page, Position, UserRef
from budgetbuddy.domain.statements.identity import IdentifiedRow, identify
from budgetbuddy.domain.statements.reading import Format, ReadingOptions, read_statement
from budgetbuddy.domain.statements.rows import MAX_ROWS, RowError, UnreadableStatement
from budgetbuddy.domain.transactions import (
    EARLIEST,
    FUTURE,
)
from budgetbuddy.problems import FieldError, Unprocessable

KEPT: Final = timedelta(days=90)

ROW_FAULTS: Final[Mapping[str, str]] = {
    "invalid_date": "the date is missing or not in the format of the file",
    "date_out_of_range": "the date is before 1970 or more than a year ahead",
    "invalid_amount": "the amount is missing or cannot be read",
    "invalid_direction": "the direction is neither debit nor credit",
    "ambiguous_amount": "debit and credit contradict each other",
    "too_many_decimals": "the amount has more decimals than the currency",
    "zero_amount": "the amount is zero",
    "currency_mismatch": "the row is in another currency than the account",
    "missing_description": "the row says nothing about itself",
    "text_too_long": "a text is longer than can be kept",
    "card_number_detected": "a text holds a card number",
    "too_many_columns": "the row has more columns than the headings",
    "duplicate_row": "an earlier row of the file has the same identifier",
    "same_as_earlier_row": "an earlier row of the file says the same; both are kept",
}


class UnreadableFile(Unprocessable):
    """The file as a whole makes no sense; `errors` says why."""

    code = "unreadable_file"
    title = "The file is not a statement that can be read"


class MappingIncomplete(Unprocessable):
    """An option is needed to read the file; `errors` names it."""

    code = "mapping_incomplete"
    title = "The file can only be read with more options"


class TooManyRows(Unprocessable):
    """The file is to be split."""

    code = "too_many_rows"
    title = f"A statement has at most {MAX_ROWS} rows"


class ImportRejected(Unprocessable):
    """Some rows are wrong and `partial` was not asked for: nothing was imported."""

    code = "import_rejected"
    title = "Some rows are wrong; nothing was imported"


@dataclass(frozen=True, kw_only=True)
class LineError(FieldError):
    """A wrong row, by the line of the file it begins at."""

    line: int


@dataclass(frozen=True, kw_only=True)
class ReadRows:
    """A statement ready to be imported: rows in the order of the file, errors by line."""

    format: Format
    rows: Sequence[IdentifiedRow]
    errors: Sequence[RowError]
    warnings: Sequence[RowError]
    detected: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The transaction that a line of the file became, or had become before."""

    line: int
    transaction_id: str


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did, line by line. `created_at` is RFC 3339."""

    id: str
    account_id: str
    format: Format
    created_at: str
    rows: int
    created: Sequence[Placed]
    duplicates: Sequence[Placed]
    errors: Sequence[RowError]

    @property
    def counts(self) -> Mapping[str, int]:
        """The same as numbers."""
        return {
            "rows": self.rows,
            "created": len(self.created),
            "duplicates": len(self.duplicates),
            "errors": len(self.errors),
        }


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """A finished import and the job that stands for it."""

    job: Job
    report: ImportReport

    @property
    def id(self) -> str:
        """The job's: what a client asks for next."""
        return self.job.id


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """An import that was answered with a job before it began."""

    import_id: str
    job: Job


class Imports(Protocol):
    """The imports of users."""

    def known(self, user: UserRef, account_id: str, rows: Sequence[IdentifiedRow]) -> list[Placed]:
        """The rows that were imported before. Writes nothing."""

    def run(
        self, context: Context, account: Account, read: ReadRows, ordered: Ordered | None = None
    ) -> ImportResult:
        """Book the rows that are new, a part at a time; a repeated call books none twice.

        `ordered` has a job already, which is told how far it is.

        Raises `AccountClosed`, `NotFound` when the account went away meanwhile.
        """

    def get(self, user: UserRef, import_id: str) -> ImportReport:
        """One report. Raises `NotFound`, also when its time is over."""

    def list(self, user: UserRef, *, limit: int, start: Position | None) -> Page[ImportReport]:
        """Reports, newest first."""


def read_rows(data: bytes, options: ReadingOptions, account: Account, today: date) -> ReadRows:
    """Read a statement for an account.

    Raises `AccountClosed`, `UnreadableFile`, `MappingIncomplete`, `TooManyRows`.
    """
    if account.status is AccountStatus.CLOSED:
        raise AccountClosed
    try:
        statement = read_statement(
            data, options, account.currency, earliest=EARLIEST, latest=today + FUTURE
        )
    except UnreadableStatement as wrong:
        raise _problem_of(wrong) from wrong
    identified = identify(statement.rows)
    errors = sorted([*statement.errors, *identified.repeated], key=lambda error: error.line)
    return ReadRows(
        format=options.format,
        rows=identified.rows,
        errors=tuple(errors),
        warnings=identified.alike,
        detected=statement.detected,
    )


def require_good_rows(read: ReadRows, *, partial: bool) -> None:
    """Raises `ImportRejected` with every wrong row, unless the good ones are enough."""
    if partial or not read.errors:
        return
    total = len(read.rows) + len(read.errors)
    raise ImportRejected(
        f"{len(read.errors)} of {total} rows are wrong",
        errors=[
            LineError(pointer="/file", code=e.code, detail=ROW_FAULTS[e.code], line=e.line)
            for e in read.errors
        ],
    )


def _problem_of(wrong: UnreadableStatement) -> Unprocessable:
    if wrong.code == TooManyRows.code:
        return TooManyRows()
    errors = [FieldError(pointer=wrong.pointer, code=wrong.code, detail=wrong.detail)]
    if wrong.pointer.startswith("/options") and wrong.code != "wrong_encoding":
        return MappingIncomplete(errors=errors)
    return UnreadableFile(errors=errors)


def summary(report: ImportReport) -> dict[str, Any]:
    """What a job keeps of a report."""
    return {"importId": report.id, **report.counts}
