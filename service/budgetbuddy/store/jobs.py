"""Job rows, `J#{id}` below the user in the Runtime table, for 30 days."""

from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.jobs import Job, JobStatus
from budgetbuddy.domain.ports import Page, Position, UserRef
from budgetbuddy.problems import NotFound
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Absent
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put

PREFIX = "J#"


def job_write(store: Store, user: UserRef, job: Job) -> Write:
    """Put a new job."""
    return put(
        store.runtime.name,
        {
            "pk": f"U#{user.id}",
            "sk": f"{PREFIX}{job.id}",
            "v": 1,
            "kind": job.kind,
            "status": job.status,
            "done": job.done,
            "total": job.total,
            "result": job.result,
            "createdAt": job.created_at,
            "finishedAt": job.finished_at,
            "expiresAt": job.expires_at,
            "ttl": int(parse_instant(job.expires_at).timestamp()),
        },
        when=(Absent("pk"),),
    )


class JobStore:
    """Implements `domain.jobs.Jobs`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, user: UserRef, *, limit: int, start: Position | None) -> Page[Job]:
        """One page, newest first: identifiers sort by time."""
        page = self._store.runtime.page(
            f"U#{user.id}", begins_with=PREFIX, limit=limit, start=start
        )
        return Page(items=[_decode(row) for row in page.items], next=page.next)

    def get(self, user: UserRef, job_id: str) -> Job:
        """One; raises `NotFound`, also when its time is over."""
        key = Key(pk=f"U#{user.id}", sk=f"{PREFIX}{require_id(Kind.JOB, job_id)}")
        row = self._store.runtime.get(key)
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
    )
