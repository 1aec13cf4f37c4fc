"""`/auth/mfa`: the second factor, and the step of a log-in that asks for it."""

from flask import Response

from budgetbuddy.api._auth_models import SessionView
from budgetbuddy.api._credential_models import (
    BackupCodesView,
    CodeInput,
    EnrolmentView,
    FactorView,
    MfaView,
    Verification,
)
from budgetbuddy.api._http import context, empty, json_response, principal, respond, services
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._signing_in import counted, forget_session, origin, signed_in_answer
from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import FRESH, PUBLIC, SESSION
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.second_factor import (
    MfaAlreadyEnabled,
    MfaChallengeExpired,
    MfaCodeInvalid,
    MfaMandatoryForRole,
    MfaNotEnabled,
)
from budgetbuddy.telemetry import count

routes = Routes("mfa", "/api/v1/auth/mfa", area="auth")


@routes.post(
    "/verify",
    access=PUBLIC,
    returns={200: SessionView},
    problems=(MfaCodeInvalid, MfaChallengeExpired),
)
def verify_mfa(body: Verification) -> Response:
    """Finish a log-in with a code of the app or a backup code; five tries a challenge."""
    return signed_in_answer(
        counted(
            body.method,
            lambda: services().sign_in.verify(body.mfa_token, body.method, body.code, origin()),
        )
    )


@routes.get("", access=SESSION, returns={200: MfaView})
def show_mfa() -> Response:
    """Show whether the second factor is on, and how many backup codes are left."""
    found = services().second_factors.state(principal().user)
    return json_response(
        MfaView(
            totp=FactorView(enabled=found.enrolled_at is not None, enrolled_at=found.enrolled_at),
            backup_codes_left=found.codes_left,
        )
    )


@routes.post("/totp", access=FRESH, returns={201: EnrolmentView}, problems=(MfaAlreadyEnabled,))
def begin_totp() -> Response:
    """Get a secret for an authenticator app; it is on once a code of it came back."""
    begun = services().second_factors.begin(context())
    view = EnrolmentView(
        secret=begun.secret, otpauth_uri=begun.uri, expires_at=format_instant(begun.expires_at)
    )
    return json_response(view, 201)


@routes.post(
    "/totp/confirm",
    access=FRESH,
    returns={200: BackupCodesView},
    problems=(MfaAlreadyEnabled, MfaNotEnabled, MfaCodeInvalid),
)
def confirm_totp(body: CodeInput) -> Response:
    """Switch the second factor on; all other sessions end."""
    codes = services().second_factors.confirm(context(), body.code)
    count(Metric.MFA_ENROLLED)
    forget_session(principal().session_id)
    return json_response(BackupCodesView(backup_codes=list(codes)))


@routes.post(
    "/totp/disable",
    access=FRESH,
    returns={204: None},
    problems=(MfaNotEnabled, MfaCodeInvalid, MfaMandatoryForRole),
)
def disable_totp(body: CodeInput) -> Response:
    """Switch the second factor off; all other sessions end."""
    services().second_factors.disable(context(), body.code)
    forget_session(principal().session_id)
    return respond(empty())


@routes.post(
    "/backup-codes",
    access=FRESH,
    returns={200: BackupCodesView},
    problems=(MfaNotEnabled, MfaCodeInvalid),
)
def renew_backup_codes(body: CodeInput) -> Response:
    """Get new backup codes; the old ones are good for nothing from now on."""
    codes = services().second_factors.renew(context(), body.code)
    return json_response(BackupCodesView(backup_codes=list(codes)))
