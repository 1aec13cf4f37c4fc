"""Rules over transactions of the past: tried out, or applied twenty rows a transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from budgetbuddy.domain.accounts import Accounts, AccountStatus
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.jobs import KEPT, Job, JobStatus
from budgetbuddy.domain.ports import AuditEntry, Context, Sealer, UserRef
from budgetbuddy.domain.rules import DryRun, Preview, Rule, as_it_is, filed
from budgetbuddy.domain.transaction_queries import TransactionFilter
from budgetbuddy.domain.transactions import Transaction
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.jobs import job_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_rows import decode_transaction
from budgetbuddy.store.transaction_steps import Step, Steps
from budgetbuddy.store.transaction_sums import matching

ROWS_A_STEP = 20


class RuleRunStore:
    """Implements `domain.rules.RuleRuns`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, accounts: Accounts
    ) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._accounts = accounts
        self._steps = Steps(store, sealer)

    def dry_run(
        self, user: UserRef, rules: Sequence[Rule], wanted: TransactionFilter, *, limit: int
    ) -> DryRun:
        """Every row is looked at, whether or not it is shown."""
        examined = matched = 0
        changes: list[Preview] = []
        for row in self._rows(user, wanted):
            examined += 1
            after = filed(row, rules)
            matched += after.matched
            before = as_it_is(row)
            if after.differs(before) and len(changes) < limit:
                changes.append(Preview(before=before, after=after))
        return DryRun(examined=examined, matched=matched, changes=changes)

    def apply(
        self,
        context: Context,
        rules: Sequence[Rule],
        wanted: TransactionFilter,
        *,
        overwrite: bool,
    ) -> Job:
        """Rows of closed accounts stay: nothing is written there."""
        now = format_instant(self._store.clock())
        is_open = {
            account.id
            for account in self._accounts.list(context.user)
            if account.status is AccountStatus.OPEN
        }
        ids = [
            row.id
            for row in self._rows(context.user, wanted)
            if row.account_id in is_open
            and filed(row, rules, overwrite=overwrite).differs(as_it_is(row))
        ]
        changed = 0
        for first in range(0, len(ids), ROWS_A_STEP):
            part = ids[first : first + ROWS_A_STEP]
            changed += self._apply(context, rules, part, now, overwrite=overwrite)
        job = Job(
            id=make_id(Kind.JOB),
            kind="rules.apply",
            status=JobStatus.SUCCEEDED,
            done=changed,
            total=len(ids),
            result={"changed": changed},
            created_at=now,
            finished_at=format_instant(self._store.clock()),
            expires_at=format_instant(parse_instant(now) + KEPT),
        )
        plan = Plan(
            writes=(job_write(self._store, context.user, job),),
            audit=AuditEntry(
                event=Event.RULE_APPLIED, object="rule:all", details={"changed": changed}
            ),
            result=job,
        )
        return self._commands.run(context, lambda _: plan)

    def _apply(
        self,
        context: Context,
        rules: Sequence[Rule],
        ids: Sequence[str],
        now: str,
        *,
        overwrite: bool,
    ) -> int:
        def plan(_: Head) -> Plan[int]:
            rows = [self._steps.load(context.user, found) for found in ids]
            steps = [
                step
                for row in rows
                if (step := self._step(context.user, row, rules, now, overwrite=overwrite))
            ]
            return Plan(
                writes=self._steps.writes(context.user, steps),
                changes=tuple(step.change for step in steps),
                audit=AuditEntry(
                    event=Event.RULE_APPLIED,
                    object="transaction:bulk",
                    details={"changed": len(steps)},
                ),
                result=len(steps),
            )

        return self._commands.run(context, plan, completes=False)

    def _step(
        self, user: UserRef, row: Transaction, rules: Sequence[Rule], now: str, *, overwrite: bool
    ) -> Step | None:
        """`None` when somebody has done it meanwhile."""
        after = filed(row, rules, overwrite=overwrite)
        if not after.differs(as_it_is(row)):
            return None
        category = row.category
        if after.category_id and after.category_id != (category.id if category else None):
            category = load_refs(self._store, user, [after.category_id])[after.category_id]
        new = replace(after.row, category=category, updated_at=now, version=row.version + 1)
        return Step(old=row, new=new)

    def _rows(self, user: UserRef, wanted: TransactionFilter) -> Iterator[Transaction]:
        for row in matching(self._store, user, wanted):
            yield decode_transaction(self._store, self._sealer, user, row)
