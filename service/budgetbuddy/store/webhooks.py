"""Webhook rows, `W#{id}` below the user; address and secrets sealed.

`HOOKS#{shard}` lists the users who have any: what the sweep walks. Their head counts their hooks,
so that nobody else's commits are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from budgetbuddy.domain import webhooks as rules
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Context, Sealer, UserRef
from budgetbuddy.domain.webhooks import DisabledReason, EventType, Secret, Webhook
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.identity import shard_of
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update

PREFIX = "W#"


def webhook_key(user_id: str, webhook_id: str) -> Key:
    """Where a hook lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{webhook_id}")


def hooked_key(user_id: str) -> Key:
    """The user's row among those who have hooks."""
    return Key(pk=f"HOOKS#{shard_of(user_id):02d}", sk=user_id)


def outbox_key(user_id: str) -> Key:
    """How far a user's commits were told."""
    return Key(pk=f"U#{user_id}", sk="OUTBOX")


class WebhookStore:
    """Implements `domain.webhooks.Webhooks`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[Webhook]:
        """All, oldest first."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
        return [self._decode(user, row) for row in rows]

    def get(self, user: UserRef, webhook_id: str) -> Webhook:
        """One."""
        row = self._store.ledger.get(webhook_key(user.id, require_id(Kind.WEBHOOK, webhook_id)))
        if row is None:
            raise NotFound
        return self._decode(user, row)

    def add(self, context: Context, webhook: Webhook) -> Webhook:
        """The first one of a user begins their outbox at this commit."""

        def plan(head: Head) -> Plan[Webhook]:
            known = self.list(context.user)
            rules.require_room(known)
            new = replace(webhook, since=head.seq + 1)
            row = put(
                self._store.ledger.name, self._encode(context.user, new), when=(Absent("pk"),)
            )
            first = () if known else self._beginning(context.user.id, new.since)
            return Plan(
                writes=(row, *first),
                audit=_entry(Event.WEBHOOK_CREATED, new, events=list(new.events)),
                result=new,
                hooks=len(known) + 1,
            )

        return self._commands.run(context, plan)

    def change(
        self, context: Context, webhook_id: str, version: int, fields: Mapping[str, Any]
    ) -> Webhook:
        """Replace fields."""

        def plan(_: Head) -> Plan[Webhook]:
            old = self._at(context.user, webhook_id, version)
            new = rules.changed(old, fields)
            return self._replaced(context.user, old, new, Event.WEBHOOK_UPDATED, list(fields))

        return self._commands.run(context, plan)

    def rotate(self, context: Context, webhook_id: str, overlap_hours: int) -> Webhook:
        """As of the head, so that of two rotations none is lost."""
        secret, now = rules.new_secret(), self._store.clock()

        def plan(_: Head) -> Plan[Webhook]:
            old = self.get(context.user, webhook_id)
            new = rules.rotated(old, secret, now, overlap_hours)
            return self._replaced(context.user, old, new, Event.WEBHOOK_ROTATED, ["secrets"])

        return self._commands.run(context, plan)

    def remove(self, context: Context, webhook_id: str, version: int) -> None:
        """With the last one the user has nothing to be told of."""

        def plan(_: Head) -> Plan[None]:
            old = self._at(context.user, webhook_id, version)
            left = len(self.list(context.user)) - 1
            key = webhook_key(context.user.id, webhook_id)
            gone = delete(
                self._store.ledger.name, key, when=(Exists("pk"), Equals("version", version))
            )
            return Plan(
                writes=(gone, *(() if left else self._end(context.user.id))),
                audit=_entry(Event.WEBHOOK_DELETED, old),
                result=None,
                hooks=left,
            )

        self._commands.run(context, plan)

    def note(self, user: UserRef, webhook_id: str, *, failed: bool) -> int:
        """Neither version nor change feed move; a hook that was removed stays so."""
        key = webhook_key(user.id, webhook_id)
        name, there = self._store.ledger.name, (Exists("pk"),)
        gone = lambda _: NotFound()  # noqa: E731 - says why in one line
        write = (
            update(name, key, add={"failures": 1}, when=there, refuse=gone)
            if failed
            else update(name, key, set_={"failures": 0}, when=there, refuse=gone)
        )
        try:
            return int(self._store.write(write)["failures"])
        except NotFound:
            return 0

    def give_up(self, user: UserRef, webhook_id: str) -> bool:
        """By whoever comes first."""
        context = Context(user=user, request_id="webhook-failures", actor="system")

        def plan(_: Head) -> Plan[bool]:
            old = self.get(user, webhook_id)
            if not old.enabled:
                raise NotFound
            new = replace(old, disabled=DisabledReason.FAILURES, version=old.version + 1)
            found = self._replaced(user, old, new, Event.WEBHOOK_UPDATED, ["disabled"])
            return Plan(writes=found.writes, audit=found.audit, result=True)

        try:
            return self._commands.run(context, plan)
        except NotFound:
            return False

    def _at(self, user: UserRef, webhook_id: str, version: int) -> Webhook:
        found = self.get(user, webhook_id)
        if found.version != version:
            raise VersionConflict(found.version)
        return found

    def _replaced(
        self, user: UserRef, old: Webhook, new: Webhook, event: Event, fields: Sequence[str]
    ) -> Plan[Webhook]:
        row = {k: v for k, v in self._encode(user, new).items() if k not in {"pk", "sk"}}
        if new.failures == old.failures:
            del row["failures"]  # attempts count meanwhile
        write = update(
            self._store.ledger.name,
            webhook_key(user.id, new.id),
            set_=row,
            when=(Exists("pk"), Equals("version", old.version)),
        )
        entry = _entry(event, new, fields=sorted(fields))
        return Plan(writes=(write,), audit=entry, result=new)

    def _beginning(self, user_id: str, seq: int) -> tuple[Write, Write]:
        hooked, outbox = hooked_key(user_id), outbox_key(user_id)
        return (
            put(self._store.ledger.name, {"pk": hooked.pk, "sk": hooked.sk, "v": 1}),
            put(self._store.ledger.name, {"pk": outbox.pk, "sk": outbox.sk, "v": 1, "seq": seq}),
        )

    def _end(self, user_id: str) -> tuple[Write, Write]:
        name = self._store.ledger.name
        return delete(name, hooked_key(user_id)), delete(name, outbox_key(user_id))

    def _encode(self, user: UserRef, webhook: Webhook) -> Item:
        key = webhook_key(user.id, webhook.id)
        personal = {
            "url": webhook.url,
            "description": webhook.description,
            "secrets": [[secret.value, secret.until] for secret in webhook.secrets],
        }
        return {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "events": list(webhook.events),
            "since": webhook.since,
            "disabled": webhook.disabled,
            "failures": webhook.failures,
            "createdAt": webhook.created_at,
            "x": seal_fields(self._sealer, user, self._store.ledger.place(key), personal),
            "version": webhook.version,
        }

    def _decode(self, user: UserRef, row: Item) -> Webhook:
        place = self._store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
        personal = open_fields(self._sealer, user, place, row["x"])
        return Webhook(
            id=row["sk"].removeprefix(PREFIX),
            url=personal["url"],
            events=tuple(EventType(event) for event in row["events"]),
            description=personal["description"],
            secrets=tuple(Secret(value=value, until=until) for value, until in personal["secrets"]),
            since=row["since"],
            created_at=row["createdAt"],
            disabled=DisabledReason(row["disabled"]) if row["disabled"] else None,
            failures=row["failures"],
            version=row["version"],
        )


def _entry(event: Event, webhook: Webhook, **details: object) -> AuditEntry:
    return AuditEntry(event=event, object=f"webhook:{webhook.id}", details=details)
