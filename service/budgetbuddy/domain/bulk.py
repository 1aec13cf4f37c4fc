"""Many transactions in one request: all of them or none, or each on its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.ports import Context
from budgetbuddy.domain.transactions import (
    Transaction,
    TransactionDraft,
)
from budgetbuddy.problems import FieldError, Problem, Unprocessable

MAX_ATOMIC: Final = 25
MAX_SINGLE: Final = 100


class BulkTooLarge(Unprocessable):
    """More than one transaction of the store can hold, or one request should ask for."""

    code = "bulk_too_large"
    title = "There are too many operations in one request"


class Op(StrEnum):
    """What an operation does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`draft` of a create; `id` and `version` of the others, `fields` of an update."""

    op: Op
    draft: TransactionDraft | None = None
    id: str = ""
    version: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Done:
    """One operation that was done."""

    index: int
    op: Op
    transaction: Transaction


@dataclass(frozen=True, kw_only=True)
class Failed:
    """One operation that was not."""

    index: int
    problem: Problem


@dataclass(frozen=True, kw_only=True)
class BulkResult:
    """What became of each operation."""

    done: Sequence[Done]
    failed: Sequence[Failed] = ()


class Bulk(Protocol):
    """Runs operations."""

    def run_all(self, context: Context, operations: Sequence[Operation]) -> BulkResult:
        """In one transaction: all or none. A refusal names its operation in `errors`."""

    def run_each(self, context: Context, operations: Sequence[Operation]) -> BulkResult:
        """One by one; a repeat with the same Idempotency-Key does none of them twice."""


def require_few(operations: Sequence[Operation], *, atomic: bool) -> None:
    """Raises `BulkTooLarge`, and `Unprocessable` for two operations on one transaction."""
    limit = MAX_ATOMIC if atomic else MAX_SINGLE
    if len(operations) > limit:
        raise BulkTooLarge(f"at most {limit} operations")


def at_operation(problem: Problem, index: int) -> Problem:
    """The problem, naming the operation at fault."""
    detail = problem.title
    problem.errors = (FieldError(pointer=f"/operations/{index}", code=problem.code, detail=detail),)
    return problem
