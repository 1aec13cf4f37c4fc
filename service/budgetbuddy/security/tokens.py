"""Access tokens (JWT, HS256, two live keys), refresh tokens, and digests of what is looked up."""

import base64
import binascii
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt

from budgetbuddy.contract import ACCESS_TOKEN_SECONDS
from budgetbuddy.domain.identity import (
    Profile,
    RefreshInvalid,
    Session,
)
from budgetbuddy.domain.ids import Kind, is_id
from budgetbuddy.domain.ports import Clock, UserRef
from budgetbuddy.problems import TokenExpired, TokenInvalid

ALGORITHM = "HS256"
TYPE = "at+jwt"  # RFC 9068 § 2.1
ISSUER = "budgetbuddy"
AUDIENCE = "budgetbuddy-api"
LEEWAY_SECONDS = 10
LONGEST_TOKEN = 4_096
KEY_BYTES = 32  # RFC 7518 § 3.2: at least the size of the hash
REFRESH_PREFIX = "bb_rt_"
REFRESH_RANDOM_BYTES = 32
_ID_LENGTH = 30  # `usr_` and 26 characters
_HEADER = frozenset({"alg", "kid", "typ"})
_CLAIMS = (
    "iss", "aud", "sub", "subject", "sid", "epoch", "roles", "amr", "auth_time", "jti", "iat",
    "nbf", "exp",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """The signing key by its id, and the one before it, which still verifies."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        """A short key fails at start-up, not at the first log-in."""
        for kid, key in self.keys.items():
            if len(key) < KEY_BYTES:
                raise ValueError(f"the key {kid} is shorter than {KEY_BYTES} bytes")


class JwtTokens:
    """Implements `domain.identity.Tokens`, and reads access tokens."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def access(self, profile: Profile, session: Session, now: datetime) -> str:
        """A signed access token of 15 minutes."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": profile.user.id,
            "subject": profile.user.subject,
            "sid": session.id,
            "epoch": session.epoch,
            "roles": list(profile.roles),
            "amr": list(session.amr),
            "auth_time": int(session.auth_time.timestamp()),
            "jti": secrets.token_hex(16),
            "iat": issued,
            "nbf": issued,
            "exp": issued + ACCESS_TOKEN_SECONDS,
        }
        kid = self._ring.current
        headers = {"kid": kid, "typ": TYPE}
        return jwt.encode(claims, self._ring.keys[kid], algorithm=ALGORITHM, headers=headers)

    def read_access(self, token: str) -> dict[str, Any]:
        """The verified claims; raises `TokenInvalid` or `TokenExpired`."""
        key = self._key_of(token)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": list(_CLAIMS),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidTokenError as exc:
            raise TokenInvalid from exc
        self._require_current(claims)
        return claims

    def _key_of(self, token: str) -> bytes:
        """The key the header names, before any cryptography. Only our own header is accepted."""
        if len(token) > LONGEST_TOKEN:
            raise TokenInvalid
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as exc:
            raise TokenInvalid from exc
        if header.keys() != _HEADER or (header["alg"], header["typ"]) != (ALGORITHM, TYPE):
            raise TokenInvalid
        key = self._ring.keys.get(str(header["kid"]))
        if key is None:
            raise TokenInvalid
        return key

    def _require_current(self, claims: Mapping[str, Any]) -> None:
        """Times against our clock: PyJWT would ask the machine's."""
        now = self._clock().timestamp()
        times = [claims[name] for name in ("iat", "nbf", "exp", "auth_time", "epoch")]
        if not all(type(value) is int for value in times):
            raise TokenInvalid
        if claims["nbf"] > now + LEEWAY_SECONDS or claims["iat"] > now + LEEWAY_SECONDS:
            raise TokenInvalid
        if claims["exp"] + LEEWAY_SECONDS <= now:
            raise TokenExpired

    def refresh(self, user: UserRef, session_id: str) -> str:
        """`bb_rt_` and base64url of user id, session id and 32 random bytes."""
        named = f"{user.id}{session_id}".encode()
        return REFRESH_PREFIX + _base64url(named + secrets.token_bytes(REFRESH_RANDOM_BYTES))

    def read_refresh(self, token: str) -> tuple[str, str]:
        """User id and session id; nothing of it is trusted before the stored digest matched."""
        try:
            raw = base64.b64decode(
                _padded(token.removeprefix(REFRESH_PREFIX)), altchars=b"-_", validate=True
            )
            named = raw[:-REFRESH_RANDOM_BYTES].decode("ascii")
        except (binascii.Error, ValueError) as exc:
            raise RefreshInvalid from exc
        user_id, session_id = named[:_ID_LENGTH], named[_ID_LENGTH:]
        well_formed = is_id(Kind.USER, user_id) and is_id(Kind.SESSION, session_id)
        if not token.startswith(REFRESH_PREFIX) or not well_formed:
            raise RefreshInvalid
        return user_id, session_id

    def digest(self, token: str) -> str:
        """SHA-256: the token is random, so it needs no slow hash."""
        return hashlib.sha256(token.encode()).hexdigest()


class KeyedLookups:
    """Implements `domain.identity.Lookups` with HMAC-SHA-256 under `LOOKUP_KEY`."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def email(self, email: str) -> str:
        """One digest for `Ann@Example.com` and `ann@example.com`."""
        return self._digest("email/v1", unicodedata.normalize("NFKC", email).casefold())

    def code(self, context: str, code: str) -> str:
        """Digest of a mailed code, bound to what it confirms."""
        return self._digest("code/v1", f"{context}|{code}")

    def limit(self, key: str) -> str:
        """Digest of a rate limit's key: addresses are not stored in clear."""
        return self._digest("limit/v1", key)

    def _digest(self, label: str, text: str) -> str:
        return hmac.new(self._key, f"{label}|{text}".encode(), hashlib.sha256).hexdigest()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
