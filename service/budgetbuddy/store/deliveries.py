"""Deliveries, `WD#{hook}#{id}` below the user in the Runtime table, for 30 days.

`WQ#{at}#{hook}#{id}` beside them is what waits, in the order it is due.
"""

from collections.abc import Sequence

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.deliveries import (
    KEPT,
    Answer,
    Delivery,
    DeliveryStatus,
    Fault,
)
from budgetbuddy.domain.identity import Status
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Context, Page, Position, Sealer, UserRef
from budgetbuddy.domain.webhooks import EventType
from budgetbuddy.problems import NotFound, Unavailable
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan, Retry
from budgetbuddy.store.expressions import Absent, Compare, Either, Equals, Exists
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, check, delete, put, update

PREFIX = "WD#"
WAITING = "WQ#"
LEASE_SECONDS = 60  # longer than any attempt
TOGETHER = 40  # deliveries of one transaction, each with its row in the queue
DUE_ROWS = 100  # of a user, asked for at a time


class _Taken(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: Item | None) -> None:
        super().__init__()


class _Erasing(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: Item | None) -> None:
        super().__init__()


def delivery_key(user_id: str, webhook_id: str, delivery_id: str) -> Key:
    """Where a delivery lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{webhook_id}#{delivery_id}")


def waiting_key(user_id: str, delivery: Delivery) -> Key:
    """Where it waits."""
    name = f"{WAITING}{delivery.next_at}#{delivery.webhook_id}#{delivery.id}"
    return Key(pk=f"U#{user_id}", sk=name)


class DeliveryStore:
    """Implements `domain.deliveries.DeliveryRows`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def add(self, user: UserRef, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Some dozens a transaction; nothing for a user who is being erased."""
        added: list[Delivery] = []
        for start in range(0, len(deliveries), TOGETHER):
            new = self._unknown(user, deliveries[start : start + TOGETHER])
            if new and self._commit(user, [w for d in new for w in self._new(user, d)]):
                added += new
        return added

    def add_for(self, context: Context, delivery: Delivery, replayed: str | None) -> Delivery:
        """With the audit row of whoever asked."""
        event = Event.WEBHOOK_REPLAYED if replayed else Event.WEBHOOK_TESTED
        entry = AuditEntry(
            event=event,
            object=f"webhook:{delivery.webhook_id}",
            details={"delivery": delivery.id, "replayed": replayed},
        )

        def plan(_: Head) -> Plan[Delivery]:
            return Plan(
                writes=tuple(self._new(context.user, delivery)), audit=entry, result=delivery
            )

        return self._commands.run(context, plan)

    def page(
        self, user: UserRef, webhook_id: str, *, limit: int, start: Position | None
    ) -> Page[Delivery]:
        """Newest first: identifiers sort by time."""
        page = self._store.runtime.page(
            f"U#{user.id}", begins_with=f"{PREFIX}{webhook_id}#", limit=limit, start=start
        )
        return Page(items=[self._decode(user, row) for row in page.items], next=page.next)

    def get(self, user: UserRef, webhook_id: str, delivery_id: str) -> Delivery:
        """One; raises `NotFound`."""
        require_id(Kind.WEBHOOK, webhook_id)
        key = delivery_key(user.id, webhook_id, require_id(Kind.DELIVERY, delivery_id))
        row = self._store.runtime.get(key)
        if row is None:
            raise NotFound
        return self._decode(user, row)

    def take(self, user: UserRef, delivery: Delivery) -> bool:
        """A lease of a minute on this attempt."""
        now = int(self._store.clock().timestamp())
        write = update(
            self._store.runtime.name,
            delivery_key(user.id, delivery.webhook_id, delivery.id),
            set_={"lease": now + LEASE_SECONDS},
            when=(
                Exists("pk"),
                Equals("attempts", delivery.attempts),
                Equals("status", DeliveryStatus.PENDING),
                Either((Absent("lease"), Compare("lease", "<=", now))),
            ),
            refuse=_Taken,
        )
        try:
            self._store.write(write)
        except _Taken:
            return False
        return True

    def settle(self, user: UserRef, read: Delivery, now: Delivery) -> None:
        """The row as it is now, and its place in the queue."""
        table = self._store.runtime.name
        row = {k: v for k, v in self._encode(user, now).items() if k not in {"pk", "sk"}}
        changed = update(
            table,
            delivery_key(user.id, now.webhook_id, now.id),
            set_=row,
            remove=("lease",),
            when=(Exists("pk"), Equals("attempts", read.attempts)),
            refuse=_Taken,
        )
        writes = [changed, *self._moved(user, read, now)]
        try:
            self._commit(user, writes)
        except _Taken:
            return  # its lease ran out, and another attempt was noted meanwhile

    def due(self, user_id: str) -> Sequence[tuple[str, str]]:
        """Hook and delivery of the oldest that wait too long."""
        now = format_instant(self._store.clock())
        page = self._store.runtime.page(
            f"U#{user_id}", between=(WAITING, f"{WAITING}{now}~"), limit=DUE_ROWS, forward=True
        )
        return [(hook, name) for hook, name in (row["sk"].split("#")[2:] for row in page.items)]

    def _unknown(self, user: UserRef, deliveries: Sequence[Delivery]) -> list[Delivery]:
        keys = [delivery_key(user.id, d.webhook_id, d.id) for d in deliveries]
        found = self._store.batch_get([(self._store.runtime, key) for key in keys]) if keys else []
        return [d for d, row in zip(deliveries, found, strict=True) if row is None]

    def _new(self, user: UserRef, delivery: Delivery) -> list[Write]:
        row = self._encode(user, delivery)
        put_row = put(self._store.runtime.name, row, when=(Absent("pk"),), refuse=lambda _: Retry())
        return [put_row, self._waiting(user, delivery)]

    def _moved(self, user: UserRef, read: Delivery, now: Delivery) -> list[Write]:
        if read.next_at == now.next_at:
            return []
        gone = delete(self._store.runtime.name, waiting_key(user.id, read))
        return [gone] if now.next_at is None else [gone, self._waiting(user, now)]

    def _waiting(self, user: UserRef, delivery: Delivery) -> Write:
        key = waiting_key(user.id, delivery)
        row: Item = {"pk": key.pk, "sk": key.sk, "v": 1, "ttl": self._ttl(delivery)}
        return put(self._store.runtime.name, row)

    def _commit(self, user: UserRef, writes: list[Write]) -> bool:
        """Unless the user is being erased: rows must not come after what removes them."""
        active = check(
            self._store.ledger.name,
            profile_key(user.id),
            when=(Equals("status", Status.ACTIVE),),
            refuse=_Erasing,
        )
        try:
            self._commands.commit([active, *writes])
        except _Erasing:
            return False
        except Retry as exc:
            raise Unavailable("two workers met; the message comes again") from exc
        return True

    def _ttl(self, delivery: Delivery) -> int:
        return int((parse_instant(delivery.created_at) + KEPT).timestamp())

    def _encode(self, user: UserRef, delivery: Delivery) -> Item:
        key = delivery_key(user.id, delivery.webhook_id, delivery.id)
        answer = delivery.answer
        said = {"body": delivery.body, "answer": answer.text if answer else None}
        return {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "eventId": delivery.event_id,
            "event": delivery.event,
            "status": delivery.status,
            "attempts": delivery.attempts,
            "createdAt": delivery.created_at,
            "nextAt": delivery.next_at,
            "fault": answer.fault if answer else None,
            "http": answer.status if answer else None,
            "millis": answer.millis if answer else None,
            "x": seal_fields(self._sealer, user, self._store.runtime.place(key), said),
            "ttl": self._ttl(delivery),
        }

    def _decode(self, user: UserRef, row: Item) -> Delivery:
        key = Key(pk=row["pk"], sk=row["sk"])
        said = open_fields(self._sealer, user, self._store.runtime.place(key), row["x"])
        _, webhook_id, delivery_id = key.sk.split("#")
        answer = None
        if row["attempts"]:
            fault = Fault(row["fault"]) if row["fault"] else None
            answer = Answer(
                fault=fault, status=row["http"], text=said["answer"] or "", millis=row["millis"]
            )
        return Delivery(
            id=delivery_id,
            webhook_id=webhook_id,
            event_id=row["eventId"],
            event=EventType(row["event"]),
            body=said["body"],
            created_at=row["createdAt"],
            next_at=row["nextAt"],
            status=DeliveryStatus(row["status"]),
            attempts=row["attempts"],
            answer=answer,
        )
