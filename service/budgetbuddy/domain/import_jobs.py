"""Imports that are too long for a request: kept, answered with a job, and booked by the worker."""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from budgetbuddy.domain.accounts import Account, AccountClosed, Accounts
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.imports import Imports, Ordered, ReadRows
from budgetbuddy.domain.jobs import KEPT, Job, JobRows, JobStatus
from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.domain.ports import AuditEntry, Claim, Clock, Context, UserRef
from budgetbuddy.problems import Gone, NotFound, Problem

AT_ONCE: Final = 400  # rows that are booked while the client waits: ten transactions


class RowsExpired(Gone):
    """The worker came too late: what waited is kept for a day."""

    code = "import_expired"
    title = "The rows waited for too long; import the file again"


class WaitingRows(Protocol):
    """Rows that wait to be booked."""

    def keep(self, user: UserRef, import_id: str, read: ReadRows) -> None:
        """For a day."""

    def load(self, user: UserRef, import_id: str, account: Account) -> ReadRows:
        """What was kept; raises `RowsExpired`."""

    def drop(self, user: UserRef, import_id: str) -> None:
        """They are booked."""


@dataclass(frozen=True, kw_only=True)
class ImportJobs:
    """A repeated message books nothing twice: each row's lock says which import took it."""

    imports: Imports
    waiting: WaitingRows
    accounts: Accounts
    jobs: JobRows
    queue: Queue
    clock: Clock

    def order(self, context: Context, account: Account, read: ReadRows) -> Job:
        """Keep the rows, and answer with the job that will book them."""
        import_id, now = make_id(Kind.IMPORT), self.clock()
        job = Job(
            id=make_id(Kind.JOB),
            kind="import",
            status=JobStatus.QUEUED,
            done=0,
            total=len(read.rows) + len(read.errors),
            result={"importId": import_id},
            created_at=format_instant(now),
            finished_at=None,
            expires_at=format_instant(now + KEPT),
        )
        self.waiting.keep(context.user, import_id, read)
        entry = AuditEntry(
            event=Event.IMPORT_STARTED,
            object=f"import:{import_id}",
            details={"rows": len(read.rows)},
        )
        made = self.jobs.add(context, job, entry)
        self._ask(context, made, import_id, account.id)
        return made

    def work(self, user: UserRef, *, job_id: str, import_id: str, account_id: str) -> None:
        """Book what waits; a job that has ended is left alone."""
        try:
            job = self.jobs.get(user, job_id)
        except NotFound:
            return  # the user was erased
        if job.status in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            return
        context = Context(
            user=user,
            request_id=job_id,
            actor="system",
            claim=Claim(key=import_id, owner=job_id),
        )
        try:
            account = self.accounts.get(user, account_id)
            read = self.waiting.load(user, import_id, account)
            self.imports.run(context, account, read, ordered=Ordered(import_id=import_id, job=job))
        except (AccountClosed, NotFound, RowsExpired) as exc:
            self._fail(user, self.jobs.get(user, job_id), exc)
        self.waiting.drop(user, import_id)

    def _ask(self, context: Context, job: Job, import_id: str, account_id: str) -> None:
        """A job that nobody can be asked to do has failed: the client may import again."""
        user = context.user
        data = {"user": user.id, "subject": user.subject, "job": job.id}
        more = {"import": import_id, "account": account_id}
        message = Message(
            kind=MessageKind.IMPORT, data={**data, **more}, request_id=context.request_id
        )
        try:
            self.queue.send(message)
        except Problem as exc:
            self._fail(user, job, exc)

    def _fail(self, user: UserRef, job: Job, exc: Problem) -> None:
        problem = exc.document(instance=f"/api/v1/jobs/{job.id}", request_id=job.id)
        now = format_instant(self.clock())
        failed = replace(job, status=JobStatus.FAILED, finished_at=now, problem=problem)
        self.jobs.note(user, failed)
