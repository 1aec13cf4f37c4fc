"""New passwords: profile, sessions and access tokens in one transaction."""

import math

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.credentials import RESET_TRIES, Reset
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.identity import CodeInvalid, InvalidCredentials, Profile, Session
from budgetbuddy.domain.ports import AuditEntry, Context, Sealer, UserRef
from budgetbuddy.domain.second_factor import Proof
from budgetbuddy.problems import Problem, SessionRevoked
from budgetbuddy.store.access_tokens import ended_tokens
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Compare, Equals, Exists
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.runtime import pointer_write
from budgetbuddy.store.second_factors import proof_write
from budgetbuddy.store.sessions import ended_sessions, session_key, session_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update


class _Spent(Exception):  # noqa: N818 - states a fact
    """No try is left, or there never was a reset."""

    def __init__(self, _: Item | None) -> None:
        super().__init__()


def reset_key(reset_id: str) -> Key:
    """Where a reset waits for its code."""
    return Key(pk=f"RST#{reset_id}", sk="RST")


class CredentialRows:
    """Implements `domain.credentials.CredentialStore`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def reauthenticate(self, context: Context, session: Session, proof: Proof | None) -> None:
        """The session's row, and the proof."""

        def plan(_: Head) -> Plan[None]:
            lifted = update(
                self._store.runtime.name,
                session_key(context.user.id, session.id),
                set_={"authTime": format_instant(session.auth_time), "amr": list(session.amr)},
                when=(Exists("pk"), Equals("epoch", session.epoch)),
                refuse=lambda _: SessionRevoked(),
            )
            entry = AuditEntry(event=Event.REAUTHENTICATED, object=f"session:{session.id}")
            return Plan(writes=(lifted, *self._proven(context, proof)), audit=entry, result=None)

        self._commands.run(context, plan)

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
        """The new hash, the new session; the others go."""

        def plan(_: Head) -> Plan[None]:
            tokens = ended_tokens(self._store, context.user) if revoke_tokens else ()
            return Plan(
                writes=(
                    self._new_hash(profile, password_hash, InvalidCredentials),
                    session_write(self._store, self._sealer, session),
                    *ended_sessions(self._store, context.user),
                    *self._proven(context, proof),
                    *tokens,
                ),
                audit=self._entry(Event.PASSWORD_CHANGED, context),
                result=None,
            )

        self._commands.run(context, plan)

    def keep(self, context: Context, reset: Reset) -> None:
        """A decoy has no audit trail to write to."""
        key = reset_key(reset.id)
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "uid": reset.user.id,
            "subject": reset.user.subject,
            "emailHash": reset.email_hash,
            "code": reset.code_hash,
            "epoch": reset.epoch,
            "decoy": reset.decoy,
            "tries": 0,
            "expiresAt": format_instant(reset.expires_at),
            "ttl": math.floor(reset.expires_at.timestamp()),
        }
        write = put(self._store.runtime.name, row)
        if reset.decoy:
            self._store.write(write)
            return
        found_by = pointer_write(self._store, reset.user.id, key, row["ttl"])
        entry = self._entry(Event.PASSWORD_RESET_REQUESTED, context)
        plan = Plan(writes=(write, found_by), audit=entry, result=None)
        self._commands.run(context, lambda _: plan)

    def try_code(self, reset_id: str) -> Reset | None:
        """Count one try before the code is looked at."""
        now = int(self._store.clock().timestamp())
        when = (Exists("pk"), Compare("tries", "<", RESET_TRIES), Compare("ttl", ">", now))
        key = reset_key(reset_id)
        count = update(self._store.runtime.name, key, add={"tries": 1}, when=when, refuse=_Spent)
        try:
            row = self._store.write(count)
        except _Spent:
            return None
        return Reset(
            id=reset_id,
            user=UserRef(id=row["uid"], subject=row["subject"]),
            email_hash=row["emailHash"],
            code_hash=row["code"],
            epoch=row["epoch"],
            decoy=row["decoy"],
            expires_at=parse_instant(row["expiresAt"]),
        )

    def reset(self, context: Context, profile: Profile, password_hash: str, reset: Reset) -> None:
        """The new hash; everything that the old one opened goes."""

        def plan(_: Head) -> Plan[None]:
            used_up = delete(
                self._store.runtime.name,
                reset_key(reset.id),
                when=(Exists("pk"),),
                refuse=lambda _: CodeInvalid(),
            )
            return Plan(
                writes=(
                    used_up,
                    self._new_hash(profile, password_hash, CodeInvalid),
                    *ended_sessions(self._store, context.user),
                    *ended_tokens(self._store, context.user),
                ),
                audit=self._entry(Event.PASSWORD_RESET, context),
                result=None,
            )

        self._commands.run(context, plan)

    def _new_hash(self, profile: Profile, password_hash: str, refused: type[Problem]) -> Write:
        return update(
            self._store.ledger.name,
            profile_key(profile.user.id),
            set_={"pw": password_hash, "epoch": profile.epoch + 1},
            when=(Exists("pk"), Equals("epoch", profile.epoch)),
            refuse=lambda _: refused(),
        )

    def _proven(self, context: Context, proof: Proof | None) -> tuple[Write, ...]:
        if proof is None:
            return ()
        return (proof_write(self._store, self._sealer, context.user, proof),)

    def _entry(self, event: Event, context: Context) -> AuditEntry:
        return AuditEntry(event=event, object=f"user:{context.user.id}")
