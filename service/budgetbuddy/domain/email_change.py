"""Another e-mail address: asked for with all factors, and true once a code came back from it.

An address that somebody has already is answered like any other; it only never gets a code.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from budgetbuddy.domain.identity import CODE_LIFE, CodeInvalid, Profile
from budgetbuddy.domain.identity_ports import Lookups, Mail, Users
from budgetbuddy.domain.ports import Clock, Context
from budgetbuddy.domain.registration import mailed_code
from budgetbuddy.problems import Conflict

_ID_BYTES: Final = 16

CODE = """Hello,

the code to use this e-mail address for your BudgetBuddy account is {code}

It is good for 15 minutes. If you did not ask for it, ignore this mail: nothing has changed.
"""
TAKEN = """Hello,

somebody, perhaps you, wants to use this e-mail address for another BudgetBuddy account. It has an
account already. If it was not you, ignore this mail: nothing has changed.
"""
NOTICE = """Hello,

somebody, perhaps you, wants to use another e-mail address for your BudgetBuddy account. If it was
not you, change your password now: that ends all sessions.
"""


class EmailUnavailable(Conflict):
    """Somebody else confirmed the address first."""

    code = "email_unavailable"
    title = "The e-mail address is in use"


@dataclass(frozen=True, kw_only=True)
class EmailChange:
    """A change that waits for its code. A decoy stands for an address that is taken."""

    id: str
    email: str
    email_hash: str
    code_hash: str = field(repr=False)
    decoy: bool
    expires_at: datetime


class EmailChanges(Protocol):
    """Where changes wait, and where they come true."""

    def keep(self, context: Context, change: EmailChange) -> None:
        """Store a change and leave an audit row."""

    def try_code(self, context: Context, change_id: str) -> EmailChange | None:
        """Count one try of the user's own change; `None` when none is left."""

    def confirm(self, context: Context, change: EmailChange) -> Profile:
        """Swap the locks and the address in one transaction.

        Raises `EmailUnavailable`, and `CodeInvalid` when the code was used meanwhile.
        """


class EmailAddresses:
    """The use cases request and confirm."""

    def __init__(
        self, *, users: Users, changes: EmailChanges, lookups: Lookups, mail: Mail, clock: Clock
    ) -> None:
        self._users = users
        self._changes = changes
        self._lookups = lookups
        self._mail = mail
        self._clock = clock

    def request(self, context: Context, email: str) -> tuple[str, datetime]:
        """Id and expiry of a change: the same whether or not somebody has the address."""
        change_id, code = secrets.token_urlsafe(_ID_BYTES), mailed_code()
        profile, email_hash = self._users.get(context.user), self._lookups.email(email)
        change = EmailChange(
            id=change_id,
            email=email,
            email_hash=email_hash,
            code_hash=self._lookups.code(change_id, code),
            decoy=self._users.exists(email_hash),
            expires_at=self._clock() + CODE_LIFE,
        )
        self._changes.keep(context, change)
        text = TAKEN if change.decoy else CODE.format(code=code)
        self._mail.send(email, "Your BudgetBuddy e-mail address", text)
        self._mail.send(profile.email, "Your BudgetBuddy e-mail address", NOTICE)
        return change_id, change.expires_at

    def confirm(self, context: Context, change_id: str, code: str) -> Profile:
        """The profile with its new address. Raises `CodeInvalid`, `EmailUnavailable`."""
        found = self._changes.try_code(context, change_id)
        given = self._lookups.code(change_id, code.strip().upper())
        if found is None or not secrets.compare_digest(found.code_hash, given) or found.decoy:
            raise CodeInvalid
        return self._changes.confirm(context, found)
