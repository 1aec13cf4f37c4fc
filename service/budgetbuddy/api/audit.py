"""`/audit`: what happened on one's own account, and the proof that nothing of it was changed."""

from collections.abc import Iterator
from typing import Annotated, Any

import orjson
from flask import Response
from pydantic import ConfigDict, Field

from budgetbuddy.api._body import Input, View
from budgetbuddy.api._fields import CalendarDate
from budgetbuddy.api._http import (
    PageQuery,
    context,
    json_response,
    paged,
    principal,
    services,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api.jobs import JobView
from budgetbuddy.domain.access import COMPLIANCE, SESSION, scope
from budgetbuddy.domain.audit import Event, Outcome
from budgetbuddy.domain.audit_trail import Anchor, AuditFilter, AuditRecord, Verification
from budgetbuddy.problems import InvalidCursor, UpstreamUnavailable

routes = Routes("audit", "/api/v1/audit")
READ = scope("audit:read")
LINES = "application/x-ndjson"


class AuditQuery(PageQuery):
    """Query of the trail: days (UTC, inclusive) and one kind of event."""

    start: CalendarDate | None = Field(default=None, alias="from")
    end: CalendarDate | None = Field(default=None, alias="to")
    event: Event | None = None

    def wanted(self) -> AuditFilter:
        """As the domain takes it."""
        return AuditFilter(start=self.start, end=self.end, event=self.event)


class AuditView(View):
    """One row; `hash` links it to the one before."""

    seq: int
    at: str
    event: Event
    actor: str
    object: str
    outcome: Outcome
    ip: str
    user_agent: str
    details: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, record: AuditRecord) -> "AuditView":
        """The view of a row."""
        return cls(**{**vars(record), "details": dict(record.details)})


class AuditList(View):
    """One page, newest first."""

    items: list[AuditView]
    next_cursor: str | None


class VerificationOrder(Input):
    """`sample` takes so many chains of each of the 16 parts of all users; absent takes all."""

    model_config = ConfigDict(json_schema_extra={"example": {"sample": 25}})

    sample: Annotated[int, Field(ge=1, le=1_000)] | None = None


class VerificationView(View):
    """Rows `first` to `last` were recomputed; `firstBrokenSeq` is where the chain breaks."""

    valid: bool
    first: int | None
    last: int | None
    rows: int
    first_broken_seq: int | None

    @classmethod
    def of(cls, found: Verification) -> "VerificationView":
        """The view of a verification."""
        return cls(
            valid=found.is_valid,
            first=found.first,
            last=found.last,
            rows=found.rows,
            first_broken_seq=found.broken,
        )


@routes.get("/me", access=READ, returns={200: AuditList}, problems=(InvalidCursor,))
def list_audit(query: AuditQuery) -> Response:
    """List what happened on your account, newest first; rows are kept for seven years."""
    user, wanted = principal().user, query.wanted()
    return paged(
        query,
        lambda start, limit: services().audit_trail.page(user, wanted, limit=limit, start=start),
        AuditView.of,
    )


@routes.get("/me/verify", access=READ, returns={200: VerificationView})
def verify_audit() -> Response:
    """Recompute the chain of your rows: a changed, removed or added one shows."""
    return json_response(VerificationView.of(services().audit_trail.verify(context())))


@routes.post("/verify", access=COMPLIANCE, returns={202: JobView}, problems=(UpstreamUnavailable,))
def verify_all_audit(body: VerificationOrder) -> Response:
    """Recompute the chains of all users, or of a sample, as a job; they stay pseudonymous."""
    job = services().verification.order(context(), sample=body.sample)
    return json_response(JobView.of(job), 202)


@routes.get("/me/export", access=SESSION, returns={200: None}, limits=("export",))
def export_audit() -> Response:
    """Export all rows, one JSON object a line, oldest first; the first line is the chain's end."""
    anchor, records = services().audit_trail.export(context())
    return Response(_lines(anchor, records), mimetype=LINES)


def _lines(anchor: Anchor, records: Iterator[AuditRecord]) -> Iterator[bytes]:
    """Read and written as the client takes it."""
    yield orjson.dumps({"lastSeq": anchor.seq, "lastHash": anchor.hash}) + b"\n"
    for record in records:
        yield orjson.dumps(AuditView.of(record).model_dump(mode="json")) + b"\n"
