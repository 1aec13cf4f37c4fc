"""What the routes of `/auth` take and give."""

from typing import Annotated, Literal

from pydantic import ConfigDict, EmailStr, Field, StringConstraints

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import CurrencyCode
from budgetbuddy.api.users import DisplayName, Locale, Timezone, UserView
from budgetbuddy.contract import ACCESS_TOKEN_SECONDS
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.identity import Session, SignedIn

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
