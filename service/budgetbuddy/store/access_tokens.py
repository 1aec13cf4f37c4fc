"""Personal access tokens: `PAT#{digest}` for whoever shows one, `PAT#{id}` below its user."""

from collections.abc import Sequence
from datetime import date

from budgetbuddy.domain.access import Scope
from budgetbuddy.domain.access_tokens import AccessToken, TokenStanding, require_room
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Context, Sealer, UserRef
from budgetbuddy.problems import NotFound
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Exists
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update

PREFIX = "PAT#"


class _Gone(Exception):  # noqa: N818 - states a fact
    """The token was revoked meanwhile."""

    def __init__(self, _: Item | None) -> None:
        super().__init__()


def shown_key(digest: str) -> Key:
    """Where whoever shows a token is looked up."""
    return Key(pk=f"{PREFIX}{digest}", sk="PAT")


def token_key(user_id: str, token_id: str) -> Key:
    """Where the owner finds it."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{token_id}")


def ended_tokens(store: Store, user: UserRef) -> tuple[Write, ...]:
    """The end of every token of a user: two writes each, at most forty."""
    rows = store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
    return tuple(write for row in rows for write in _ending(store, row))


def _ending(store: Store, row: Item) -> tuple[Write, Write]:
    return (
        delete(store.ledger.name, Key(pk=row["pk"], sk=row["sk"])),
        delete(store.ledger.name, shown_key(row["digest"])),
    )


class AccessTokenStore:
    """Implements `domain.access_tokens.AccessTokens`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[AccessToken]:
        """All, newest first, with the day they were last used."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX, forward=False)
        if not rows:
            return []
        used = self._store.batch_get([(self._store.ledger, shown_key(r["digest"])) for r in rows])
        return [self._decode(user, row, seen) for row, seen in zip(rows, used, strict=True)]

    def get(self, user: UserRef, token_id: str) -> AccessToken:
        """One."""
        row = self._row(user, token_id)
        return self._decode(user, row, self._store.ledger.get(shown_key(row["digest"])))

    def add(self, context: Context, token: AccessToken) -> AccessToken:
        """Both rows."""

        def plan(_: Head) -> Plan[AccessToken]:
            require_room(self.list(context.user))
            absent = (Absent("pk"),)
            return Plan(
                writes=(
                    put(self._store.ledger.name, self._owned(context.user, token), when=absent),
                    put(self._store.ledger.name, self._shown(context.user, token), when=absent),
                ),
                audit=AuditEntry(
                    event=Event.TOKEN_CREATED,
                    object=f"token:{token.id}",
                    details={"scopes": list(token.scopes), "expiresAt": token.expires_at},
                ),
                result=token,
            )

        return self._commands.run(context, plan)

    def revoke(self, context: Context, token_id: str) -> None:
        """Both rows go."""

        def plan(_: Head) -> Plan[None]:
            return Plan(
                writes=_ending(self._store, self._row(context.user, token_id)),
                audit=AuditEntry(event=Event.TOKEN_REVOKED, object=f"token:{token_id}"),
                result=None,
            )

        self._commands.run(context, plan)

    def standing(self, digest: str) -> TokenStanding | None:
        """One eventually consistent read."""
        row = self._store.ledger.get(shown_key(digest), consistent=False)
        if row is None:
            return None
        return TokenStanding(
            id=row["pat"],
            user=UserRef(id=row["uid"], subject=row["subject"]),
            scopes=frozenset(Scope(name) for name in row["scopes"]),
            expires_at=row["expiresAt"],
            last_used=_day(row),
        )

    def touch(self, digest: str, day: date) -> None:
        """A token that was revoked meanwhile stays so."""
        write = update(
            self._store.ledger.name,
            shown_key(digest),
            set_={"lastUsedDay": day.isoformat()},
            when=(Exists("pk"),),
            refuse=_Gone,
        )
        try:
            self._store.write(write)
        except _Gone:
            return

    def _row(self, user: UserRef, token_id: str) -> Item:
        key = token_key(user.id, require_id(Kind.ACCESS_TOKEN, token_id))
        row = self._store.ledger.get(key)
        if row is None:
            raise NotFound
        return row

    def _owned(self, user: UserRef, token: AccessToken) -> Item:
        key = token_key(user.id, token.id)
        personal = {"name": token.name, "shown": token.shown}
        return {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "digest": token.digest,
            "scopes": list(token.scopes),
            "createdAt": token.created_at,
            "expiresAt": token.expires_at,
            "x": seal_fields(self._sealer, user, self._store.ledger.place(key), personal),
        }

    def _shown(self, user: UserRef, token: AccessToken) -> Item:
        key = shown_key(token.digest)
        return {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "pat": token.id,
            "uid": user.id,
            "subject": user.subject,
            "scopes": list(token.scopes),
            "expiresAt": token.expires_at,
        }

    def _decode(self, user: UserRef, row: Item, seen: Item | None) -> AccessToken:
        key = Key(pk=row["pk"], sk=row["sk"])
        personal = open_fields(self._sealer, user, self._store.ledger.place(key), row["x"])
        return AccessToken(
            id=row["sk"].removeprefix(PREFIX),
            name=personal["name"],
            scopes=tuple(Scope(name) for name in row["scopes"]),
            shown=personal["shown"],
            digest=row["digest"],
            created_at=row["createdAt"],
            expires_at=row["expiresAt"],
            last_used=_day(seen or {}),
        )


def _day(row: Item) -> date | None:
    day = row.get("lastUsedDay")
    return date.fromisoformat(day) if day else None
