"""Transactions in the ledger: each write moves account, month and audit trail with the row."""

from collections.abc import Callable, Sequence

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import AuditEntry, Context, Page, Position, Sealer, UserRef
from budgetbuddy.domain.transaction_queries import (
    CurrencyTotals,
    TransactionFilter,
)
from budgetbuddy.domain.transactions import (
    Fields,
    Transaction,
    TransactionDraft,
)
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_pages import transaction_page
from budgetbuddy.store.transaction_steps import Step, Steps
from budgetbuddy.store.transaction_sums import amount_page, transaction_totals


class TransactionStore:
    """Implements `domain.transactions.Transactions`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._steps = Steps(store, sealer)

    def list(
        self, user: UserRef, wanted: TransactionFilter, *, limit: int, start: Position | None
    ) -> Page[Transaction]:
        """One page in the order asked for."""
        page = amount_page if wanted.by_amount else transaction_page
        return page(self._store, self._sealer, user, wanted, limit=limit, start=start)

    def totals(
        self, user: UserRef, wanted: TransactionFilter
    ) -> tuple[Sequence[CurrencyTotals], bool]:
        """Sums of everything that matches."""
        return transaction_totals(self._store, self._sealer, user, wanted)

    def get(self, user: UserRef, transaction_id: str) -> Transaction:
        """One, deleted ones included."""
        return self._steps.load(user, transaction_id)

    def add(self, context: Context, draft: TransactionDraft) -> Transaction:
        """W1: the row, its import lock if it has an id, its account, its month."""
        now, new_id = self._now(), make_id(Kind.TRANSACTION)
        return self._run(
            context,
            Event.TRANSACTION_CREATED,
            lambda head: self._steps.add(context.user, draft, new_id, now, head),
        )

    def change(
        self, context: Context, transaction_id: str, version: int, fields: Fields
    ) -> Transaction:
        """W2: the old effects are taken back and the new ones added in one transaction."""
        now = self._now()
        return self._run(
            context,
            Event.TRANSACTION_UPDATED,
            lambda _: self._steps.change(context.user, transaction_id, version, fields, now),
        )

    def remove(self, context: Context, transaction_id: str, version: int) -> None:
        """W3: into the trash, effects taken back."""
        now = self._now()
        self._run(
            context,
            Event.TRANSACTION_DELETED,
            lambda _: self._steps.remove(context.user, transaction_id, version, now),
        )

    def restore(self, context: Context, transaction_id: str) -> Transaction:
        """W3 the other way."""
        now = self._now()
        return self._run(
            context,
            Event.TRANSACTION_RESTORED,
            lambda _: self._steps.restore(context.user, transaction_id, now),
        )

    def _run(self, context: Context, event: Event, make: Callable[[Head], Step]) -> Transaction:
        def plan(head: Head) -> Plan[Transaction]:
            step = make(head)
            return Plan(
                writes=self._steps.writes(context.user, [step]),
                changes=(step.change,),
                audit=AuditEntry(event=event, object=f"transaction:{step.new.id}"),
                result=step.new,
            )

        return self._commands.run(context, plan)

    def _now(self) -> str:
        return format_instant(self._store.clock())
