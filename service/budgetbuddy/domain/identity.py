"""Who uses the service: profiles, sessions, pending registrations, and the ports they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.ports import Context, Sealer, UserRef
from budgetbuddy.problems import Unauthorized, Unprocessable

CODE_LIFE: Final = timedelta(minutes=15)
CODE_TRIES: Final = 5
MAILS_PER_REGISTRATION: Final = 3
SESSION_IDLE: Final = timedelta(days=30)
SESSION_LIFE: Final = timedelta(days=180)
REFRESH_GRACE: Final = timedelta(seconds=10)  # an answer lost on the way to a phone
MAX_SESSIONS: Final = 20


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
    amr: tuple[str, ...] = ("pwd",)
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
    """What is asked of a session at every request."""

    epoch: int
    status: Status
    roles: tuple[str, ...]


# --- Ports ---------------------------------------------------------------------------------------


class UserKeys(Sealer, Protocol):
    """Data keys of users, and what is sealed under them."""

    def create_key(self, user: UserRef) -> bytes:
        """A new key for `user`: its wrapped form."""

    def adopt_key(self, user: UserRef, wrapped: bytes) -> None:
        """Use this wrapped key for `user`, before it is stored as theirs."""


class Passwords(Protocol):
    """Hashing that is slow on purpose."""

    def require_strong(self, password: str, *, known: Sequence[str]) -> None:
        """Raises `PasswordTooWeak`; `known` are words that an attacker tries first."""

    def hash(self, password: str) -> str:
        """An argon2id string."""

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; `None` takes as long and is always false."""

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""


class Lookups(Protocol):
    """Keyed digests of what is looked up or compared but never stored in clear."""

    def email(self, email: str) -> str:
        """One digest for all spellings of an e-mail address."""

    def code(self, context: str, code: str) -> str:
        """Digest of a mailed code, bound to what it confirms."""


class Tokens(Protocol):
    """Access and refresh tokens."""

    def access(self, profile: Profile, session: Session, now: datetime) -> str:
        """A signed access token of 15 minutes."""

    def refresh(self, user: UserRef, session_id: str) -> str:
        """A new random refresh token of this session."""

    def read_refresh(self, token: str) -> tuple[str, str]:
        """User id and session id; raises `RefreshInvalid`."""

    def digest(self, token: str) -> str:
        """What is stored of a refresh token."""


class Mail(Protocol):
    """Sends plain text."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Raises `Unavailable` when the mail was not taken."""


class Users(Protocol):
    """Profiles and registrations."""

    def find(self, email_hash: str) -> Profile | None:
        """The user of this e-mail."""

    def exists(self, email_hash: str) -> bool:
        """Whether the e-mail is taken."""

    def get(self, user: UserRef) -> Profile:
        """Raises `NotFound`."""

    def keep(self, registration: Registration) -> None:
        """Store a registration, or its new code."""

    def pending(self, registration_id: str) -> Registration | None:
        """A registration that can still be confirmed."""

    def try_code(self, registration_id: str) -> bool:
        """Count one try; false when none is left."""

    def confirm(self, registration: Registration, session: Session, origin: Origin) -> Profile:
        """Make the user with head, e-mail lock, categories, key and session in one transaction.

        Raises `CodeInvalid` when the e-mail was taken or the code used meanwhile.
        """

    def rehash(self, profile: Profile, password_hash: str) -> None:
        """Replace the hash of an unchanged password."""

    def change(self, context: Context, version: int, fields: Mapping[str, Any]) -> Profile:
        """Replace preferences; raises `VersionConflict`."""

    def login_failed(self, context: Context, *, locked: bool) -> None:
        """Leave an audit row."""


class SessionStore(Protocol):
    """Session families."""

    def find(self, user_id: str, session_id: str) -> tuple[Profile, Session] | None:
        """A living session and its user."""

    def list(self, user: UserRef) -> Sequence[Session]:
        """Living sessions, newest first."""

    def start(self, context: Context, session: Session) -> None:
        """Store a new session; the oldest over the cap ends."""

    def rotate(self, session: Session, *, read: Session) -> bool:
        """Replace the tokens of `read`; false when another request came first."""

    def end(self, context: Context, session_ids: Sequence[str], *, event: str) -> None:
        """Remove sessions; those already gone are no error."""


class Standings(Protocol):
    """Reads standings; eventually consistent is enough."""

    def __call__(self, user_id: str, session_id: str) -> Standing | None:
        """`None` when user or session is gone."""
