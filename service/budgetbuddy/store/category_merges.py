"""A merge of categories, some rows a transaction; whoever writes meanwhile is not in the way.

Rules first, so that no new row is filed under what is about to be archived; then the category, so
that nobody can use it any more; then everything that has it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.categories import Categories, Category, changed_category
from budgetbuddy.domain.category_merges import is_filed_under, refiled, require_mergeable
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.jobs import KEPT, Job, JobStatus
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.transaction_queries import TransactionFilter
from budgetbuddy.domain.transactions import Transaction
from budgetbuddy.store.balances import month_writes
from budgetbuddy.store.categories import category_write
from budgetbuddy.store.category_uses import require_no_budget, require_unused
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Equals, Exists
from budgetbuddy.store.jobs import job_write
from budgetbuddy.store.recurring_rows import (
    PREFIX as RECURRING,
)
from budgetbuddy.store.recurring_rows import (
    decode_recurring,
    encode_recurring,
)
from budgetbuddy.store.rule_rows import encode_rule
from budgetbuddy.store.rules import load_rules
from budgetbuddy.store.table import Store
from budgetbuddy.store.transaction_rows import transaction_write
from budgetbuddy.store.transaction_steps import Step, Steps
from budgetbuddy.store.transaction_sums import matching
from budgetbuddy.store.writes import Write, put

ROWS_A_STEP = 40  # each with a month of its own at worst: 80 items and the tail


class CategoryMergeStore:
    """Implements `domain.category_merges.CategoryMerges`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, categories: Categories
    ) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._categories = categories
        self._steps = Steps(store, sealer)

    def merge(self, context: Context, source_id: str, into_id: str) -> Job:
        """Everything, then the job that says so."""
        now, user = format_instant(self._store.clock()), context.user
        source, into = self._categories.get(user, source_id), self._categories.get(user, into_id)
        require_mergeable(source, into)
        require_no_budget(self._store, user, source_id)
        part = replace(context, claim=None, render=None)  # only the job completes the request
        while self._commands.run(part, lambda _: self._rules(user, source, into)):
            pass
        self._commands.run(part, lambda _: self._archived(user, source_id))
        while self._commands.run(part, lambda _: self._recurring(user, source, into)):
            pass
        ids = list(self._filed(user, source_id))
        for first in range(0, len(ids), ROWS_A_STEP):
            self._refile(part, source, into, ids[first : first + ROWS_A_STEP], now)
        return self._finish(context, source, into, len(ids), now)

    def _rules(self, user: UserRef, source: Category, into: Category) -> Plan[int]:
        """Rules that file under the source, at most a step of them; how many there were."""
        using = [
            rule
            for rule in load_rules(self._store, self._sealer, user)
            if rule.then.category_id == source.id
        ][:ROWS_A_STEP]
        writes, changes = [], []
        for rule in using:
            then = replace(rule.then, category_id=into.id)
            new = replace(rule, then=then, version=rule.version + 1)
            row = encode_rule(self._store, self._sealer, user, new)
            when = (Exists("pk"), Equals("version", rule.version))
            writes.append(put(self._store.ledger.name, row, when=when))
            changes.append(Change(type="rule", id=rule.id, op="upsert", version=new.version))
        return self._part(source, into, writes, changes, "rules")

    def _recurring(self, user: UserRef, source: Category, into: Category) -> Plan[int]:
        """Recurring items of the source, at most a step of them; how many there were."""
        rows = self._store.ledger.query(
            f"U#{user.id}", begins_with=RECURRING, where=(Equals("cat", source.id),)
        )
        writes, changes = [], []
        for row in rows[:ROWS_A_STEP]:
            old = decode_recurring(self._store, self._sealer, user, row)
            new = replace(old, category_id=into.id, version=old.version + 1)
            item = encode_recurring(self._store, self._sealer, user, new)
            when = (Exists("pk"), Equals("version", old.version))
            writes.append(put(self._store.ledger.name, item, when=when))
            changes.append(Change(type="recurring", id=old.id, op="upsert", version=new.version))
        return self._part(source, into, writes, changes, "recurring")

    def _archived(self, user: UserRef, source_id: str) -> Plan[None]:
        """The source, unless an earlier try did it."""
        existing = self._categories.list(user)
        source = next(found for found in existing if found.id == source_id)
        entry = AuditEntry(event=Event.CATEGORY_ARCHIVED, object=f"category:{source_id}")
        if source.archived:
            return Plan(audit=entry, result=None)
        require_unused(self._store, user, source_id)
        new = changed_category(existing, source, {"archived": True})
        change = Change(type="category", id=source_id, op="upsert", version=new.version)
        write = category_write(self._store, self._sealer, user, new, read=source.version)
        return Plan(writes=(write,), changes=(change,), audit=entry, result=None)

    def _filed(self, user: UserRef, source_id: str) -> Iterator[str]:
        """Ids of all rows of the source, those in the trash too."""
        for deleted in (False, True):
            wanted = TransactionFilter(category_id=source_id, deleted=deleted)
            for row in matching(self._store, user, wanted):
                yield row["sk"].removeprefix("T#")

    def _refile(
        self, context: Context, source: Category, into: Category, ids: Sequence[str], now: str
    ) -> None:
        """Some rows. Balances do not move, so accounts may be closed; months do."""

        def plan(_: Head) -> Plan[int]:
            loaded = [self._steps.load(context.user, found) for found in ids]
            old = [row for row in loaded if is_filed_under(row, source.id)]
            new = [refiled(row, source.id, into.ref, now) for row in old]
            moved = effects(added=new, removed=old)
            writes = [
                *(self._row(context.user, *pair) for pair in zip(old, new, strict=True)),
                *month_writes(self._store, context.user.id, moved),
            ]
            changes = [Step(old=None, new=row).change for row in new]
            return self._part(source, into, writes, changes, "transactions")

        self._commands.run(context, plan)

    def _row(self, user: UserRef, old: Transaction, new: Transaction) -> Write:
        return transaction_write(self._store, self._sealer, user, new, read=old.version)

    def _part(
        self,
        source: Category,
        into: Category,
        writes: Sequence[Write],
        changes: Sequence[Change],
        what: str,
    ) -> Plan[int]:
        entry = AuditEntry(
            event=Event.CATEGORY_MERGED,
            object=f"category:{source.id}",
            details={"into": into.id, what: len(changes)},
        )
        return Plan(writes=tuple(writes), changes=tuple(changes), audit=entry, result=len(changes))

    def _finish(
        self, context: Context, source: Category, into: Category, changed: int, now: str
    ) -> Job:
        job = Job(
            id=make_id(Kind.JOB),
            kind="categories.merge",
            status=JobStatus.SUCCEEDED,
            done=changed,
            total=changed,
            result={"changed": changed, "into": into.id},
            created_at=now,
            finished_at=format_instant(self._store.clock()),
            expires_at=format_instant(parse_instant(now) + KEPT),
        )
        plan = Plan(
            writes=(job_write(self._store, context.user, job),),
            audit=AuditEntry(
                event=Event.CATEGORY_MERGED,
                object=f"category:{source.id}",
                details={"into": into.id, "changed": changed},
            ),
            result=job,
        )
        return self._commands.run(context, lambda _: plan)
