"""What a statement file is read into, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from budgetbuddy.domain.cards import contains_card_number
from budgetbuddy.domain.money import Money

MAX_ROWS: Final = 5_000
MAX_DESCRIPTION: Final = 500
MAX_MERCHANT: Final = 200
MAX_CATEGORY: Final = 100
MAX_ID: Final = 255  # OFX 2.2 § 3.2.1: FITID is at most 255 characters


class UnreadableStatement(ValueError):  # noqa: N818 - states a fact
    """The file as a whole cannot be imported; `code` is stable, `pointer` names the culprit.

    Pointers: `/file`, or the option that would settle it, such as `/options/dateFormat`.
    """

    def __init__(self, code: str, detail: str, pointer: str = "/file") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer


class InvalidCell(ValueError):  # noqa: N818 - states a fact
    """One cell or element is wrong; becomes a `RowError` of its line."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement of money. `line` counts from 1; `external_id` is the bank's own, if any."""

    line: int
    date: date
    amount: Money
    description: str
    merchant: str | None = None
    category: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """Why the row that begins at `line` cannot be imported. Cell contents are never repeated."""

    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The good rows and the bad, in the order of the file, and how the file was understood."""

    rows: tuple[StatementRow, ...]
    errors: tuple[RowError, ...]
    detected: Mapping[str, object] = field(default_factory=dict)


def clean_text(text: str) -> str:
    """One line of text: runs of white space become one space, both ends trimmed.

    Text that a spreadsheet would take for a formula stays as it is: here it is only text.
    """
    return " ".join(text.split())


def checked_row(row: StatementRow, *, earliest: date, latest: date) -> StatementRow:
    """The row if it may become a transaction. Raises `InvalidCell`."""
    if not earliest <= row.date <= latest:
        raise InvalidCell("date_out_of_range")
    if row.amount.minor == 0:
        raise InvalidCell("zero_amount")
    if not row.description:
        raise InvalidCell("missing_description")
    texts = (
        (row.description, MAX_DESCRIPTION),
        (row.merchant or "", MAX_MERCHANT),
        (row.category or "", MAX_CATEGORY),
        (row.external_id or "", MAX_ID),
    )
    if any(len(text) > limit for text, limit in texts):
        raise InvalidCell("text_too_long")
    if any(contains_card_number(text) for text, _ in texts):
        raise InvalidCell("card_number_detected")
    return row
