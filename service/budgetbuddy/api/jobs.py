"""`/jobs`: how far work is that was answered with 202."""

from typing import Any

from flask import Response

from budgetbuddy.api._body import Query, View
from budgetbuddy.api._http import PageQuery, json_response, paged, principal, services
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import SESSION, scope
from budgetbuddy.domain.jobs import Job, JobStatus
from budgetbuddy.problems import InvalidCursor, NotFound

routes = Routes("jobs", "/api/v1/jobs", area="files")


class JobPath(Query):
    """Path of one job."""

    job_id: str


class ProgressView(View):
    """Steps done, and steps in all."""

    done: int
    total: int


class JobView(View):
    """A job; `result` is what the work left, by kind."""

    id: str
    kind: str
    status: JobStatus
    progress: ProgressView
    result: dict[str, Any] | None
    problem: dict[str, Any] | None = None
    created_at: str
    finished_at: str | None
    expires_at: str

    @classmethod
    def of(cls, job: Job) -> "JobView":
        """The view of a job."""
        return cls(
            id=job.id,
            kind=job.kind,
            status=job.status,
            progress=ProgressView(done=job.done, total=job.total),
            result=dict(job.result),
            problem=dict(job.problem) if job.problem else None,
            created_at=job.created_at,
            finished_at=job.finished_at,
            expires_at=job.expires_at,
        )


class JobList(View):
    """One page of jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None


@routes.get("", access=SESSION, returns={200: JobList}, problems=(InvalidCursor,))
def list_jobs(query: PageQuery) -> Response:
    """List jobs of the last 30 days, newest first."""
    user = principal().user
    return paged(
        query, lambda start, limit: services().jobs.list(user, limit=limit, start=start), JobView.of
    )


@routes.get("/<jobId>", access=scope("profile:read"), returns={200: JobView}, problems=(NotFound,))
def show_job(path: JobPath) -> Response:
    """Show one job; it is kept for 30 days."""
    return json_response(JobView.of(services().jobs.get(principal().user, path.job_id)))
