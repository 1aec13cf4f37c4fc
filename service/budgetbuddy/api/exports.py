"""`/exports`: transactions or the audit trail, as CSV or JSON, written as they are read."""

from datetime import date

from flask import Response
from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import CalendarDate
from budgetbuddy.api._http import (
    answer,
    context,
    empty,
    json_response,
    listed,
    principal,
    rendered,
    respond,
    services,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import SESSION
from budgetbuddy.domain.book_exports import (
    EARLIEST,
    LATEST,
    BookExport,
    ExportFormat,
    ExportKind,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.exports import KEPT, ExportExpired
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.problems import LimitReached, NotFound

routes = Routes("exports", "/api/v1/exports", area="files")
TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.JSON: "application/json; charset=utf-8",
}


class ExportPath(Query):
    """Path of one export."""

    export_id: str


class NewExport(Input):
    """What to export; days are inclusive and only for transactions."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "transactions",
                "format": "csv",
                "from": "2026-01-01",
                "to": "2026-12-31",
            }
        }
    )

    kind: ExportKind = Field(strict=False)
    format: ExportFormat = Field(strict=False)
    start: CalendarDate = Field(default=EARLIEST, alias="from")
    end: CalendarDate = Field(default=LATEST, alias="to")

    @model_validator(mode="after")
    def _is_a_span(self) -> "NewExport":
        if self.start > self.end:
            raise PydanticCustomError("invalid_range", "The first day is after the last")
        if self.kind is ExportKind.AUDIT and (self.start, self.end) != (EARLIEST, LATEST):
            raise PydanticCustomError("invalid_range", "The audit trail is exported whole")
        return self


class ExportView(View):
    """An export that can be fetched until it expires; it is made while it is fetched."""

    id: str
    kind: ExportKind
    format: ExportFormat
    start: date | None = Field(serialization_alias="from")
    end: date | None = Field(serialization_alias="to")
    created_at: str
    expires_at: str
    download_url: str

    @classmethod
    def of(cls, export: BookExport) -> "ExportView":
        """The view of an export."""
        return cls(
            id=export.id,
            kind=export.kind,
            format=export.format,
            start=export.start if export.start > EARLIEST else None,
            end=export.end if export.end < LATEST else None,
            created_at=export.created_at,
            expires_at=export.expires_at,
            download_url=f"/api/v1/exports/{export.id}/content",
        )


class ExportList(View):
    """All that can be fetched, newest first."""

    items: list[ExportView]
    next_cursor: str | None


@routes.post(
    "",
    access=SESSION,
    returns={202: ExportView},
    problems=(LimitReached,),
    idempotency="I!",
    limits=("export",),
)
def create_export(body: NewExport) -> Response:
    """Ask for an export; it can be fetched for seven days."""
    now = services().clock()
    export = BookExport(
        id=make_id(Kind.EXPORT),
        kind=body.kind,
        format=body.format,
        start=body.start,
        end=body.end,
        created_at=format_instant(now),
        expires_at=format_instant(now + KEPT),
    )
    render = rendered(ExportView.of, status=202, location="/api/v1/exports/{id}", versioned=False)
    return answer(render, services().book_exports.add, export)


@routes.get("", access=SESSION, returns={200: ExportList})
def list_exports() -> Response:
    """List the exports that can be fetched, newest first."""
    exports = services().book_exports.list(principal().user)
    return listed(ExportView.of(export) for export in exports)


@routes.get(
    "/<exportId>", access=SESSION, returns={200: ExportView}, problems=(ExportExpired, NotFound)
)
def show_export(path: ExportPath) -> Response:
    """Show one export."""
    export = services().book_exports.get(principal().user, path.export_id)
    return json_response(ExportView.of(export))


@routes.delete(
    "/<exportId>", access=SESSION, returns={204: None}, problems=(ExportExpired, NotFound)
)
def delete_export(path: ExportPath) -> Response:
    """Let nobody fetch it any more."""
    services().book_exports.remove(context(), path.export_id)
    return respond(empty())


@routes.get(
    "/<exportId>/content",
    access=SESSION,
    returns={200: None},
    problems=(ExportExpired, NotFound),
)
def fetch_export(path: ExportPath) -> Response:
    """Fetch it: read from the books as the client takes it, whatever its size.

    In CSV a text that a spreadsheet would take for a formula begins with an apostrophe; amounts
    are numbers.
    """
    export = services().book_exports.get(principal().user, path.export_id)
    parts = services().book_exports.fetch(context(), export)
    disposition = f'attachment; filename="{export.kind}-{export.id}.{export.format}"'
    headers = {"Content-Type": TYPES[export.format], "Content-Disposition": disposition}
    return Response(parts, headers=headers)
