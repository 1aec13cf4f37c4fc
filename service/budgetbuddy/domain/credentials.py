"""Passwords after registration: shown again, changed, forgotten and set anew.

A new password ends every session that the old one opened. A reset proves control of the mailbox
and nothing more: it opens no session and leaves the second factor on.
"""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from budgetbuddy.domain.access import Limits
from budgetbuddy.domain.identity import (
    BY_PASSWORD,
    BY_TWO_FACTORS,
    CODE_LIFE,
    CodeInvalid,
    InvalidCredentials,
    Origin,
    PasswordReused,
    Profile,
    Session,
    SignedIn,
    Status,
)
from budgetbuddy.domain.identity_ports import (
    Lookups,
    Mail,
    Passwords,
    SessionStore,
    UserKeys,
    Users,
)
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.domain.registration import mailed_code
from budgetbuddy.domain.second_factor import MfaCodeInvalid, Proof
from budgetbuddy.domain.sessions import SessionIssuer
from budgetbuddy.domain.sign_in import CodeChecks
from budgetbuddy.problems import RateLimited, SessionRevoked, TooManyAttempts

RESET_TRIES: Final = 3
_ID_BYTES: Final = 16

RESET = """Hello,

the code to set a new BudgetBuddy password is {code}

It is good for 15 minutes. If you did not ask for it, ignore this mail: nothing has changed.
"""
UNKNOWN = """Hello,

somebody, perhaps you, asked for a new BudgetBuddy password for this e-mail address. There is no
account with it: perhaps you registered with another one. If it was not you, ignore this mail.
"""


@dataclass(frozen=True, kw_only=True)
class Reset:
    """A new password on its way. A decoy stands for an e-mail that nobody has."""

    id: str
    user: UserRef
    email_hash: str  # of the mailbox that got the code: once the user has left it, it is no good
    code_hash: str = field(repr=False)
    epoch: int  # of the password that is forgotten: a newer one needs another reset
    decoy: bool
    expires_at: datetime


class CredentialStore(Protocol):
    """Where new passwords are written."""

    def reauthenticate(self, context: Context, session: Session, proof: Proof | None) -> None:
        """Store how and when the session's user was authenticated, and use up the proof."""

    def change(  # noqa: PLR0913 - what one transaction changes
        self,
        context: Context,
        profile: Profile,
        password_hash: str,
        *,
        session: Session,
        proof: Proof | None,
        revoke_tokens: bool,
    ) -> None:
        """The new hash and `session` as the only one, with the epoch raised.

        Raises `InvalidCredentials` when the password was changed meanwhile.
        """

    def keep(self, context: Context, reset: Reset) -> None:
        """Store a reset and leave an audit row, but for decoys."""

    def try_code(self, reset_id: str) -> Reset | None:
        """Count one try; `None` when none is left."""

    def reset(self, context: Context, profile: Profile, password_hash: str, reset: Reset) -> None:
        """The new hash with the epoch raised; sessions and access tokens end.

        Raises `CodeInvalid` when the code was used meanwhile.
        """


class Credentials:
    """The use cases reauthenticate, change, forgot and reset."""

    def __init__(  # noqa: PLR0913 - one argument a port
        self,
        *,
        users: Users,
        sessions: SessionStore,
        store: CredentialStore,
        checks: CodeChecks,
        issuer: SessionIssuer,
        keys: UserKeys,
        passwords: Passwords,
        lookups: Lookups,
        limits: Limits,
        mail: Mail,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._store = store
        self._checks = checks
        self._issuer = issuer
        self._keys = keys
        self._passwords = passwords
        self._lookups = lookups
        self._limits = limits
        self._mail = mail
        self._clock = clock

    def reauthenticate(self, context: Context, password: str, code: str | None) -> str:
        """A new access token for the session: password and second factor were shown just now."""
        found = self._sessions.find(context.user.id, context.session_id or "")
        if found is None:
            raise SessionRevoked
        profile, session = found
        proof = self._prove(context, profile, password, code)
        amr = BY_TWO_FACTORS if proof else BY_PASSWORD
        session = replace(session, auth_time=self._clock(), amr=amr)
        self._store.reauthenticate(context, session, proof)
        return self._issuer.access_token(profile, session)

    def confirm(self, context: Context, password: str, code: str | None) -> None:
        """Raises `InvalidCredentials`, `MfaCodeInvalid` unless it is the user who asks."""
        self._prove(context, self._users.get(context.user), password, code)

    def change(  # noqa: PLR0913 - the fields of the request
        self,
        context: Context,
        current: str,
        new: str,
        code: str | None,
        origin: Origin,
        *,
        revoke_tokens: bool,
    ) -> SignedIn:
        """Replace the password; the answer's session is the only one left."""
        profile = self._users.get(context.user)
        proof = self._prove(context, profile, current, code)
        self._require_strong(profile, new)
        if self._passwords.verify(profile.password_hash, new):
            raise PasswordReused
        token, session = self._issuer.new(
            context.user,
            epoch=profile.epoch + 1,
            origin=origin,
            device_name="",
            amr=BY_TWO_FACTORS if proof else BY_PASSWORD,
        )
        self._store.change(
            context,
            profile,
            self._passwords.hash(new),
            session=session,
            proof=proof,
            revoke_tokens=revoke_tokens,
        )
        return self._issuer.signed_in(replace(profile, epoch=profile.epoch + 1), session, token)

    def _prove(
        self, context: Context, profile: Profile, password: str, code: str | None
    ) -> Proof | None:
        """Password and, when it is on, second factor; failures count as those of a log-in."""
        self._limits.require_below("login-account", profile.email_hash)
        if not self._passwords.verify(profile.password_hash, password):
            quota = self._limits.take("login-account", profile.email_hash)
            self._users.login_failed(context, locked=quota.remaining == 0)
            if quota.remaining == 0:
                raise TooManyAttempts(quota.reset_seconds)
            raise InvalidCredentials
        if not profile.mfa:
            return None
        if code is None:
            raise MfaCodeInvalid("this user has a second factor: mfaCode is needed")
        return self._checks.prove(profile, code)

    def forgot(self, email: str, origin: Origin) -> tuple[str, datetime]:
        """Id and expiry of a reset: the same whether or not somebody has the e-mail."""
        reset_id, code = secrets.token_urlsafe(_ID_BYTES), mailed_code()
        expires_at = self._clock() + CODE_LIFE
        email_hash = self._lookups.email(email)
        try:
            self._limits.take("recover-account", email_hash)
        except RateLimited:
            return reset_id, expires_at
        profile = self._users.find(email_hash)
        reset = Reset(
            id=reset_id,
            user=profile.user if profile else self._nobody(),
            email_hash=email_hash,
            code_hash=self._lookups.code(reset_id, code),
            epoch=profile.epoch if profile else 0,
            decoy=profile is None or profile.status is not Status.ACTIVE,
            expires_at=expires_at,
        )
        self._store.keep(origin.context(reset.user), reset)
        # To the address as it was confirmed: another spelling could be another's mailbox.
        address = profile.email if profile else email
        text = UNKNOWN if reset.decoy else RESET.format(code=code)
        self._mail.send(address, "Your BudgetBuddy password", text)
        return reset_id, expires_at

    def _nobody(self) -> UserRef:
        """Someone who is looked up as long as a user is."""
        user = UserRef(id=make_id(Kind.USER), subject=secrets.token_hex(16))
        self._keys.create_key(user)
        return user

    def reset(self, reset_id: str, code: str, new: str, origin: Origin) -> None:
        """Set a new password; raises `PasswordTooWeak`, `CodeInvalid`."""
        self._passwords.require_strong(new, known=())  # before a try is used up
        found = self._store.try_code(reset_id)
        given = self._lookups.code(reset_id, code.strip().upper())
        if found is None or not secrets.compare_digest(found.code_hash, given) or found.decoy:
            raise CodeInvalid
        profile = self._users.get(found.user)
        if (profile.epoch, profile.email_hash) != (found.epoch, found.email_hash):
            raise CodeInvalid
        self._require_strong(profile, new)
        context = origin.context(found.user)
        self._store.reset(context, profile, self._passwords.hash(new), found)

    def _require_strong(self, profile: Profile, password: str) -> None:
        known = (profile.email.partition("@")[0], profile.preferences.display_name)
        self._passwords.require_strong(password, known=known)
