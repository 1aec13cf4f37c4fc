"""Registration: nothing of a person is in the ledger until the mailed code came back.

Known and unknown e-mails get the same answer, the same work and one mail each.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from budgetbuddy.domain.identity import (
    CODE_LIFE,
    MAILS_PER_REGISTRATION,
    CodeInvalid,
    Origin,
    Preferences,
    Registration,
    SignedIn,
)
from budgetbuddy.domain.identity_ports import (
    Lookups,
    Mail,
    Passwords,
    UserKeys,
    Users,
)
from budgetbuddy.domain.ids import Kind, base32, make_id
from budgetbuddy.domain.ports import Clock, UserRef
from budgetbuddy.domain.sessions import SessionIssuer

CODE_CHARACTERS = 8
_CODE_BITS = 5 * CODE_CHARACTERS
_ID_BYTES = 16

WELCOME = """Hello,

your BudgetBuddy confirmation code is {code}

It is good for 15 minutes. If you did not ask for it, ignore this mail: nothing was created.
"""
KNOWN = """Hello,

somebody, perhaps you, tried to register with this e-mail address. It has an account already:
sign in, or set a new password. If it was not you, ignore this mail.
"""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What a client that registers is told."""

    registration_id: str
    expires_at: datetime


class Registrations:
    """The use cases register, resend and confirm."""

    def __init__(  # noqa: PLR0913 - one argument a port
        self,
        *,
        users: Users,
        keys: UserKeys,
        passwords: Passwords,
        lookups: Lookups,
        mail: Mail,
        issuer: SessionIssuer,
        clock: Clock,
        make_code: Callable[[], str] | None = None,
    ) -> None:
        self._users = users
        self._keys = keys
        self._passwords = passwords
        self._lookups = lookups
        self._mail = mail
        self._issuer = issuer
        self._clock = clock
        self._make_code = make_code or mailed_code

    def register(self, email: str, password: str, preferences: Preferences) -> Pending:
        """Start a registration; raises `PasswordTooWeak`."""
        local_part = email.partition("@")[0]
        self._passwords.require_strong(password, known=(local_part, preferences.display_name))
        email_hash = self._lookups.email(email)
        is_known = self._users.exists(email_hash)
        user = UserRef(id=make_id(Kind.USER), subject=secrets.token_hex(16))
        registration_id, code = secrets.token_urlsafe(_ID_BYTES), self._make_code()
        registration = Registration(
            id=registration_id,
            user=user,
            wrapped_key=self._keys.create_key(user),
            email=email,
            email_hash="" if is_known else email_hash,  # a decoy leads to nobody
            password_hash=self._passwords.hash(password),
            preferences=preferences,
            code_hash=self._lookups.code(registration_id, code),
            decoy=is_known,
            expires_at=self._clock() + CODE_LIFE,
        )
        self._users.keep(registration)
        self._send(registration, code)
        return Pending(registration_id=registration_id, expires_at=registration.expires_at)

    def resend(self, registration_id: str) -> Pending:
        """A new code, at most three mails in all; an unknown id answers the same."""
        expires_at = self._clock() + CODE_LIFE
        found = self._users.pending(registration_id)
        if found is not None and found.mails < MAILS_PER_REGISTRATION:
            code = self._make_code()
            renewed = replace(
                found,
                code_hash=self._lookups.code(found.id, code),
                expires_at=expires_at,
                mails=found.mails + 1,
            )
            self._users.keep(renewed)
            self._send(renewed, code)
        return Pending(registration_id=registration_id, expires_at=expires_at)

    def confirm(self, registration_id: str, code: str, origin: Origin) -> SignedIn:
        """Make the user and sign them in; raises `CodeInvalid`."""
        if not self._users.try_code(registration_id):
            raise CodeInvalid
        found = self._users.pending(registration_id)
        given = self._lookups.code(registration_id, code.strip().upper())
        if found is None or not secrets.compare_digest(found.code_hash, given) or found.decoy:
            raise CodeInvalid
        self._keys.adopt_key(found.user, found.wrapped_key)
        token, session = self._issuer.new(found.user, epoch=1, origin=origin, device_name="")
        profile = self._users.confirm(found, session, origin)
        return self._issuer.signed_in(profile, session, token)

    def _send(self, registration: Registration, code: str) -> None:
        if registration.decoy:
            self._mail.send(registration.email, "Your BudgetBuddy account", KNOWN)
        else:
            text = WELCOME.format(code=code)
            self._mail.send(registration.email, "Your BudgetBuddy confirmation code", text)


def mailed_code() -> str:
    """Eight characters that are told apart in every typeface."""
    return base32(secrets.randbits(_CODE_BITS), CODE_CHARACTERS).upper()
