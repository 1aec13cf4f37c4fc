"""Jobs: work whose outcome is asked for later. They are kept for 30 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.ports import AuditEntry, Context, Page, Position, UserRef

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
