"""Who uses the service: profiles, sessions and pending registrations."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Unauthorized, Unprocessable

CODE_LIFE: Final = timedelta(minutes=15)
CODE_TRIES: Final = 5
MAILS_PER_REGISTRATION: Final = 3
SESSION_IDLE: Final = timedelta(days=30)
SESSION_LIFE: Final = timedelta(days=180)
REFRESH_GRACE: Final = timedelta(seconds=10)  # an answer lost on the way to a phone
MAX_SESSIONS: Final = 20
BY_PASSWORD: Final = ("pwd",)  # RFC 8176: how a session's user was authenticated
BY_TWO_FACTORS: Final = ("pwd", "otp", "mfa")


class CodeInvalid(Unauthorized):
    """Wrong, used, too late, or too many tries: the client cannot tell which."""

    code = "code_invalid"
    title = "The code is not valid"


class InvalidCredentials(Unauthorized):
    """Unknown e-mail or wrong password: the client cannot tell which."""

    code = "invalid_credentials"
    title = "E-mail or password is wrong"


class RefreshInvalid(Unauthorized):
    """Not a refresh token of a living session."""

    code = "refresh_invalid"
    title = "The refresh token is not valid"


class RefreshReused(Unauthorized):
    """An old refresh token came back: the session is ended, for one of the two is not the user."""

    code = "refresh_reused"
    title = "The refresh token was used before; the session has ended"


class PasswordTooWeak(Unprocessable):
    """Too short, too long, or too easy to guess."""

    code = "password_too_weak"
    title = "The password is too easy to guess"


class PasswordReused(Unprocessable):
    """A change that changes nothing would leave a stolen password good."""

    code = "password_reused"
    title = "The new password is the old one"


class Status(StrEnum):
    """Of a user."""

    ACTIVE = "active"
    ERASING = "erasing"


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What a user chooses; all of it can be changed."""

    display_name: str = ""
    currency: str = "EUR"
    timezone: str = "UTC"
    locale: str = "en"
    week_start: int = 1  # 0 is Sunday
    alert_thresholds: tuple[int, ...] = (75, 90, 100)
    alert_email: bool = True


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A confirmed user. A token is good while its `epoch` is the profile's."""

    user: UserRef
    email: str
    email_hash: str
    password_hash: str = field(repr=False)
    preferences: Preferences
    created_at: datetime
    roles: tuple[str, ...] = ()
    status: Status = Status.ACTIVE
    epoch: int = 1
    mfa: bool = False  # whether a second factor is asked for
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A user to be. `decoy` stands for an e-mail that is known already and can't be confirmed.

    `wrapped_key` becomes the user's data key; e-mail, name and password hash are sealed under it.
    """

    id: str
    user: UserRef
    wrapped_key: bytes = field(repr=False)
    email: str
    email_hash: str
    password_hash: str = field(repr=False)
    preferences: Preferences
    code_hash: str = field(repr=False)
    decoy: bool
    expires_at: datetime
    mails: int = 1


@dataclass(frozen=True, kw_only=True)
class Session:
    """A family of refresh tokens: only the newest is good, its predecessor for a moment."""

    id: str
    user: UserRef
    token_hash: str = field(repr=False)
    previous_hash: str = field(default="", repr=False)
    rotated_at: datetime
    auth_time: datetime
    created_at: datetime
    expires_at: datetime
    epoch: int
    amr: tuple[str, ...] = BY_PASSWORD
    device_name: str = ""
    network: str = ""


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """What a client gets once it is known who it is."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    session: Session
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a request without a user comes from."""

    request_id: str
    ip: str
    user_agent: str

    def context(self, user: UserRef, session_id: str | None = None) -> Context:
        """As a context of `user`, who has just been made known."""
        return Context(
            user=user,
            request_id=self.request_id,
            session_id=session_id,
            ip=self.ip,
            user_agent=self.user_agent,
        )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is asked of a session at every request; `is_current`: it has the epoch of its user."""

    is_current: bool
    status: Status
    roles: tuple[str, ...]
    mfa: bool
