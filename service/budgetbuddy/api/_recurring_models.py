"""What `/recurring` takes and gives."""

from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import CalendarDate, MoneyView, Name, NonZeroMoney, unset
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.recurring import (
    MAX_EVIDENCE,
    Frequency,
    Recurring,
    RecurringStatus,
    normalised,
)
from budgetbuddy.domain.recurring_calendar import Detection, Due, DueStatus
from budgetbuddy.domain.recurring_detection import Candidate

Tolerance = Annotated[int, Field(ge=0, le=50)]
Evidence = Annotated[tuple[str, ...], Field(max_length=MAX_EVIDENCE)]


class RecurringPath(Query):
    """Path of one item."""

    recurring_id: str


class RecurringQuery(Query):
    """Which items to list."""

    status: RecurringStatus | None = None


class UpcomingQuery(Query):
    """How far to look ahead."""

    days: Annotated[int, Field(ge=1, le=92)] = 30


class DetectionInput(Input):
    """How many months to look back, the running one included."""

    model_config = ConfigDict(json_schema_extra={"example": {"months": 13}})

    months: Annotated[int, Field(ge=2, le=24)] = 13


class NewRecurring(Input):
    """A candidate that is confirmed, or an item by hand; a negative amount flows out.

    Rows are known by the payee of the evidence, or by the name when there is none.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Music",
                "amount": {"amount": "-9.99", "currency": "EUR"},
                "frequency": "monthly",
                "nextDate": "2026-07-01",
            }
        }
    )

    name: Name
    amount: NonZeroMoney
    amount_tolerance_pct: Tolerance = 5
    frequency: Frequency
    next_date: CalendarDate
    category_id: str | None = None
    account_id: str | None = None
    evidence: Evidence = ()

    @model_validator(mode="after")
    def _names_each_row_once(self) -> "NewRecurring":
        if len(set(self.evidence)) < len(self.evidence):
            raise PydanticCustomError("repeated_evidence", "Each row is named once")
        return self

    def item(self) -> Recurring:
        """A new item."""
        return Recurring(
            id=make_id(Kind.RECURRING),
            name=self.name,
            payee=normalised(self.name),
            amount=self.amount.money(),
            tolerance_percent=self.amount_tolerance_pct,
            frequency=self.frequency,
            next_date=self.next_date,
            category_id=self.category_id,
            account_id=self.account_id,
            evidence=self.evidence,
        )


class RecurringChange(Input):
    """Fields to replace; absent ones stay, null clears where there can be nothing."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "paused"}})

    name: Name = unset()
    amount: NonZeroMoney = unset()
    amount_tolerance_pct: Tolerance = unset()
    frequency: Frequency = unset()
    next_date: CalendarDate = unset()
    category_id: str | None = unset()
    account_id: str | None = unset()
    status: RecurringStatus = unset()

    def fields(self) -> dict[str, Any]:
        """Only what was sent, as the domain names it."""
        fields = {name: getattr(self, name) for name in self.model_fields_set}
        if "amount" in fields:
            fields["amount"] = self.amount.money()
        if "amount_tolerance_pct" in fields:
            fields["tolerance_percent"] = fields.pop("amount_tolerance_pct")
        return fields


class RecurringView(View):
    """A recurring item; `evidence` are the transactions it was found in."""

    id: str
    name: str
    amount: MoneyView
    amount_tolerance_pct: int
    frequency: Frequency
    next_date: date
    category_id: str | None
    account_id: str | None
    status: RecurringStatus
    evidence: list[str]
    version: int

    @classmethod
    def of(cls, item: Recurring) -> "RecurringView":
        """The view of an item."""
        return cls(
            id=item.id,
            name=item.name,
            amount=MoneyView.of(item.amount),
            amount_tolerance_pct=item.tolerance_percent,
            frequency=item.frequency,
            next_date=item.next_date,
            category_id=item.category_id,
            account_id=item.account_id,
            status=item.status,
            evidence=list(item.evidence),
            version=item.version,
        )


class RecurringList(View):
    """All items, oldest first; the list is not paged."""

    items: list[RecurringView]
    next_cursor: str | None = None


class CandidateView(View):
    """Something that recurs; `confidence` is the percentage of the payee's rows that fit."""

    name: str
    amount: MoneyView
    frequency: Frequency
    next_date: date
    confidence: int
    evidence: list[str]

    @classmethod
    def of(cls, found: Candidate) -> "CandidateView":
        """The view of a candidate."""
        return cls(
            name=found.name,
            amount=MoneyView.of(found.amount),
            frequency=found.frequency,
            next_date=found.next_date,
            confidence=found.confidence,
            evidence=list(found.evidence),
        )


class DetectionView(View):
    """What recurs and is no item yet, the most certain first.

    `complete` is false when there were more than 5,000 rows: the newest were looked at.
    """

    candidates: list[CandidateView]
    examined: int
    complete: bool

    @classmethod
    def of(cls, found: Detection) -> "DetectionView":
        """The view of a detection."""
        return cls(
            candidates=[CandidateView.of(candidate) for candidate in found.candidates],
            examined=found.examined,
            complete=found.complete,
        )


class DueView(View):
    """A due day; `matched` names the transaction that kept it, and its amount."""

    recurring_id: str
    date: date
    amount: MoneyView
    status: DueStatus
    transaction_id: str | None

    @classmethod
    def of(cls, due: Due) -> "DueView":
        """The view of a due day."""
        return cls(
            recurring_id=due.item.id,
            date=due.day,
            amount=MoneyView.of(due.row.amount if due.row else due.item.amount),
            status=due.status,
            transaction_id=due.row.id if due.row else None,
        )


class DueList(View):
    """Due days, the earliest first."""

    items: list[DueView]
    next_cursor: str | None = None
