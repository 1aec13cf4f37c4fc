"""Many changes of transactions: in one transaction of the store, or one after the other.

One by one, each change leaves a marker under the Idempotency-Key of the request, in its own
transaction: a repeat after a crash finds what is done already.
"""

from collections.abc import Sequence

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.bulk import (
    BulkResult,
    BulkTooLarge,
    Done,
    Failed,
    Op,
    Operation,
    at_operation,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import AuditEntry, Context, Sealer
from budgetbuddy.problems import IdempotencyInProgress, Problem, Unavailable
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import TAIL_ITEMS, TRANSACTION_ITEMS, Commands, Head, Plan
from budgetbuddy.store.expressions import Absent
from budgetbuddy.store.idempotency import KEPT_SECONDS
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_steps import Step, Steps
from budgetbuddy.store.writes import Key, Write, put

_EVENTS = {
    Op.CREATE: Event.TRANSACTION_CREATED,
    Op.UPDATE: Event.TRANSACTION_UPDATED,
    Op.DELETE: Event.TRANSACTION_DELETED,
}


class BulkStore:
    """Implements `domain.bulk.Bulk`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._steps = Steps(store, sealer)

    def run_all(self, context: Context, operations: Sequence[Operation]) -> BulkResult:
        """One plan; what it reads holds for all steps, as no two touch one row."""
        now = format_instant(self._store.clock())
        new_ids = [make_id(Kind.TRANSACTION) for _ in operations]

        def plan(head: Head) -> Plan[BulkResult]:
            steps = []
            for index, operation in enumerate(operations):
                try:
                    steps.append(self._step(context, operation, new_ids[index], now, head))
                except Problem as problem:
                    raise at_operation(problem, index) from problem
            writes = self._steps.writes(context.user, steps)
            if len(writes) > TRANSACTION_ITEMS - TAIL_ITEMS:
                raise BulkTooLarge("they touch too many accounts and months to be done at once")
            done = [
                Done(index=index, op=operation.op, transaction=step.new)
                for index, (operation, step) in enumerate(zip(operations, steps, strict=True))
            ]
            return Plan(
                writes=writes,
                changes=tuple(step.change for step in steps),
                audit=_summary(len(steps), 0),
                result=BulkResult(done=done),
            )

        return self._commands.run(context, plan)

    def run_each(self, context: Context, operations: Sequence[Operation]) -> BulkResult:
        """One plan an operation, then one that completes the request."""
        done: list[Done] = []
        failed: list[Failed] = []
        before = self._markers(context, len(operations))
        for index, operation in enumerate(operations):
            if (marker := before[index]) is not None:
                row = self._steps.load(context.user, marker["tid"])
                done.append(Done(index=index, op=operation.op, transaction=row))
                continue
            try:
                step = self._run_one(context, index, operation)
            except (Unavailable, IdempotencyInProgress):
                raise  # nobody's fault: the repeat goes on from here
            except Problem as problem:
                failed.append(Failed(index=index, problem=problem))
            else:
                done.append(Done(index=index, op=operation.op, transaction=step.new))
        result = BulkResult(done=done, failed=failed)
        entry = _summary(len(done), len(failed))
        return self._commands.run(context, lambda _: Plan(audit=entry, result=result))

    def _run_one(self, context: Context, index: int, operation: Operation) -> Step:
        now, new_id = format_instant(self._store.clock()), make_id(Kind.TRANSACTION)

        def plan(head: Head) -> Plan[Step]:
            step = self._step(context, operation, new_id, now, head)
            marker = self._marker_write(context, index, step.new.id)
            return Plan(
                writes=(*self._steps.writes(context.user, [step]), *marker),
                changes=(step.change,),
                audit=AuditEntry(event=_EVENTS[operation.op], object=f"transaction:{step.new.id}"),
                result=step,
            )

        return self._commands.run(context, plan, completes=False)

    def _step(
        self, context: Context, operation: Operation, new_id: str, now: str, head: Head
    ) -> Step:
        user = context.user
        if operation.draft is not None:
            return self._steps.add(user, operation.draft, new_id, now, head)
        if operation.op is Op.UPDATE:
            fields = operation.fields
            return self._steps.change(user, operation.id, operation.version, fields, now)
        return self._steps.remove(user, operation.id, operation.version, now)

    def _markers(self, context: Context, number: int) -> list[Item | None]:
        if context.claim is None:
            return [None] * number
        keys = [_marker_key(context, index) for index in range(number)]
        return self._store.batch_get([(self._store.runtime, key) for key in keys])

    def _marker_write(self, context: Context, index: int, transaction_id: str) -> tuple[Write, ...]:
        if context.claim is None:
            return ()
        key = _marker_key(context, index)
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "tid": transaction_id,
            "ttl": int(self._store.clock().timestamp()) + KEPT_SECONDS,
        }
        when = (Absent("pk"),)
        refused = put(
            self._store.runtime.name, row, when=when, refuse=lambda _: IdempotencyInProgress()
        )
        return (refused,)


def _marker_key(context: Context, index: int) -> Key:
    claim = context.claim.key if context.claim else ""
    return Key(pk=f"U#{context.user.id}", sk=f"BULK#{claim}#{index:03d}")


def _summary(done: int, failed: int) -> AuditEntry:
    return AuditEntry(
        event=Event.TRANSACTION_BULK,
        object="transaction:bulk",
        details={"done": done, "failed": failed},
    )
