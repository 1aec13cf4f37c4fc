"""`/auth`: registration with a mailed code, log-in, refresh, and the list of sessions."""

from collections.abc import Callable
from typing import Annotated, Literal

from flask import Response
from pydantic import ConfigDict, EmailStr, Field, StringConstraints

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import CurrencyCode
from budgetbuddy.api._http import (
    context,
    empty,
    json_response,
    listed,
    principal,
    respond,
    services,
    state,
    user_agent,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api.users import DisplayName, Locale, Timezone, UserView
from budgetbuddy.contract import ACCESS_TOKEN_SECONDS, Metric
from budgetbuddy.domain.access import PUBLIC, SESSION
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.identity import (
    CodeInvalid,
    InvalidCredentials,
    Origin,
    PasswordTooWeak,
    Preferences,
    RefreshInvalid,
    RefreshReused,
    Session,
    SignedIn,
)
from budgetbuddy.domain.registration import Pending
from budgetbuddy.domain.transactions import CardNumberDetected, require_no_card_number
from budgetbuddy.problems import NotFound, TooManyAttempts, Unauthorized
from budgetbuddy.telemetry import count, note

routes = Routes("auth", "/api/v1/auth")

Email = Annotated[EmailStr, Field(max_length=254)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
RegistrationId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
EXAMPLE_PASSWORD = "a long sentence only I know"  # noqa: S105 - shown in the documents


class NewUser(Input):
    """A person who wants an account."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "email": "ann@example.com",
                "password": EXAMPLE_PASSWORD,
                "displayName": "Ann",
                "currency": "EUR",
                "timezone": "Europe/Vienna",
                "locale": "de-AT",
            }
        }
    )

    email: Email
    password: Password
    display_name: DisplayName = ""
    locale: Locale = "en"
    timezone: Timezone = "UTC"
    currency: CurrencyCode = "EUR"


class PendingView(View):
    """A registration that waits for its code."""

    registration_id: str
    expires_at: str


class Resend(Input):
    """Asks for another code."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"registrationId": "Zk3vJr0iTq6b2Yl1cXo9hA"}}
    )

    registration_id: RegistrationId


class Confirmation(Input):
    """The code that came by mail."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"registrationId": "Zk3vJr0iTq6b2Yl1cXo9hA", "code": "7F3KX2PA"}
        }
    )

    registration_id: RegistrationId
    code: Annotated[str, StringConstraints(min_length=1, max_length=32)]


class Login(Input):
    """E-mail and password."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"email": "ann@example.com", "password": EXAMPLE_PASSWORD}}
    )

    email: Email
    password: Password
    device_name: Annotated[str, StringConstraints(max_length=100)] = ""


class Refresh(Input):
    """The newest refresh token."""

    model_config = ConfigDict(json_schema_extra={"example": {"refreshToken": "bb_rt_…"}})

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class SessionView(View):
    """Signed in. The access token is good for `expiresIn` seconds."""

    status: Literal["authenticated"] = "authenticated"
    access_token: str
    expires_in: int = ACCESS_TOKEN_SECONDS
    refresh_token: str
    refresh_expires_at: str
    session_id: str
    user: UserView

    @classmethod
    def of(cls, signed_in: SignedIn) -> "SessionView":
        """The view of a new pair of tokens."""
        return cls(
            access_token=signed_in.access_token,
            refresh_token=signed_in.refresh_token,
            refresh_expires_at=format_instant(signed_in.session.expires_at),
            session_id=signed_in.session.id,
            user=UserView.of(signed_in.profile),
        )


class DeviceView(View):
    """A living session, as its owner recognises it."""

    id: str
    device_name: str
    created_at: str
    last_used_at: str
    ip_region: str
    current: bool

    @classmethod
    def of(cls, session: Session, current: str) -> "DeviceView":
        """The view of a session; `current` is the id of the caller's own."""
        return cls(
            id=session.id,
            device_name=session.device_name,
            created_at=format_instant(session.created_at),
            last_used_at=format_instant(session.rotated_at),
            ip_region=session.network,
            current=session.id == current,
        )


class DeviceList(View):
    """All living sessions, newest first."""

    items: list[DeviceView]
    next_cursor: str | None


class SessionPath(Query):
    """Path of one session."""

    session_id: str


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
    signed_in = services().registrations.confirm(body.registration_id, body.code, _origin())
    return _signed_in(signed_in, 201)


@routes.post(
    "/login",
    access=PUBLIC,
    returns={200: SessionView},
    problems=(InvalidCredentials, TooManyAttempts),
)
def login(body: Login) -> Response:
    """Sign in with e-mail and password."""

    def attempt() -> SignedIn:
        return services().sessions.login(body.email, body.password, body.device_name, _origin())

    return _signed_in(_counted("password", attempt))


@routes.post(
    "/refresh",
    access=PUBLIC,
    returns={200: SessionView},
    problems=(RefreshInvalid, RefreshReused),
)
def refresh(body: Refresh) -> Response:
    """Swap the newest refresh token for a new pair; an older one ends the session."""

    def attempt() -> SignedIn:
        return services().sessions.refresh(body.refresh_token, _origin())

    return _signed_in(_counted("refresh", attempt))


@routes.post("/logout", access=SESSION, returns={204: None})
def logout() -> Response:
    """End this session."""
    services().sessions.logout(context())
    _forget(principal().session_id)
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
    _forget(path.session_id)
    return respond(empty())


def _accepted(pending: Pending) -> Response:
    view = PendingView(
        registration_id=pending.registration_id, expires_at=format_instant(pending.expires_at)
    )
    return json_response(view, 202)


def _signed_in(signed_in: SignedIn, status: int = 200) -> Response:
    note(subject=signed_in.profile.user.subject, sessionId=signed_in.session.id)
    return json_response(SessionView.of(signed_in), status)


def _counted(method: str, attempt: Callable[[], SignedIn]) -> SignedIn:
    """Run a sign-in and count how it ended."""
    try:
        signed_in = attempt()
    except RefreshReused:
        count(Metric.REFRESH_REUSE_DETECTED)
        count(Metric.AUTH_FAILED, dimension=method)
        raise
    except TooManyAttempts:
        count(Metric.ACCOUNT_LOCKED)
        raise
    except Unauthorized:
        count(Metric.AUTH_FAILED, dimension=method)
        raise
    count(Metric.AUTH_SUCCEEDED, dimension=method)
    return signed_in


def _forget(session_id: str) -> None:
    """Our own process need not remember for ten seconds what it has just ended."""
    services().authenticator.forget(principal().user.id, session_id)


def _origin() -> Origin:
    current = state()
    return Origin(request_id=current.request_id, ip=current.client_ip, user_agent=user_agent())
