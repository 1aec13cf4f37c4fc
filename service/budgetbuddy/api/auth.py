"""`/auth`: registration with a mailed code, log-in, refresh, and the list of sessions."""

from flask import Response

from budgetbuddy.api._auth_models import (
    Confirmation,
    DeviceList,
    DeviceView,
    Login,
    NewUser,
    PendingView,
    Refresh,
    Resend,
    SessionPath,
    SessionView,
)
from budgetbuddy.api._credential_models import ChallengeView, LoginView
from budgetbuddy.api._http import (
    context,
    empty,
    json_response,
    listed,
    principal,
    respond,
    services,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._signing_in import counted, forget_session, origin, signed_in_answer
from budgetbuddy.domain.access import PUBLIC, SESSION
from budgetbuddy.domain.cards import mask_card_numbers
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.identity import (
    CodeInvalid,
    InvalidCredentials,
    PasswordTooWeak,
    Preferences,
    RefreshInvalid,
    RefreshReused,
    SignedIn,
)
from budgetbuddy.domain.registration import Pending
from budgetbuddy.domain.second_factor import Challenged
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
)
from budgetbuddy.problems import NotFound, TooManyAttempts

routes = Routes("auth", "/api/v1/auth")


@routes.post(
    "/register",
    access=PUBLIC,
    returns={202: PendingView},
    problems=(PasswordTooWeak, CardNumberDetected),
    limits=("register",),
)
def register(body: NewUser) -> Response:
    """Start a registration: a code goes to the e-mail address.

    The answer is the same whether or not the address is known.
    """
    require_no_card_number({"/displayName": body.display_name})
    preferences = Preferences(
        display_name=body.display_name,
        currency=body.currency,
        timezone=body.timezone,
        locale=body.locale,
    )
    pending = services().registrations.register(body.email, body.password, preferences)
    return _accepted(pending)


@routes.post("/register/resend", access=PUBLIC, returns={202: PendingView}, limits=("register",))
def resend_registration_code(body: Resend) -> Response:
    """Mail another code; three mails a registration at most."""
    return _accepted(services().registrations.resend(body.registration_id))


@routes.post(
    "/register/confirm",
    access=PUBLIC,
    returns={201: SessionView},
    problems=(CodeInvalid,),
)
def confirm_registration(body: Confirmation) -> Response:
    """Confirm the e-mail address and sign in."""
    signed_in = services().registrations.confirm(body.registration_id, body.code, origin())
    return signed_in_answer(signed_in, 201)


@routes.post(
    "/login",
    access=PUBLIC,
    returns={200: LoginView},
    problems=(InvalidCredentials, TooManyAttempts),
)
def login(body: Login) -> Response:
    """Sign in with e-mail and password; with a second factor the answer is a challenge."""

    def attempt() -> SignedIn | Challenged:
        device = body.device_name and mask_card_numbers(body.device_name)
        return services().sign_in.login(body.email, body.password, device, origin())

    outcome = counted("password", attempt)
    if isinstance(outcome, Challenged):
        return json_response(ChallengeView(mfa_token=outcome.token, expires_in=outcome.seconds))
    return signed_in_answer(outcome)


@routes.post(
    "/refresh",
    access=PUBLIC,
    returns={200: SessionView},
    problems=(RefreshInvalid, RefreshReused),
)
def refresh(body: Refresh) -> Response:
    """Swap the newest refresh token for a new pair; an older one ends the session."""

    def attempt() -> SignedIn:
        return services().sessions.refresh(body.refresh_token, origin())

    return signed_in_answer(counted("refresh", attempt))


@routes.post("/logout", access=SESSION, returns={204: None})
def logout() -> Response:
    """End this session."""
    services().sessions.logout(context())
    forget_session(principal().session_id)
    return respond(empty())


@routes.get("/sessions", access=SESSION, returns={200: DeviceList})
def list_sessions() -> Response:
    """List living sessions, newest first."""
    who = principal()
    return listed(DeviceView.of(s, who.session_id) for s in services().sessions.list(who.user))


@routes.delete("/sessions", access=SESSION, returns={204: None})
def revoke_other_sessions() -> Response:
    """End all sessions but this one."""
    services().sessions.revoke_others(context())
    return respond(empty())


@routes.delete("/sessions/<sessionId>", access=SESSION, returns={204: None}, problems=(NotFound,))
def revoke_session(path: SessionPath) -> Response:
    """End one session."""
    services().sessions.revoke(context(), path.session_id)
    forget_session(path.session_id)
    return respond(empty())


def _accepted(pending: Pending) -> Response:
    view = PendingView(
        registration_id=pending.registration_id, expires_at=format_instant(pending.expires_at)
    )
    return json_response(view, 202)
