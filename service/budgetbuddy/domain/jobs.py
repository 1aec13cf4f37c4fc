"""Jobs: work whose outcome is asked for later. They are kept for 30 days."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import AuditEntry, Context, Page, Position, UserRef
from budgetbuddy.problems import Problem

KEPT: Final = timedelta(days=30)


class JobStatus(StrEnum):
    """How far it is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Job:
    """`done` of `total` steps; `result` is what the work left, by kind. Instants are RFC 3339.

    `problem` is why it failed, as its document.
    """

    id: str
    kind: str
    status: JobStatus
    done: int
    total: int
    result: Mapping[str, Any]
    created_at: str
    finished_at: str | None
    expires_at: str
    problem: Mapping[str, Any] | None = None


class Jobs(Protocol):
    """The jobs of users."""

    def list(self, user: UserRef, *, limit: int, start: Position | None) -> Page[Job]:
        """One page, newest first; those whose time is over are left out."""

    def get(self, user: UserRef, job_id: str) -> Job:
        """One. Raises `NotFound`, also when its time is over."""


class JobRows(Jobs, Protocol):
    """Jobs that are not done at once."""

    def add(self, context: Context, job: Job, entry: AuditEntry) -> Job:
        """Store it, with the audit row of who asked."""

    def note(self, user: UserRef, job: Job) -> None:
        """How far it is; never back."""


def new_job(kind: str, now: datetime) -> Job:
    """One that waits; a single step."""
    return Job(
        id=make_id(Kind.JOB),
        kind=kind,
        status=JobStatus.QUEUED,
        done=0,
        total=1,
        result={},
        created_at=format_instant(now),
        finished_at=None,
        expires_at=format_instant(now + KEPT),
    )


def succeeded(job: Job, now: datetime, result: Mapping[str, Any]) -> Job:
    """All of it is done."""
    finished_at = format_instant(now)
    return replace(
        job, status=JobStatus.SUCCEEDED, done=job.total, result=result, finished_at=finished_at
    )


def failed(job: Job, now: datetime, problem: Problem) -> Job:
    """Why it ended is kept as the problem's document."""
    document = {"code": problem.code, "title": problem.title, "status": problem.status}
    finished_at = format_instant(now)
    return replace(job, status=JobStatus.FAILED, problem=document, finished_at=finished_at)
