"""Session families, on the Runtime table: `S#{id}` below the user, 30 days after the last use."""

import math
from collections.abc import Sequence

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.identity import (
    MAX_SESSIONS,
    Profile,
    Session,
    Standing,
    Status,
)
from budgetbuddy.domain.ports import AuditEntry, Context, Sealer, UserRef
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.profiles import decode_profile, profile_key
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update

PREFIX = "S#"


class _Raced(Exception):  # noqa: N818 - states a fact
    """Another request rotated the tokens first."""

    def __init__(self, _: Item | None) -> None:
        super().__init__()


def session_key(user_id: str, session_id: str) -> Key:
    """Where a session lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{session_id}")


def session_write(store: Store, sealer: Sealer, session: Session) -> Write:
    """Put a new session; device and network sealed."""
    key = session_key(session.user.id, session.id)
    personal = {"device": session.device_name, "network": session.network}
    row: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "hash": session.token_hash,
        "prev": session.previous_hash,
        "rotatedAt": format_instant(session.rotated_at),
        "authTime": format_instant(session.auth_time),
        "createdAt": format_instant(session.created_at),
        "expiresAt": format_instant(session.expires_at),
        "ttl": math.floor(session.expires_at.timestamp()),
        "epoch": session.epoch,
        "amr": list(session.amr),
        "x": seal_fields(sealer, session.user, store.runtime.place(key), personal),
    }
    return put(store.runtime.name, row, when=(Absent("pk"),))


def overdue_sessions(store: Store, user: UserRef) -> tuple[Write, ...]:
    """The end of the oldest sessions, so that one more is within the cap."""
    return _endings(store, _rows(store, user)[MAX_SESSIONS - 1 :])


def ended_sessions(store: Store, user: UserRef, *, keep: str = "") -> tuple[Write, ...]:
    """The end of all sessions but the one to keep, if any."""
    kept = f"{PREFIX}{keep}"
    return _endings(store, [row for row in _rows(store, user) if row["sk"] != kept])


def _rows(store: Store, user: UserRef) -> list[Item]:
    """Living sessions, newest first."""
    return store.runtime.query(f"U#{user.id}", begins_with=PREFIX, forward=False)


def _endings(store: Store, rows: Sequence[Item]) -> tuple[Write, ...]:
    return tuple(delete(store.runtime.name, Key(pk=row["pk"], sk=row["sk"])) for row in rows)


class SessionRows:
    """Implements `domain.identity.SessionStore`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def find(self, user_id: str, session_id: str) -> tuple[Profile, Session] | None:
        """A living session and its user."""
        profile, session = self._store.batch_get(
            [
                (self._store.ledger, profile_key(user_id)),
                (self._store.runtime, session_key(user_id, session_id)),
            ]
        )
        if profile is None or session is None:
            return None
        user = UserRef(id=user_id, subject=profile["subject"])
        decoded = decode_profile(self._store, self._sealer, profile)
        return decoded, self._decode(user, session)

    def list(self, user: UserRef) -> Sequence[Session]:
        """Living sessions, newest first."""
        return [self._decode(user, row) for row in _rows(self._store, user)]

    def start(self, context: Context, session: Session) -> None:
        """A new session; the oldest beyond the cap end in the same transaction."""

        def plan(_: Head) -> Plan[None]:
            return Plan(
                writes=(
                    session_write(self._store, self._sealer, session),
                    *overdue_sessions(self._store, context.user),
                ),
                audit=AuditEntry(event=Event.LOGIN, object=f"session:{session.id}"),
                result=None,
            )

        self._commands.run(context, plan)

    def rotate(self, session: Session, *, read: Session) -> bool:
        """Replace the tokens if they are still those that were read."""
        write = update(
            self._store.runtime.name,
            session_key(session.user.id, session.id),
            set_={
                "hash": session.token_hash,
                "prev": session.previous_hash,
                "rotatedAt": format_instant(session.rotated_at),
                "expiresAt": format_instant(session.expires_at),
                "ttl": math.floor(session.expires_at.timestamp()),
            },
            when=(Exists("pk"), Equals("hash", read.token_hash)),
            refuse=_Raced,
        )
        try:
            self._store.write(write)
        except _Raced:
            return False
        return True

    def end(self, context: Context, session_ids: Sequence[str], *, event: str) -> None:
        """Remove sessions, at most the cap of a user at once."""

        def plan(_: Head) -> Plan[None]:
            return Plan(
                writes=tuple(self._removal(context.user, gone) for gone in session_ids),
                audit=AuditEntry(
                    event=Event(event),
                    object=f"session:{session_ids[0]}",
                    details={"sessions": list(session_ids)},
                ),
                result=None,
            )

        self._commands.run(context, plan)

    def _removal(self, user: UserRef, session_id: str) -> Write:
        return delete(self._store.runtime.name, session_key(user.id, session_id))

    def _decode(self, user: UserRef, row: Item) -> Session:
        key = Key(pk=row["pk"], sk=row["sk"])
        personal = open_fields(self._sealer, user, self._store.runtime.place(key), row["x"])
        return Session(
            id=row["sk"].removeprefix(PREFIX),
            user=user,
            token_hash=row["hash"],
            previous_hash=row["prev"],
            rotated_at=parse_instant(row["rotatedAt"]),
            auth_time=parse_instant(row["authTime"]),
            created_at=parse_instant(row["createdAt"]),
            expires_at=parse_instant(row["expiresAt"]),
            epoch=row["epoch"],
            amr=tuple(row["amr"]),
            device_name=personal["device"],
            network=personal["network"],
        )


class StandingRows:
    """Implements `domain.identity.Standings`: both rows in one eventually consistent read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, user_id: str, session_id: str) -> Standing | None:
        """`None` when user or session is gone."""
        profile, session = self._store.batch_get(
            [
                (self._store.ledger, profile_key(user_id)),
                (self._store.runtime, session_key(user_id, session_id)),
            ],
            consistent=False,
        )
        if profile is None or session is None:
            return None
        return Standing(
            is_current=session["epoch"] == profile["epoch"],
            status=Status(profile["status"]),
            roles=tuple(profile["roles"]),
            mfa=profile["mfa"],
        )
