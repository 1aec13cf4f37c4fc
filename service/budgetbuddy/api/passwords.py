"""`/auth`: a password shown again, changed, forgotten and set anew."""

from flask import Response

from budgetbuddy.api._auth_models import SessionView
from budgetbuddy.api._credential_models import (
    AccessTokenView,
    Forgotten,
    PasswordChange,
    PasswordReset,
    Reauthentication,
    ResetView,
)
from budgetbuddy.api._http import context, empty, json_response, principal, respond, services
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._signing_in import counted, forget_session, origin, signed_in_answer
from budgetbuddy.domain.access import PUBLIC, SESSION
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.identity import (
    CodeInvalid,
    InvalidCredentials,
    PasswordReused,
    PasswordTooWeak,
)
from budgetbuddy.domain.second_factor import MfaCodeInvalid
from budgetbuddy.problems import TooManyAttempts

routes = Routes("passwords", "/api/v1/auth", area="auth")


@routes.post(
    "/reauthenticate",
    access=SESSION,
    returns={200: AccessTokenView},
    problems=(InvalidCredentials, MfaCodeInvalid, TooManyAttempts),
)
def reauthenticate(body: Reauthentication) -> Response:
    """Show password and second factor again; sensitive changes ask for it every five minutes."""
    token = services().credentials.reauthenticate(context(), body.password, body.mfa_code)
    return json_response(AccessTokenView(access_token=token))


@routes.post(
    "/password/change",
    access=SESSION,
    returns={200: SessionView},
    problems=(
        InvalidCredentials,
        MfaCodeInvalid,
        TooManyAttempts,
        PasswordTooWeak,
        PasswordReused,
    ),
)
def change_password(body: PasswordChange) -> Response:
    """Change the password; the session of the answer is the only one left."""
    signed_in = counted(
        "password",
        lambda: services().credentials.change(
            context(),
            body.current_password,
            body.new_password,
            body.mfa_code,
            origin(),
            revoke_tokens=body.revoke_tokens,
        ),
    )
    forget_session(principal().session_id)
    return signed_in_answer(signed_in)


@routes.post("/password/forgot", access=PUBLIC, returns={202: ResetView}, limits=("recover",))
def forgot_password(body: Forgotten) -> Response:
    """Get a code by mail to set a new password.

    The answer is the same whether or not the address is known.
    """
    reset_id, expires_at = services().credentials.forgot(body.email, origin())
    return json_response(ResetView(reset_id=reset_id, expires_at=format_instant(expires_at)), 202)


@routes.post(
    "/password/reset",
    access=PUBLIC,
    returns={204: None},
    problems=(CodeInvalid, PasswordTooWeak),
)
def reset_password(body: PasswordReset) -> Response:
    """Set a new password with the mailed code; sessions and access tokens end."""
    services().credentials.reset(body.reset_id, body.code, body.new_password, origin())
    return respond(empty())
