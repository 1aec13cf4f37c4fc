"""Statement imports: forty rows a transaction, each row with its lock, the report with the last.

A repeat after a crash finds the locks of what was booked; those taken under the same
Idempotency-Key count as created by this import, the others as duplicates.
"""

from collections.abc import Sequence
from dataclasses import replace

from budgetbuddy.domain.accounts import Account
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.categories import Categories, CategoryRef
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.imports import (
    ImportReport,
    ImportResult,
    Ordered,
    Placed,
    ReadRows,
    summary,
)
from budgetbuddy.domain.jobs import KEPT as JOB_KEPT
from budgetbuddy.domain.jobs import Job, JobStatus
from budgetbuddy.domain.outbox import IMPORT
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Page, Position, Sealer, UserRef
from budgetbuddy.domain.statements.identity import IdentifiedRow
from budgetbuddy.problems import NotFound
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.import_chunks import ChunkPlanner, Progress, RunningImport, chunks_of
from budgetbuddy.store.import_locks import load_locks
from budgetbuddy.store.import_reports import PREFIX, decode_report, report_key, report_write
from budgetbuddy.store.jobs import JobStore, job_write, progress_write
from budgetbuddy.store.rules import load_rules
from budgetbuddy.store.table import Store

CHUNKS_A_NOTE = 5


class ImportStore:
    """Implements `domain.imports.Imports`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, categories: Categories
    ) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer
        self._categories = categories
        self._jobs = JobStore(store, commands)

    def known(self, user: UserRef, account_id: str, rows: Sequence[IdentifiedRow]) -> list[Placed]:
        """The rows whose lock is taken."""
        locks = load_locks(self._store, user, account_id, [row.import_id for row in rows])
        return [
            Placed(line=row.row.line, transaction_id=lock["tid"])
            for row, lock in zip(rows, locks, strict=True)
            if lock is not None
        ]

    def run(
        self, context: Context, account: Account, read: ReadRows, ordered: Ordered | None = None
    ) -> ImportResult:
        """Chunk by chunk; the last one carries report, job and the answer to a repeat."""
        names = {"id": ordered.import_id, "job_id": ordered.job.id} if ordered else {}
        rules = load_rules(self._store, self._sealer, context.user)
        under = [rule.then.category_id for rule in rules if rule.then.category_id]
        running = RunningImport(
            context=context,
            account=account,
            read=read,
            now=format_instant(self._store.clock()),
            categories=self._named(context.user, read),
            rules=rules,
            refs=load_refs(self._store, context.user, under),
            **names,
        )
        *chunks, last = list(chunks_of(read.rows)) or [[]]
        progress = Progress()
        for number, chunk in enumerate(chunks):
            progress = self._commands.run(
                context, self._planner(running, chunk, progress), completes=False
            )
            if ordered is not None and number % CHUNKS_A_NOTE == 0:
                self._note(context.user, ordered.job, progress)
        planner = self._planner(running, last, progress)
        finished = Change(type=IMPORT, id=running.id, op="upsert", version=1)

        def finish(head: Head) -> Plan[ImportResult]:
            planned = planner(head)
            result = _result(running, planned.result, self._finished_at())
            return Plan(
                writes=(
                    *planned.writes,
                    report_write(self._store, self._sealer, context.user, result.report),
                    (progress_write if ordered else job_write)(
                        self._store, context.user, result.job
                    ),
                ),
                changes=(*planned.changes, finished),
                audit=AuditEntry(
                    event=Event.IMPORT_FINISHED,
                    object=f"import:{running.id}",
                    details=dict(result.report.counts),
                ),
                result=result,
            )

        return self._commands.run(context, finish)

    def get(self, user: UserRef, import_id: str) -> ImportReport:
        """One report; raises `NotFound`, also when its time is over."""
        row = self._store.runtime.get(report_key(user.id, require_id(Kind.IMPORT, import_id)))
        if row is None:
            raise NotFound
        return decode_report(self._store, self._sealer, user, row)

    def list(self, user: UserRef, *, limit: int, start: Position | None) -> Page[ImportReport]:
        """Reports, newest first."""
        page = self._store.runtime.page(
            f"U#{user.id}", begins_with=PREFIX, limit=limit, start=start
        )
        reports = [decode_report(self._store, self._sealer, user, row) for row in page.items]
        return Page(items=reports, next=page.next)

    def _note(self, user: UserRef, job: Job, progress: Progress) -> None:
        done = len(progress.created) + len(progress.duplicates)
        self._jobs.note(user, replace(job, status=JobStatus.RUNNING, done=done))

    def _planner(
        self, running: RunningImport, chunk: Sequence[IdentifiedRow], before: Progress
    ) -> ChunkPlanner:
        return ChunkPlanner(self._store, self._sealer, running, chunk, before)

    def _named(self, user: UserRef, read: ReadRows) -> dict[str, CategoryRef]:
        """Live categories by case-folded name, when the file names any."""
        if not any(row.row.category for row in read.rows):
            return {}
        live = [c for c in self._categories.list(user) if not c.archived]
        return {category.name.casefold(): category.ref for category in live}

    def _finished_at(self) -> str:
        return format_instant(self._store.clock())


def _result(running: RunningImport, progress: Progress, finished_at: str) -> ImportResult:
    read = running.read
    total = len(read.rows) + len(read.errors)
    report = ImportReport(
        id=running.id,
        account_id=running.account.id,
        format=read.format,
        created_at=running.now,
        rows=total,
        created=progress.created,
        duplicates=progress.duplicates,
        errors=read.errors,
    )
    job = Job(
        id=running.job_id,
        kind="import",
        status=JobStatus.SUCCEEDED,
        done=total,
        total=total,
        result=summary(report),
        created_at=running.now,
        finished_at=finished_at,
        expires_at=format_instant(parse_instant(finished_at) + JOB_KEPT),
    )
    return ImportResult(job=job, report=report)
