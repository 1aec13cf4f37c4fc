"""What a bank told, booked in parts of one transaction each, under a lease on the item.

Every part checks the lease and the cursor it started from, so that a late owner changes nothing;
every row has an import lock, so that a repeat after a crash books nothing twice.
"""

from collections.abc import Callable, Sequence
from typing import Final

from budgetbuddy.contract import Metric
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.banks import BankItem, Delta, SyncCounts, SyncRunning
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.jobs import Job
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.problems import NotFound, Problem, SessionRevoked
from budgetbuddy.store.bank_chunks import BankPlanner, ChunkTooLarge, Step, steps_of
from budgetbuddy.store.bank_items import item_key
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan, head_key
from budgetbuddy.store.expressions import Absent, Compare, Either, Equals, Exists
from budgetbuddy.store.filing import Filing, load_filing
from budgetbuddy.store.jobs import kept_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Write, check, update
from budgetbuddy.telemetry import count

LEASE_SECONDS: Final = 120  # longer than one sync may read and book
CHUNK_STEPS: Final = 36


class _NotMine(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: Item | None) -> None:
        super().__init__()


class BankSyncStore:
    """Implements `domain.banks.BankLedger`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def lease(self, user: UserRef, item_id: str, owner: str) -> None:
        """Hold the item; raises `SyncRunning`, `NotFound`."""
        now = int(self._store.clock().timestamp())
        mine = Equals("leaseOwner", owner)  # by who asked for it, or by a worker that died
        free = Either((Absent("lease"), Compare("lease", "<=", now), mine))
        write = update(
            self._store.ledger.name,
            item_key(user.id, require_id(Kind.BANK_ITEM, item_id)),
            set_={"lease": now + LEASE_SECONDS, "leaseOwner": owner},
            when=(Exists("pk"), free),
            refuse=_busy,
        )
        self._store.write(write)

    def release(self, user: UserRef, item_id: str, owner: str) -> None:
        """Let go, unless it was taken over, ended or removed meanwhile."""
        write = update(
            self._store.ledger.name,
            item_key(user.id, item_id),
            remove=("lease", "leaseOwner"),
            when=(Equals("leaseOwner", owner),),
            refuse=_NotMine,
        )
        try:
            self._store.write(write)
        except _NotMine:
            return

    def keep(self, user: UserRef, job: Job) -> None:
        """How a job that was asked for stands; nothing is kept for a user who was erased."""
        is_there = check(
            self._store.ledger.name,
            head_key(user.id),
            when=(Exists("pk"),),
            refuse=lambda _: SessionRevoked(),
        )
        self._commands.commit([is_there, kept_write(self._store, user, job)])

    def apply(self, context: Context, item: BankItem, delta: Delta, owner: str) -> SyncCounts:
        """Openings first, then rows, then what was removed."""
        steps, counts = steps_of(delta), SyncCounts()
        held = self._held(context.user, item, owner)
        filing = load_filing(self._store, self._sealer, context.user)
        for start in range(0, len(steps), CHUNK_STEPS):
            part = steps[start : start + CHUNK_STEPS]
            counts = self._book(context, item, part, counts, (held, filing))
        count(Metric.BANK_SYNC_ROWS, counts.created + counts.changed + counts.removed)
        return counts

    def finish(self, context: Context, item: BankItem, delta: Delta, owner: str, job: Job) -> Job:
        """Cursor, time and job; the item needs no attention any more."""
        version = item.version + 1 if item.problem else item.version
        key = item_key(context.user.id, item.id)
        write = update(
            self._store.ledger.name,
            key,
            set_={
                "cursor": delta.cursor,
                # A bank that has told nothing yet was not brought in.
                "syncedAt": job.finished_at if delta.cursor else item.last_synced_at,
                "problem": None,
                "version": version,
            },
            when=self._conditions(item, owner),
            refuse=_busy,
        )

        def plan(_: Head) -> Plan[Job]:
            return Plan(
                writes=(write, kept_write(self._store, context.user, job)),
                changes=(Change(type="bank_item", id=item.id, op="upsert", version=version),),
                audit=AuditEntry(
                    event=Event.BANK_SYNCED,
                    object=f"bank_item:{item.id}",
                    details=dict(job.result),
                ),
                result=job,
            )

        result = self._commands.run(context, plan)
        count(Metric.BANK_SYNC_SUCCEEDED)
        return result

    def _book(
        self,
        context: Context,
        item: BankItem,
        steps: Sequence[Step],
        before: SyncCounts,
        tools: tuple[Callable[[], Write], Filing],
    ) -> SyncCounts:
        """One transaction, or two of half the steps when it has become too large."""
        held, filing = tools
        planner = BankPlanner(
            self._store, self._sealer, context, item, steps, before, held(), filing
        )
        try:
            return self._commands.run(context, planner, completes=False)
        except ChunkTooLarge:
            middle = len(steps) // 2
            first = self._book(context, item, steps[:middle], before, tools)
            return self._book(context, item, steps[middle:], first, tools)

    def _held(self, user: UserRef, item: BankItem, owner: str) -> Callable[[], Write]:
        key = item_key(user.id, item.id)
        conditions = self._conditions(item, owner)
        return lambda: check(self._store.ledger.name, key, when=conditions, refuse=_busy)

    def _conditions(self, item: BankItem, owner: str) -> tuple[Compare, ...]:
        return (Equals("leaseOwner", owner), Equals("cursor", item.cursor))


def _busy(stored: Item | None) -> Problem:
    return NotFound() if stored is None else SyncRunning()
