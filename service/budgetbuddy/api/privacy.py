"""`/privacy`: what the law gives everyone over their own data."""

from flask import Response

from budgetbuddy.api._http import context, json_response, principal, services
from budgetbuddy.api._privacy_models import (
    ErasureBegun,
    ErasureRequest,
    ErasureView,
    ReceiptPath,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._signing_in import forget_session
from budgetbuddy.domain.access import FRESH, PUBLIC
from budgetbuddy.domain.identity import InvalidCredentials
from budgetbuddy.domain.second_factor import MfaCodeInvalid
from budgetbuddy.problems import NotFound, TooManyAttempts

routes = Routes("privacy", "/api/v1/privacy")


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
