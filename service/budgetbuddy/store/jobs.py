"""Job rows, `J#{id}` below the user in the Runtime table, for 30 days."""

from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.jobs import Job, JobStatus
from budgetbuddy.domain.ports import AuditEntry, Context, Page, Position, UserRef
from budgetbuddy.problems import NotFound
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Plan
from budgetbuddy.store.expressions import Absent, Compare, Exists
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put, update

PREFIX = "J#"


class _Gone(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: Item | None) -> None:
        super().__init__()


def job_write(store: Store, user: UserRef, job: Job) -> Write:
    """Put a new job."""
    key = job_key(user.id, job.id)
    row = {"pk": key.pk, "sk": key.sk, **_row(job)}
    return put(store.runtime.name, row, when=(Absent("pk"),))


def kept_write(store: Store, user: UserRef, job: Job) -> Write:
    """Put a job as it ended, over what was stored of it before."""
    key = job_key(user.id, job.id)
    return put(store.runtime.name, {"pk": key.pk, "sk": key.sk, **_row(job)})


def job_key(user_id: str, job_id: str) -> Key:
    """Where a job lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{job_id}")


def progress_write(store: Store, user: UserRef, job: Job) -> Write:
    """How far a stored job is; it never goes back."""
    return update(
        store.runtime.name,
        job_key(user.id, job.id),
        set_=_row(job),
        when=(Exists("pk"), Compare("done", "<=", job.done)),
        refuse=_Gone,
    )


def _row(job: Job) -> Item:
    return {
        "v": 1,
        "kind": job.kind,
        "status": job.status,
        "done": job.done,
        "total": job.total,
        "result": job.result,
        "problem": job.problem,
        "createdAt": job.created_at,
        "finishedAt": job.finished_at,
        "expiresAt": job.expires_at,
        "ttl": int(parse_instant(job.expires_at).timestamp()),
    }


class JobStore:
    """Implements `domain.jobs.JobRows`."""

    def __init__(self, store: Store, commands: Commands) -> None:
        self._store = store
        self._commands = commands

    def add(self, context: Context, job: Job, entry: AuditEntry) -> Job:
        """A job that begins later, and the audit row of who asked."""
        write = job_write(self._store, context.user, job)
        return self._commands.run(context, lambda _: Plan(writes=(write,), audit=entry, result=job))

    def note(self, user: UserRef, job: Job) -> None:
        """A job that is gone with its user stays so."""
        try:
            self._store.write(progress_write(self._store, user, job))
        except _Gone:
            return

    def list(self, user: UserRef, *, limit: int, start: Position | None) -> Page[Job]:
        """One page, newest first: identifiers sort by time."""
        page = self._store.runtime.page(
            f"U#{user.id}", begins_with=PREFIX, limit=limit, start=start
        )
        return Page(items=[_decode(row) for row in page.items], next=page.next)

    def get(self, user: UserRef, job_id: str) -> Job:
        """One; raises `NotFound`, also when its time is over."""
        row = self._store.runtime.get(job_key(user.id, require_id(Kind.JOB, job_id)))
        if row is None:
            raise NotFound
        return _decode(row)


def _decode(row: Item) -> Job:
    return Job(
        id=row["sk"].removeprefix(PREFIX),
        kind=row["kind"],
        status=JobStatus(row["status"]),
        done=row["done"],
        total=row["total"],
        result=row["result"],
        created_at=row["createdAt"],
        finished_at=row["finishedAt"],
        expires_at=row["expiresAt"],
        problem=row.get("problem"),
    )
