"""`/imports`: bank statements, CSV and OFX, tried out or booked."""

from collections.abc import Callable
from typing import Any

from flask import Response

from budgetbuddy.api._body import Query, parse_model
from budgetbuddy.api._declaration import KILOBYTE
from budgetbuddy.api._http import (
    PageQuery,
    answer,
    json_response,
    paged,
    principal,
    rendered,
    services,
)
from budgetbuddy.api._import_models import (
    ImportDryRunView,
    ImportForm,
    ImportList,
    ImportOptions,
    ImportSummary,
    ImportView,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api.jobs import JobView
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.accounts import AccountClosed
from budgetbuddy.domain.import_jobs import AT_ONCE
from budgetbuddy.domain.imports import (
    ImportRejected,
    MappingIncomplete,
    TooManyRows,
    UnreadableFile,
    read_rows,
    require_good_rows,
)
from budgetbuddy.domain.ports import Render
from budgetbuddy.problems import (
    FieldError,
    InvalidCursor,
    NotFound,
    PayloadTooLarge,
    ValidationFailed,
)

routes = Routes("imports", "/api/v1/imports", area="files")
READ, WRITE = scope("transactions:read"), scope("transactions:write")
FILE_BYTES = 5 * KILOBYTE * KILOBYTE
ENVELOPE_BYTES = 64 * KILOBYTE  # options and the multipart lines around both


class ImportPath(Query):
    """Path of one import."""

    import_id: str


@routes.post(
    "",
    access=WRITE,
    returns={200: ImportDryRunView, 202: JobView},
    problems=(
        NotFound,
        AccountClosed,
        PayloadTooLarge,
        UnreadableFile,
        MappingIncomplete,
        TooManyRows,
        ImportRejected,
    ),
    idempotency="I!",
    limits=("import",),
    max_bytes=FILE_BYTES + ENVELOPE_BYTES,
)
def import_statement(form: ImportForm) -> Response:
    """Import a bank statement, or with `dryRun` only say what would happen.

    Nothing is booked unless every row is good or `partial` is asked for. Up to 400 rows are booked
    before the answer, so that the job of the 202 has succeeded already; more are booked by the
    worker, and the job tells how far it is. Its result names the import.
    """
    options = _options(form.options)
    data = form.file.stream.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise PayloadTooLarge(f"a statement has at most {FILE_BYTES} bytes")
    user = principal().user
    account = services().accounts.get(user, options.account_id)
    read = read_rows(data, options.reading(), account, services().clock().date())
    if options.dry_run:
        known = services().imports.known(user, account.id, read.rows)
        return json_response(ImportDryRunView.of(read, known))
    require_good_rows(read, partial=options.partial)
    if len(read.rows) > AT_ONCE:
        return answer(_accepted(JobView.of), services().import_jobs.order, account, read)
    return answer(
        _accepted(lambda result: JobView.of(result.job)), services().imports.run, account, read
    )


@routes.get("", access=READ, returns={200: ImportList}, problems=(InvalidCursor,))
def list_imports(query: PageQuery) -> Response:
    """List imports of the last 90 days, newest first."""
    user = principal().user
    return paged(
        query,
        lambda start, limit: services().imports.list(user, limit=limit, start=start),
        ImportSummary.of,
    )


@routes.get("/<importId>", access=READ, returns={200: ImportView}, problems=(NotFound,))
def show_import(path: ImportPath) -> Response:
    """Show what an import did, line by line."""
    report = services().imports.get(principal().user, path.import_id)
    return json_response(ImportView.of(report))


def _options(text: str) -> ImportOptions:
    """The options; errors point below `/options`."""
    try:
        return parse_model(ImportOptions, text.encode())
    except ValidationFailed as wrong:
        errors = [
            FieldError(pointer=f"/options{e.pointer}", code=e.code, detail=e.detail)
            for e in wrong.errors
        ]
        raise ValidationFailed(errors=errors) from wrong


def _accepted(to_view: Callable[[Any], JobView]) -> Render:
    return rendered(to_view, status=202, location="/api/v1/jobs/{id}", versioned=False)
