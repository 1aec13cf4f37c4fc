"""`/privacy`: what the law gives everyone over their own data."""

from flask import Response

from budgetbuddy.api._http import (
    answer,
    context,
    json_response,
    listed,
    principal,
    rendered,
    services,
)
from budgetbuddy.api._privacy_models import (
    ArchiveView,
    DataMapView,
    DataView,
    ErasureBegun,
    ErasureRequest,
    ErasureView,
    ExportPath,
    ReceiptPath,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._signing_in import forget_session
from budgetbuddy.domain.access import FRESH, PUBLIC, SESSION
from budgetbuddy.domain.data_map import AUDIT, DATA_MAP
from budgetbuddy.domain.exports import ExportExpired
from budgetbuddy.domain.identity import InvalidCredentials
from budgetbuddy.domain.second_factor import MfaCodeInvalid
from budgetbuddy.problems import NotFound, TooManyAttempts

routes = Routes("privacy", "/api/v1/privacy")
ZIP = "application/zip"


@routes.get("/data-map", access=SESSION, returns={200: DataMapView})
def show_data_map() -> Response:
    """Show every kind of data that is kept: what for, on what ground, how long."""
    return listed(DataView.of(kept) for kept in (*DATA_MAP, AUDIT))


@routes.post(
    "/exports",
    access=FRESH,
    returns={202: ArchiveView},
    idempotency="I!",
    limits=("privacy-export",),
)
def export_personal_data() -> Response:
    """Ask for everything that is kept about you, once a day; it can be fetched for seven days."""
    render = rendered(
        ArchiveView.of, status=202, location="/api/v1/privacy/exports/{id}", versioned=False
    )
    return answer(render, services().personal_data.grant)


@routes.get(
    "/exports/<exportId>",
    access=SESSION,
    returns={200: ArchiveView},
    problems=(ExportExpired, NotFound),
)
def show_personal_export(path: ExportPath) -> Response:
    """Show until when an archive can be fetched."""
    export = services().personal_data.get(principal().user, path.export_id)
    return json_response(ArchiveView.of(export))


@routes.get(
    "/exports/<exportId>/content",
    access=SESSION,
    returns={200: None},
    problems=(ExportExpired, NotFound),
    limits=("export",),
)
def fetch_personal_export(path: ExportPath) -> Response:
    """Fetch the archive: a ZIP of JSON files by kind of data, transactions as CSV too.

    Nothing of it is stored: it is read from the books as the client takes it. `manifest.json`
    names every file with its rows and SHA-256, and whether nothing changed meanwhile.
    """
    parts = services().personal_data.fetch(context(), path.export_id)
    disposition = f'attachment; filename="budgetbuddy-{path.export_id}.zip"'
    headers = {"Content-Disposition": disposition}
    return Response(parts, mimetype=ZIP, headers=headers)


@routes.post(
    "/erasure",
    access=FRESH,
    returns={202: ErasureBegun},
    problems=(InvalidCredentials, MfaCodeInvalid, TooManyAttempts),
    limits=("sensitive",),
)
def erase(body: ErasureRequest) -> Response:
    """Erase the account and everything in it, at once and for good.

    All tokens end with this answer. Links to banks are ended at the provider; what backups still
    hold cannot be read by anybody from then on.
    """
    receipt = services().erasures.request(context(), body.password, body.mfa_code)
    forget_session(principal().session_id)
    url = f"/api/v1/privacy/erasure/{receipt}"
    return json_response(ErasureBegun(receipt=receipt, status_url=url), 202)


@routes.get("/erasure/<receipt>", access=PUBLIC, returns={200: ErasureView}, problems=(NotFound,))
def show_erasure(path: ReceiptPath) -> Response:
    """Show how far an erasure is; receipts are kept for 90 days."""
    return json_response(ErasureView.of(services().erasures.status(path.receipt)))
