"""Personal access tokens: for a user's own scripts, with some of the user's rights, for a while.

    bb_pat_ | 43 characters (32 random bytes, base64url) | 6 characters that catch typing errors

Only the SHA-256 is stored: the token is random, so it needs no slow hash.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from budgetbuddy.domain.access import Scope
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import LimitReached

PREFIX: Final = "bb_pat_"
MAX_TOKENS: Final = 20
MAX_DAYS: Final = 365
SHOWN: Final = len(PREFIX) + 4  # characters by which an owner recognises a token
_SECRET_BYTES = 32
_CHECKSUM = 6
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}[A-Za-z0-9_-]{{{_CHECKSUM}}}")


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """What is known of a token after it was shown once. Instants are RFC 3339."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    shown: str
    digest: str
    created_at: str
    expires_at: str
    last_used: date | None = None


@dataclass(frozen=True, kw_only=True)
class TokenStanding:
    """What is asked of a token at every request."""

    id: str
    user: UserRef
    scopes: frozenset[Scope]
    expires_at: str
    last_used: date | None


class AccessTokens(Protocol):
    """The tokens of users."""

    def list(self, user: UserRef) -> Sequence[AccessToken]:
        """All, newest first."""

    def get(self, user: UserRef, token_id: str) -> AccessToken:
        """One. Raises `NotFound`."""

    def add(self, context: Context, token: AccessToken) -> AccessToken:
        """Store a new one. Raises `LimitReached`."""

    def revoke(self, context: Context, token_id: str) -> None:
        """It opens nothing from now on. Raises `NotFound`."""

    def standing(self, digest: str) -> TokenStanding | None:
        """The token with this digest; eventually consistent is enough."""

    def touch(self, digest: str, day: date) -> None:
        """It was used on this day."""


def new_token() -> str:
    """A token nobody can guess."""
    secret = base64.urlsafe_b64encode(secrets.token_bytes(_SECRET_BYTES)).rstrip(b"=").decode()
    return PREFIX + secret + _checksum(PREFIX + secret)


def is_token(text: str) -> bool:
    """Whether the text has the form and the checksum of a token."""
    if _FORM.fullmatch(text) is None:
        return False
    return secrets.compare_digest(_checksum(text[:-_CHECKSUM]), text[-_CHECKSUM:])


def digest_of(token: str) -> str:
    """What is stored of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_CHECKSUM]


def require_room(tokens: Sequence[AccessToken]) -> None:
    """Raises `LimitReached`."""
    if len(tokens) >= MAX_TOKENS:
        raise LimitReached(f"at most {MAX_TOKENS} access tokens")
