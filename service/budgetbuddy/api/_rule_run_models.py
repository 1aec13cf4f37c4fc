"""What trying out and applying rules takes and gives."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, View
from budgetbuddy.api._fields import CalendarDate
from budgetbuddy.api._rule_models import RuleInput
from budgetbuddy.domain.rules import MAX_RULES, DryRun, Filed, Preview
from budgetbuddy.domain.transaction_queries import TransactionFilter
from budgetbuddy.domain.transactions import Review, TransactionKind

WIDEST = timedelta(days=366)
RuleIds = Annotated[list[str], Field(min_length=1, max_length=MAX_RULES)]


class RuleOrder(Input):
    """Every rule, in the order they run."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"ruleIds": ["rul_01jdk2v7x8e9rts0a1b2c3d4e5"]}}
    )

    rule_ids: Annotated[list[str], Field(max_length=MAX_RULES)]


class Span(Input):
    """Dates, both included, at most 366 days apart."""

    from_: Annotated[CalendarDate, Field(alias="from")]
    to: CalendarDate

    @model_validator(mode="after")
    def _is_a_span(self) -> "Span":
        if not self.from_ <= self.to <= self.from_ + WIDEST:
            raise PydanticCustomError("not_a_span", "from is before to, by at most 366 days")
        return self

    def wanted(self) -> TransactionFilter:
        """Entries of the span: rules touch nothing else."""
        return TransactionFilter(start=self.from_, end=self.to, kind=TransactionKind.ENTRY)


class DryRunInput(Span):
    """Which rules to try on which dates: one that is not stored, some, or all."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"from": "2026-01-01", "to": "2026-01-31", "limit": 50}}
    )

    rule: RuleInput | None = None
    rule_ids: RuleIds | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    @model_validator(mode="after")
    def _names_one_kind(self) -> "DryRunInput":
        if self.rule is not None and self.rule_ids is not None:
            raise PydanticCustomError("rule_and_ids", "Either a rule or ruleIds")
        return self


class Application(Span):
    """Which rules to apply to which dates; what a user has set stays unless it is overwritten."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"from": "2026-01-01", "to": "2026-01-31"}}
    )

    rule_ids: RuleIds | None = None
    overwrite_manual: bool = False


class FiledView(View):
    """What rules set on a transaction."""

    category_id: str | None
    tags: list[str]
    merchant: str | None
    excluded: bool
    review: Review

    @classmethod
    def of(cls, found: Filed) -> "FiledView":
        """The view of one side."""
        row = found.row
        return cls(
            category_id=found.category_id,
            tags=list(row.tags),
            merchant=row.merchant,
            excluded=row.excluded,
            review=row.review,
        )


class PreviewView(View):
    """A transaction before and after."""

    transaction_id: str
    date: date
    before: FiledView
    after: FiledView

    @classmethod
    def of(cls, found: Preview) -> "PreviewView":
        """The view of a change."""
        return cls(
            transaction_id=found.before.row.id,
            date=found.before.row.date,
            before=FiledView.of(found.before),
            after=FiledView.of(found.after),
        )


class RuleDryRunView(View):
    """What rules would do; `changes` are the newest, up to the limit."""

    matched: int
    examined: int
    changes: list[PreviewView]

    @classmethod
    def of(cls, found: DryRun) -> "RuleDryRunView":
        """The view of a try."""
        return cls(
            matched=found.matched,
            examined=found.examined,
            changes=[PreviewView.of(change) for change in found.changes],
        )
