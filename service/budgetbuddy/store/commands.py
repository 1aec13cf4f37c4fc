"""One command, one transaction: the business rows and the tail that makes them accountable.

A use case in the store gives `run` a function from the user's head to a plan:

    def create(self, context: Context, account: Account) -> Account:
        def plan(head: Head) -> Plan[Account]:
            if len(self.list(context.user)) >= ACCOUNT_LIMIT:   # read after the head: still true
                raise LimitReached                              # at commit, or the plan runs again
            return Plan(
                writes=(put(self._store.ledger.name, row, when=(Absent("pk"),)),),
                changes=(Change(type="account", id=account.id, op="upsert", version=1),),
                audit=AuditEntry(event=Event.ACCOUNT_CREATED, object=f"account:{account.id}"),
                result=account,
            )
        return self._commands.run(context, plan)

`run` adds the tail: the head moves on from the `seq` that was read, one change-feed row, one audit
row linked to the last, and the completion of the Idempotency-Key with the answer that
`context.render(result)` gives. A plan that lost the race for the head is made again.
"""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from budgetbuddy.contract import Metric
from budgetbuddy.domain.audit import GENESIS, RETENTION_SECONDS, AuditRow
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer
from budgetbuddy.problems import SessionRevoked, Unavailable
from budgetbuddy.store.codec import Item, decode, size_bytes
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.idempotency import completion
from budgetbuddy.store.sealing import seal_fields
from budgetbuddy.store.table import Store, translated
from budgetbuddy.store.writes import Key, Write, put, update
from budgetbuddy.telemetry import count, tally

T = TypeVar("T")

TRANSACTION_ITEMS = 100  # AWS limits
TRANSACTION_BYTES = 4 * 1024 * 1024
TAIL_ITEMS = 4  # head, audit row, change-feed row, idempotency row
CHANGE_FEED_SECONDS = 90 * 86_400
ATTEMPTS = 9  # the first and eight retries
BACKOFF_SECONDS = (0.010, 0.200)
DEADLINE_SECONDS = 2.0
STRIPES = 256

RETRIED = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


@dataclass(frozen=True, kw_only=True)
class Head:
    """The user's last commit: everything read after it holds at the next one, or it is retried."""

    seq: int
    audit_seq: int
    audit_hash: str
    rules: int = 0  # how many the user has: most have none, and then none are read
    hooks: int = 0  # how many webhooks: most have none, and then nobody is told


EMPTY = Head(seq=0, audit_seq=0, audit_hash=GENESIS)


@dataclass(frozen=True, kw_only=True)
class Plan(Generic[T]):
    """What a command writes besides the tail, and what it answers."""

    writes: tuple[Write, ...] = ()
    changes: tuple[Change, ...] = ()
    audit: AuditEntry
    result: T
    rules: int | None = None  # how many there are from now on, when that changes
    hooks: int | None = None


class Retry(Exception):  # noqa: N818 - an instruction, not an error
    """Another writer moved the head: plan again."""


Tell = Callable[[str], None]  # takes the id of a user whose change feed has grown


def tell_nobody(user_id: str) -> None:
    """Where nothing waits for commits."""
    del user_id


def head_key(user_id: str) -> Key:
    """Where a user's head lives."""
    return Key(pk=f"U#{user_id}", sk="HEAD")


class Commands:
    """Runs plans. Writers of one user queue within the process; between processes they retry."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        tell: Tell = tell_nobody,
        pause: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._tell = tell
        self._pause = pause
        self._monotonic = monotonic
        self._stripes = tuple(threading.Lock() for _ in range(STRIPES))

    def run(
        self, context: Context, plan: Callable[[Head], Plan[T]], *, completes: bool = True
    ) -> T:
        """Commit one plan and return its result.

        `completes=False` for all chunks but the last of a command that needs several transactions.
        Raises what the plan or a refused write raises, `IdempotencyInProgress` when the key was
        taken over, `Unavailable` (503) after 2 s of conflicts.
        """
        planned, is_awaited = self._committed(context, plan, completes=completes)
        if is_awaited:
            self._tell(context.user.id)
        return planned.result

    def _committed(
        self, context: Context, plan: Callable[[Head], Plan[T]], *, completes: bool
    ) -> tuple[Plan[T], bool]:
        """The plan that was committed, and whether a webhook waits for it."""
        give_up = self._monotonic() + DEADLINE_SECONDS
        with self._stripes[hash(context.user.id) % STRIPES]:
            for attempt in range(ATTEMPTS):
                try:
                    return self._attempt(context, plan, completes=completes)
                except Retry:
                    count(Metric.STORE_CONFLICT)
                    tally(retries=1)
                    wait = random.uniform(*BACKOFF_SECONDS)  # noqa: S311 - jitter, no secret
                    if attempt + 1 == ATTEMPTS or self._monotonic() + wait > give_up:
                        break
                    self._pause(wait)
        raise Unavailable("too many writers met; nothing was written")

    def _attempt(
        self, context: Context, plan: Callable[[Head], Plan[T]], *, completes: bool
    ) -> tuple[Plan[T], bool]:
        stored = self._store.ledger.get(head_key(context.user.id))
        if stored is None:  # the user was erased since the token was issued
            raise SessionRevoked
        head = Head(
            seq=stored["seq"],
            audit_seq=stored["auditSeq"],
            audit_hash=stored["auditHash"],
            rules=stored.get("rules", 0),
            hooks=stored.get("hooks", 0),
        )
        planned = plan(head)
        row = audit_row(self._sealer, self._store, context, head, planned.audit)
        seq = head.seq + 1
        writes = [
            advance_write(self._store, context.user.id, head, row, planned),
            audit_write(self._store, row),
        ]
        if changes := (*planned.changes, *_touched(planned)):
            writes.append(change_write(self._store, context.user.id, seq, changes))
        if completes and context.claim is not None and context.render is not None:
            reply = context.render(planned.result)
            writes.append(completion(self._store, self._sealer, context, reply))
        self.commit([*writes, *planned.writes])
        count(Metric.AUDIT_EVENT_WRITTEN)
        return planned, bool(changes and head.hooks)

    def commit(self, writes: list[Write]) -> None:
        """All of `writes` or none; raises the first refusal, in the order of `writes`."""
        if len(writes) > TRANSACTION_ITEMS:
            raise ValueError(f"a transaction takes {TRANSACTION_ITEMS} items, not {len(writes)}")
        if len({(write.table, write.key) for write in writes}) < len(writes):
            raise ValueError("a transaction touches no item twice")
        items: list[Any] = [write.transact_item for write in writes]
        _assert_size(writes)
        client = self._store.client
        with translated("Ledger"):
            try:
                client.transact_write_items(TransactItems=items, ClientRequestToken=_token(items))
            except client.exceptions.TransactionCanceledException as exc:
                raise _refusal(writes, exc.response["CancellationReasons"]) from exc
            except (
                client.exceptions.TransactionConflictException,
                client.exceptions.TransactionInProgressException,
            ) as exc:
                raise Retry from exc


def _touched(planned: "Plan[Any]") -> Iterator[Change]:
    """Accounts whose figures a plan moves without changing their version: sync tells them too."""
    told = {change.id for change in planned.changes}
    for write in planned.writes:
        kind, _, name = write.key.sk.partition("#")
        if kind == "A" and write.kind == "Update" and name not in told:
            yield Change(type="account", id=name, op="upsert", version=0)


def _refusal(writes: list[Write], reasons: Sequence[Mapping[str, Any]]) -> Exception:
    """The first failed condition decides; a clash with another transaction is tried again."""
    codes = [reason.get("Code") for reason in reasons]
    for write, reason in zip(writes, reasons, strict=True):
        if reason.get("Code") == "ConditionalCheckFailed":
            stored = reason.get("Item")
            return write.refuse(decode(stored) if stored else None)
    if RETRIED.intersection(codes):
        return Retry()
    return RuntimeError(f"a transaction was cancelled: {codes}")


def _token(items: list[dict[str, Any]]) -> str:
    """Same attempt, same token: a repeated send after a lost answer is applied once."""
    payload = orjson.dumps(items, default=lambda value: value.hex(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(payload).hexdigest()[:36]


def _assert_size(writes: list[Write]) -> None:
    size = sum(
        size_bytes(write.request.get("Item", {}))
        + size_bytes(write.request.get("ExpressionAttributeValues", {}))
        for write in writes
    )
    if size > TRANSACTION_BYTES:
        raise ValueError(f"a transaction of {size} bytes exceeds {TRANSACTION_BYTES}")


def advance_write(
    store: Store, user_id: str, head: Head, row: AuditRow, planned: "Plan[Any]"
) -> Write:
    """The head moves on, if it is still where it was read."""
    moved: Item = {"seq": head.seq + 1, "auditSeq": row.seq, "auditHash": row.hash()}
    counts = {"rules": planned.rules, "hooks": planned.hooks}
    return update(
        store.ledger.name,
        head_key(user_id),
        set_={**moved, **{name: n for name, n in counts.items() if n is not None}},
        when=(Exists("pk"), Equals("seq", head.seq)),
        refuse=lambda _: Retry(),
    )


def audit_row(
    sealer: Sealer, store: Store, context: Context, head: Head, entry: AuditEntry
) -> AuditRow:
    """The next link of the user's chain; the object's id, address, agent and details sealed.

    In clear it says what kind of object it is about: rows outlive their user by years.
    """
    seq = head.audit_seq + 1
    key = Key(pk=f"AUD#{context.user.subject}", sk=f"{seq:012d}")
    personal = {
        "object": entry.object,
        "ip": context.ip,
        "userAgent": context.user_agent,
        "details": dict(entry.details),
    }
    return AuditRow(
        subject=context.user.subject,
        seq=seq,
        at=format_instant(store.clock()),
        event=entry.event,
        actor=context.actor,
        object=entry.object.partition(":")[0],
        outcome=entry.outcome,
        sealed=seal_fields(sealer, context.user, store.audit.place(key), personal),
        prev=head.audit_hash,
    )


def audit_write(store: Store, row: AuditRow) -> Write:
    """Put only, and never over an existing row."""
    item: Item = {
        "pk": f"AUD#{row.subject}",
        "sk": f"{row.seq:012d}",
        "v": 1,
        "at": row.at,
        "ev": row.event,
        "actor": row.actor,
        "obj": row.object,
        "out": row.outcome,
        "x": row.sealed,
        "prev": row.prev,
        "hash": row.hash(),
        "ttl": int(store.clock().timestamp()) + RETENTION_SECONDS,
    }
    return put(store.audit.name, item, when=(Absent("pk"),), refuse=lambda _: Retry())


def change_write(store: Store, user_id: str, seq: int, changes: tuple[Change, ...]) -> Write:
    """The change feed's row of one commit: what delta sync and the outbox read."""
    item: Item = {
        "pk": f"CHG#{user_id}",
        "sk": f"{seq:020d}",
        "v": 1,
        "changes": [[c.type, c.id, c.op, c.version] for c in changes],
        "ttl": int(store.clock().timestamp()) + CHANGE_FEED_SECONDS,
    }
    return put(store.ledger.name, item, when=(Absent("pk"),), refuse=lambda _: Retry())
