"""One category into another: what was filed under the first is under the second, for good."""

from dataclasses import replace
from typing import Protocol

from budgetbuddy.domain.categories import Category, CategoryArchived, CategoryRef
from budgetbuddy.domain.jobs import Job
from budgetbuddy.domain.ports import Context
from budgetbuddy.domain.transactions import Transaction
from budgetbuddy.problems import Unprocessable


class KindMismatch(Unprocessable):
    """Income filed as an expense would turn around what months came to."""

    code = "kind_mismatch"
    title = "The categories are not two of one kind"


class CategoryMerges(Protocol):
    """Merges of categories."""

    def merge(self, context: Context, source_id: str, into_id: str) -> Job:
        """File everything of one category under the other and archive the first.

        Rules and recurring items follow; a repeat goes on where the first try ended. Raises
        `NotFound`, `KindMismatch`, `CategoryArchived`, and `CategoryInUse` for a budget.
        """


def require_mergeable(source: Category, into: Category) -> None:
    """Raises `KindMismatch`, `CategoryArchived`."""
    if source.id == into.id or source.kind is not into.kind:
        raise KindMismatch
    if into.archived:
        raise CategoryArchived


def refiled(row: Transaction, source_id: str, into: CategoryRef, now: str) -> Transaction:
    """The transaction with `into` wherever it had the other category."""

    def moved(category: CategoryRef) -> CategoryRef:
        return into if category.id == source_id else category

    return replace(
        row,
        category=moved(row.category) if row.category else None,
        splits=tuple(replace(part, category=moved(part.category)) for part in row.splits),
        updated_at=now,
        version=row.version + 1,
    )


def is_filed_under(row: Transaction, category_id: str) -> bool:
    """Whether the whole or a part of it is."""
    filed = [split.category for split in row.splits]
    if row.category is not None:
        filed.append(row.category)
    return any(category.id == category_id for category in filed)
