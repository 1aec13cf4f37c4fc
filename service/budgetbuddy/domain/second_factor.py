"""The second factor: one-time codes of an app, and backup codes for the day the phone is lost.

Once it is on, nobody gets a session by password alone: log-in answers with a challenge, and every
way around it is closed (a reset changes the password only, older sessions end, and whoever signs
in again or changes the password shows a code as well).
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.identity import Origin, Profile, Session
from budgetbuddy.domain.ids import base32
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Conflict, Forbidden, Unauthorized

CHALLENGE_LIFE: Final = timedelta(minutes=5)
CHALLENGE_TRIES: Final = 5
ENROLMENT_LIFE: Final = timedelta(minutes=10)
BACKUP_CODES: Final = 10
BACKUP_CODE_CHARACTERS: Final = 8
_ONE_TIME_CODE = re.compile(r"[0-9]{6}")


class MfaCodeInvalid(Unauthorized):
    """Wrong, missing, or used before: the client cannot tell which."""

    code = "mfa_code_invalid"
    title = "The code of the second factor is not valid"


class MfaChallengeExpired(Unauthorized):
    """Too late, too many tries, or never issued."""

    code = "mfa_challenge_expired"
    title = "The log-in has to start again"


class MfaAlreadyEnabled(Conflict):
    """One second factor a user."""

    code = "mfa_already_enabled"
    title = "A second factor is on already"


class MfaNotEnabled(Conflict):
    """There is nothing to confirm, to switch off or to renew."""

    code = "mfa_not_enabled"
    title = "No second factor is on its way or on"


class MfaMandatoryForRole(Forbidden):
    """Whoever can see others' data keeps the second factor."""

    code = "mfa_mandatory_for_role"
    title = "The role of this user needs the second factor"


class Method(StrEnum):
    """How the second factor is shown."""

    TOTP = "totp"
    BACKUP_CODE = "backup_code"


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A user's second factor. A code is good for a time step after `last_step` only."""

    secret: bytes = field(repr=False)
    last_step: int
    codes: frozenset[str] = field(repr=False)  # digests of the backup codes that are left
    enrolled_at: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a good code uses up: a time step, or the digest of a backup code."""

    step: int | None = None
    code: str | None = None

    @property
    def method(self) -> Method:
        """How it was shown."""
        return Method.TOTP if self.code is None else Method.BACKUP_CODE


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A log-in whose password was right; `digest` is what is stored of its token."""

    user: UserRef
    digest: str
    epoch: int
    device_name: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Challenged:
    """What a client is told that has to show a code."""

    token: str = field(repr=False)
    seconds: int = int(CHALLENGE_LIFE.total_seconds())


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """A secret on its way into an app; `secret` is base32 (RFC 4648)."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    expires_at: datetime


class OneTimeCodes(Protocol):
    """RFC 6238."""

    def new_secret(self) -> bytes:
        """Random bytes."""

    def step_of(self, secret: bytes, code: str, now: datetime) -> int | None:
        """The time step that `code` belongs to, one before or after included; else `None`."""

    def uri(self, secret: bytes, account: str) -> tuple[str, str]:
        """The secret in base32, and the `otpauth:` URI that apps read from a picture."""


class Factors(Protocol):
    """Second factors and what leads to them."""

    def find(self, user: UserRef) -> Factor | None:
        """The factor that is on."""

    def hold(self, user: UserRef, secret: bytes) -> None:
        """Keep a secret that is not confirmed yet, for ten minutes."""

    def held(self, user: UserRef) -> bytes | None:
        """That secret."""

    def enrol(self, context: Context, factor: Factor) -> None:
        """Switch it on and end all other sessions. Raises `MfaAlreadyEnabled`."""

    def disable(self, context: Context, proof: Proof) -> None:
        """Switch it off and end all other sessions. Raises `MfaCodeInvalid` for a used proof."""

    def renew(self, context: Context, proof: Proof, codes: frozenset[str]) -> None:
        """Replace the backup codes. Raises `MfaCodeInvalid` for a used proof."""

    def challenge(self, challenge: Challenge) -> None:
        """Keep a challenge."""

    def try_challenge(self, digest: str) -> Challenge | None:
        """Count one try; `None` when none is left."""

    def sign_in(self, context: Context, session: Session, proof: Proof, digest: str) -> None:
        """Use up proof and challenge and start the session, in one transaction.

        Raises `MfaCodeInvalid` for a used proof, `MfaChallengeExpired` for a used challenge.
        """

    def failed(self, context: Context) -> None:
        """Leave an audit row."""


def new_backup_codes() -> tuple[str, ...]:
    """Ten codes, shown once."""
    bits = 5 * BACKUP_CODE_CHARACTERS
    return tuple(
        base32(secrets.randbits(bits), BACKUP_CODE_CHARACTERS).upper() for _ in range(BACKUP_CODES)
    )


def method_of(code: str) -> Method:
    """Six digits are of the app; everything else would be a backup code."""
    return Method.TOTP if _ONE_TIME_CODE.fullmatch(code) else Method.BACKUP_CODE


def used(factor: Factor, proof: Proof) -> Factor:
    """The factor after a proof, which is good once. Raises `MfaCodeInvalid`."""
    if proof.step is not None and proof.step > factor.last_step:
        return Factor(**{**vars(factor), "last_step": proof.step})
    if proof.code is not None and proof.code in factor.codes:
        return Factor(**{**vars(factor), "codes": factor.codes - {proof.code}})
    raise MfaCodeInvalid


def require_optional(profile: Profile) -> None:
    """Raises `MfaMandatoryForRole`."""
    if profile.roles:
        raise MfaMandatoryForRole


def context_of(origin: Origin, challenge: Challenge, session_id: str | None = None) -> Context:
    """The acting user once the password was right."""
    return origin.context(challenge.user, session_id)
