"""`/transactions/bulk`: many changes in one request."""

from typing import Annotated, Any, Literal

from flask import Response
from pydantic import ConfigDict, Field

from budgetbuddy.api._body import Input, View
from budgetbuddy.api._declaration import KILOBYTE
from budgetbuddy.api._http import answer, rendered, services
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._transaction_models import NewTransaction, TransactionChange, TransactionView
from budgetbuddy.api.transactions import REFUSALS, WRITE, require_sound
from budgetbuddy.domain.bulk import (
    MAX_SINGLE,
    BulkResult,
    BulkTooLarge,
    Failed,
    Op,
    Operation,
    at_operation,
    require_few,
)
from budgetbuddy.domain.transactions import (
    DuplicateImport,
    TransactionDeleted,
    TransferLeg,
)
from budgetbuddy.problems import FieldError, Problem, ValidationFailed, VersionConflict

routes = Routes("bulk", "/api/v1/transactions/bulk", area="transactions")
BULK_BYTES = 512 * KILOBYTE
_EXAMPLE: dict[str, Any] = {
    "atomic": True,
    "operations": [
        {
            "op": "create",
            "transaction": {
                "accountId": "acc_01jdk2p6m4ze5v9q0w3n8r7t1x",
                "date": "2026-01-31",
                "amount": {"amount": "-12.50", "currency": "EUR"},
                "description": "Lunch with Ada",
            },
        },
        {
            "op": "update",
            "id": "txn_01jdk2p6m4ze5v9q0w3n8r7t1x",
            "version": 1,
            "changes": {"description": "Lunch with Bob"},
        },
        {"op": "delete", "id": "txn_01jdk2p6m4ze5v9q0w3n8r7t1y", "version": 3},
    ],
}


class Create(Input):
    """A transaction to be booked."""

    op: Literal["create"]
    transaction: NewTransaction


class Update(Input):
    """Fields to replace, if the version is still this one."""

    op: Literal["update"]
    id: str
    version: Annotated[int, Field(ge=1)]
    changes: TransactionChange


class Delete(Input):
    """A transaction to move to the trash, if the version is still this one."""

    op: Literal["delete"]
    id: str
    version: Annotated[int, Field(ge=1)]


OneOperation = Annotated[Create | Update | Delete, Field(discriminator="op")]


class BulkRequest(Input):
    """Operations in order. `atomic`: all of them or none, at most 25; else each alone, at most 100.

    No two of them change the same transaction.
    """

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    atomic: bool
    operations: Annotated[list[OneOperation], Field(min_length=1, max_length=MAX_SINGLE)]

    def parsed(self) -> list[Operation]:
        """The operations as the domain takes them; raises what a single request would raise."""
        changed = [found.id for found in self.operations if not isinstance(found, Create)]
        if len(set(changed)) < len(changed):
            detail = "Two operations change the same transaction"
            error = FieldError(pointer="/operations", code="changed_twice", detail=detail)
            raise ValidationFailed(errors=[error])
        return [_parsed(found, index) for index, found in enumerate(self.operations)]


def _parsed(found: Create | Update | Delete, index: int) -> Operation:
    if isinstance(found, Delete):
        return Operation(op=Op.DELETE, id=found.id, version=found.version)
    model = found.transaction if isinstance(found, Create) else found.changes
    fields = model.fields()
    try:
        require_sound(fields)
    except Problem as problem:
        raise at_operation(problem, index) from problem
    if isinstance(found, Create):
        return Operation(op=Op.CREATE, draft=found.transaction.draft())
    return Operation(op=Op.UPDATE, id=found.id, version=found.version, fields=fields)


class BulkProblem(View):
    """Why an operation was not done."""

    code: str
    title: str
    status: int
    detail: str


class FailedView(View):
    """An operation that was not done; `index` counts from 0."""

    index: int
    problem: BulkProblem

    @classmethod
    def of(cls, failed: Failed) -> "FailedView":
        """The view of a failure."""
        found = failed.problem
        return cls(
            index=failed.index,
            problem=BulkProblem(
                code=found.code,
                title=found.title,
                status=found.status,
                detail=found.detail or found.title,
            ),
        )


class DuplicateView(View):
    """A create whose import id has been on the account before."""

    index: int


class BulkView(View):
    """What became of the operations; rows as they are now, `deleted` by id."""

    created: list[TransactionView]
    updated: list[TransactionView]
    deleted: list[str]
    duplicates: list[DuplicateView]
    errors: list[FailedView]

    @classmethod
    def of(cls, result: BulkResult) -> "BulkView":
        """The view of a result."""
        rows = {
            op: [TransactionView.of(done.transaction) for done in result.done if done.op is op]
            for op in (Op.CREATE, Op.UPDATE)
        }
        again = [f for f in result.failed if isinstance(f.problem, DuplicateImport)]
        return cls(
            created=rows[Op.CREATE],
            updated=rows[Op.UPDATE],
            deleted=[done.transaction.id for done in result.done if done.op is Op.DELETE],
            duplicates=[DuplicateView(index=failed.index) for failed in again],
            errors=[FailedView.of(f) for f in result.failed if f not in again],
        )


@routes.post(
    "",
    access=WRITE,
    returns={200: BulkView},
    problems=(
        *REFUSALS,
        BulkTooLarge,
        DuplicateImport,
        TransactionDeleted,
        TransferLeg,
        VersionConflict,
    ),
    idempotency="I!",
    max_bytes=BULK_BYTES,
)
def change_many_transactions(body: BulkRequest) -> Response:
    """Create, change and delete many transactions at once.

    An atomic request is refused as a whole, and `errors` names the operation at fault. In any
    other request each operation stands alone, and those that fail are listed in the answer.
    """
    operations = body.parsed()
    require_few(operations, atomic=body.atomic)
    bulk = services().bulk
    run = bulk.run_all if body.atomic else bulk.run_each
    return answer(rendered(BulkView.of, versioned=False), run, operations)
