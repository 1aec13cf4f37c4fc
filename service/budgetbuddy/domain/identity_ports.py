"""What identity needs from outside: keys, hashing, tokens, mail, and where users are kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from budgetbuddy.domain.identity import (
    Origin,
    Profile,
    Registration,
    Session,
    Standing,
)
from budgetbuddy.domain.ports import Context, Sealer, UserRef


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
        """What is stored of a random token."""


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
