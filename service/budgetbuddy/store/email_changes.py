"""Changes of e-mail addresses: `EC#{id}` below the user on the Runtime table, for 15 minutes."""

import math
from dataclasses import replace

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.email_change import EmailChange, EmailUnavailable
from budgetbuddy.domain.identity import CODE_TRIES, CodeInvalid, Profile
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Compare, Equals, Exists
from budgetbuddy.store.identity import email_lock_key
from budgetbuddy.store.profiles import load_profile, profile_key, profile_row
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update


class _Spent(Exception):  # noqa: N818 - states a fact
    """No try is left, or there never was a change."""

    def __init__(self, _: Item | None) -> None:
        super().__init__()


def change_key(user_id: str, change_id: str) -> Key:
    """Where a change waits: below its user, so that it is erased with them."""
    return Key(pk=f"U#{user_id}", sk=f"EC#{change_id}")


class EmailChangeRows:
    """Implements `domain.email_change.EmailChanges`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def keep(self, context: Context, change: EmailChange) -> None:
        """The row with five tries, and the audit row."""
        key = change_key(context.user.id, change.id)
        place = self._store.runtime.place(key)
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "emailHash": change.email_hash,
            "code": change.code_hash,
            "decoy": change.decoy,
            "tries": 0,
            "expiresAt": format_instant(change.expires_at),
            "ttl": math.floor(change.expires_at.timestamp()),
            "x": seal_fields(self._sealer, context.user, place, {"email": change.email}),
        }
        write = put(self._store.runtime.name, row, when=(Absent("pk"),))
        entry = self._entry(context, Event.EMAIL_CHANGE_REQUESTED)
        self._commands.run(context, lambda _: Plan(writes=(write,), audit=entry, result=None))

    def try_code(self, context: Context, change_id: str) -> EmailChange | None:
        """Count one try before the code is looked at."""
        key, now = change_key(context.user.id, change_id), int(self._store.clock().timestamp())
        when = (Exists("pk"), Compare("tries", "<", CODE_TRIES), Compare("ttl", ">", now))
        count = update(self._store.runtime.name, key, add={"tries": 1}, when=when, refuse=_Spent)
        try:
            row = self._store.write(count)
        except _Spent:
            return None
        place = self._store.runtime.place(key)
        return EmailChange(
            id=change_id,
            email=open_fields(self._sealer, context.user, place, row["x"])["email"],
            email_hash=row["emailHash"],
            code_hash=row["code"],
            decoy=row["decoy"],
            expires_at=parse_instant(row["expiresAt"]),
        )

    def confirm(self, context: Context, change: EmailChange) -> Profile:
        """The new lock for the old one, and the profile that names it."""

        def plan(_: Head) -> Plan[Profile]:
            old = load_profile(self._store, self._sealer, context.user)
            new = replace(
                old, email=change.email, email_hash=change.email_hash, version=old.version + 1
            )
            changes = (
                Change(type="profile", id=context.user.id, op="upsert", version=new.version),
            )
            return Plan(
                writes=self._swap(context, change, old, new),
                changes=changes,
                audit=self._entry(context, Event.EMAIL_CHANGED),
                result=new,
            )

        return self._commands.run(context, plan)

    def _swap(
        self, context: Context, change: EmailChange, old: Profile, new: Profile
    ) -> tuple[Write, ...]:
        ledger, user_id = self._store.ledger.name, context.user.id
        lock = email_lock_key(new.email_hash)
        row = profile_row(self._store, self._sealer, new)
        return (
            delete(
                self._store.runtime.name,
                change_key(user_id, change.id),
                when=(Exists("pk"),),
                refuse=lambda _: CodeInvalid(),
            ),
            put(
                ledger,
                {"pk": lock.pk, "sk": lock.sk, "v": 1, "uid": user_id},
                when=(Absent("pk"),),
                refuse=lambda _: EmailUnavailable(),
            ),
            delete(ledger, email_lock_key(old.email_hash), when=(Equals("uid", user_id),)),
            update(
                ledger,
                profile_key(user_id),
                set_={name: row[name] for name in ("x", "emailHash", "version")},
                when=(Exists("pk"), Equals("version", old.version), Equals("epoch", old.epoch)),
            ),
        )

    def _entry(self, context: Context, event: Event) -> AuditEntry:
        return AuditEntry(event=event, object=f"user:{context.user.id}")
