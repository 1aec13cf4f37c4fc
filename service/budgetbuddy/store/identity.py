"""Users in the ledger: profile, e-mail lock, registry; and their birth in one transaction."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from budgetbuddy.domain.audit import Event, Outcome
from budgetbuddy.domain.categories import default_categories
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.identity import (
    CodeInvalid,
    Origin,
    Profile,
    Registration,
    Session,
)
from budgetbuddy.domain.identity_ports import (
    UserKeys,
)
from budgetbuddy.domain.ports import AuditEntry, Change, Context, UserRef
from budgetbuddy.problems import VersionConflict
from budgetbuddy.store.categories import category_write
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import (
    EMPTY,
    Commands,
    Head,
    Plan,
    audit_row,
    audit_write,
    change_write,
    head_key,
)
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.profiles import decode_profile, load_profile, profile_key, profile_row
from budgetbuddy.store.registrations import (
    count_try,
    keep_registration,
    load_registration,
    registration_key,
)
from budgetbuddy.store.runtime import data_key_write
from budgetbuddy.store.sessions import session_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update

REGISTRY_SHARDS = 16  # partitions that the sweeps walk


def email_lock_key(email_hash: str) -> Key:
    """The row that makes an e-mail address unique."""
    return Key(pk=f"EMAIL#1#{email_hash}", sk="LOCK")


def shard_of(user_id: str) -> int:
    """Which part of a registry a user is in."""
    return sum(user_id.encode()) % REGISTRY_SHARDS


def registry_key(user_id: str) -> Key:
    """The user's row in the registry that sweeps walk."""
    return Key(pk=f"USERS#{shard_of(user_id):02d}", sk=user_id)


class UserStore:
    """Implements `domain.identity.Users`."""

    def __init__(self, store: Store, commands: Commands, keys: UserKeys) -> None:
        self._store = store
        self._commands = commands
        self._keys = keys

    def find(self, email_hash: str) -> Profile | None:
        """The user of this e-mail, by its lock."""
        lock = self._store.ledger.get(email_lock_key(email_hash))
        row = self._store.ledger.get(profile_key(lock["uid"])) if lock else None
        return decode_profile(self._store, self._keys, row) if row else None

    def exists(self, email_hash: str) -> bool:
        """Whether the e-mail is taken."""
        return self._store.ledger.get(email_lock_key(email_hash)) is not None

    def get(self, user: UserRef) -> Profile:
        """Raises `NotFound`."""
        return load_profile(self._store, self._keys, user)

    def keep(self, registration: Registration) -> None:
        """Store a registration, or its new code."""
        keep_registration(self._store, self._keys, registration)

    def pending(self, registration_id: str) -> Registration | None:
        """A registration that can still be confirmed."""
        return load_registration(self._store, self._keys, registration_id)

    def try_code(self, registration_id: str) -> bool:
        """Count one try."""
        return count_try(self._store, registration_id)

    def confirm(self, registration: Registration, session: Session, origin: Origin) -> Profile:
        """The birth of a user: 25 rows in one transaction, or none."""
        profile = Profile(
            user=registration.user,
            email=registration.email,
            email_hash=registration.email_hash,
            password_hash=registration.password_hash,
            preferences=registration.preferences,
            created_at=self._store.clock(),
        )
        context = origin.context(profile.user, session.id)
        entry = AuditEntry(event=Event.REGISTERED, object=f"user:{profile.user.id}")
        audit = audit_row(self._keys, self._store, context, EMPTY, entry)
        head: Item = {
            "pk": head_key(profile.user.id).pk,
            "sk": head_key(profile.user.id).sk,
            "v": 1,
            "seq": 1,
            "auditSeq": audit.seq,
            "auditHash": audit.hash(),
        }
        categories = default_categories(profile.user.id)
        changes = [
            Change(type="profile", id=profile.user.id, op="upsert", version=1),
            *(Change(type="category", id=c.id, op="upsert", version=1) for c in categories),
        ]
        writes = [
            self._lock(registration),
            self._used_up(registration),
            put(
                self._store.ledger.name,
                profile_row(self._store, self._keys, profile),
                when=(Absent("pk"),),
            ),
            put(self._store.ledger.name, head, when=(Absent("pk"),)),
            put(self._store.ledger.name, self._registry_row(profile)),
            *(
                category_write(self._store, self._keys, profile.user, category, read=None)
                for category in categories
            ),
            data_key_write(self._store, profile.user, registration.wrapped_key),
            session_write(self._store, self._keys, session),
            audit_write(self._store, audit),
            change_write(self._store, profile.user.id, 1, tuple(changes)),
        ]
        self._commands.commit(writes)
        return profile

    def _lock(self, registration: Registration) -> Write:
        key = email_lock_key(registration.email_hash)
        row: Item = {"pk": key.pk, "sk": key.sk, "v": 1, "uid": registration.user.id}
        when = (Absent("pk"),)
        return put(self._store.ledger.name, row, when=when, refuse=lambda _: CodeInvalid())

    def _used_up(self, registration: Registration) -> Write:
        return delete(
            self._store.runtime.name,
            registration_key(registration.id),
            when=(Exists("pk"), Equals("code", registration.code_hash)),
            refuse=lambda _: CodeInvalid(),
        )

    def _registry_row(self, profile: Profile) -> Item:
        key = registry_key(profile.user.id)
        created = format_instant(profile.created_at)
        return {"pk": key.pk, "sk": key.sk, "v": 1, "createdAt": created}

    def rehash(self, profile: Profile, password_hash: str) -> None:
        """Replace the hash if it is still the one that was verified; else the newer one stays."""

        def plan(_: Head) -> Plan[None]:
            write = update(
                self._store.ledger.name,
                profile_key(profile.user.id),
                set_={"pw": password_hash},
                when=(Exists("pk"), Equals("pw", profile.password_hash)),
            )
            entry = AuditEntry(event=Event.PASSWORD_REHASHED, object=f"user:{profile.user.id}")
            return Plan(writes=(write,), audit=entry, result=None)

        context = Context(user=profile.user, request_id="rehash", actor="system")
        self._commands.run(context, plan)

    def change(self, context: Context, version: int, fields: Mapping[str, Any]) -> Profile:
        """Replace preferences."""

        def plan(_: Head) -> Plan[Profile]:
            profile = self.get(context.user)
            if profile.version != version:
                raise VersionConflict(profile.version)
            preferences = replace(profile.preferences, **fields)
            changed = replace(profile, preferences=preferences, version=version + 1)
            key = profile_key(context.user.id)
            row = profile_row(self._store, self._keys, changed)
            kept = {name: value for name, value in row.items() if name not in {"pk", "sk"}}
            write = update(
                self._store.ledger.name,
                key,
                set_=kept,
                when=(Exists("pk"), Equals("version", version), Equals("epoch", profile.epoch)),
            )
            return Plan(
                writes=(write,),
                changes=(
                    Change(
                        type="profile", id=context.user.id, op="upsert", version=changed.version
                    ),
                ),
                audit=AuditEntry(
                    event=Event.USER_UPDATED,
                    object=f"user:{context.user.id}",
                    details={"fields": sorted(fields)},
                ),
                result=changed,
            )

        return self._commands.run(context, plan)

    def login_failed(self, context: Context, *, locked: bool) -> None:
        """Leave an audit row; the last failure before the lock says so."""
        event = Event.LOCKED if locked else Event.LOGIN_FAILED
        entry = AuditEntry(event=event, object=f"user:{context.user.id}", outcome=Outcome.FAILURE)
        self._commands.run(context, lambda _: Plan(audit=entry, result=None))
