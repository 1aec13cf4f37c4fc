"""Receipts of erasures: `ERASE#{digest}` on the Runtime table, and the chain `AUD#~erasure`.

The user's ids stand on the receipt until the last step. `ERASE#pending` lists what is not
finished: a sweep takes it up.
"""

from collections.abc import Sequence

from budgetbuddy.contract import Metric
from budgetbuddy.domain.audit import GENESIS, Event
from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.erasure import RECEIPT_KEPT, Erasure, Step, StepName, StepStatus
from budgetbuddy.domain.identity import Status
from budgetbuddy.domain.ports import AuditEntry, Context, UserRef
from budgetbuddy.problems import SessionRevoked, Unavailable
from budgetbuddy.store.chains import CHAIN_TRIES, ERASURES, next_link
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan, Retry, head_key
from budgetbuddy.store.expressions import Absent, Compare, Either, Equals, Exists
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update
from budgetbuddy.telemetry import count

LEASE_SECONDS = 120


class _Held(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: Item | None) -> None:
        super().__init__()


def receipt_key(digest: str) -> Key:
    """Where a receipt lives."""
    return Key(pk=f"ERASE#{digest}", sk="ERASE")


def pending_key(digest: str) -> Key:
    """What the sweep finds."""
    return Key(pk="ERASE#pending", sk=digest)


class ErasureStore:
    """Implements `domain.erasure.ErasureRows`."""

    def __init__(self, store: Store, commands: Commands) -> None:
        self._store = store
        self._commands = commands

    def begin(self, context: Context, erasure: Erasure) -> None:
        """The receipt, and the end of all tokens, in one transaction."""
        profile = profile_key(context.user.id)

        def plan(_: Head) -> Plan[None]:
            stored = self._store.ledger.get(profile)
            if stored is None or stored["status"] != Status.ACTIVE:
                raise SessionRevoked
            closing = update(
                self._store.ledger.name,
                profile,
                set_={"status": Status.ERASING, "epoch": stored["epoch"] + 1},
                when=(Exists("pk"), Equals("epoch", stored["epoch"])),
            )
            return Plan(
                writes=(closing, *self._receipt_writes(context.user, erasure)),
                audit=AuditEntry(event=Event.ERASURE_REQUESTED, object=f"user:{context.user.id}"),
                result=None,
            )

        self._commands.run(context, plan)

    def find(self, digest: str) -> Erasure | None:
        """By the digest of the receipt."""
        row = self._store.runtime.get(receipt_key(digest))
        return _decode(digest, row) if row else None

    def pending(self) -> Sequence[str]:
        """Digests of what is not finished."""
        return [row["sk"] for row in self._store.runtime.query("ERASE#pending")]

    def hold(self, digest: str, owner: str) -> bool:
        """Whether nobody else holds it."""
        now = int(self._store.clock().timestamp())
        free = Either((Absent("lease"), Compare("lease", "<=", now)))
        write = update(
            self._store.runtime.name,
            receipt_key(digest),
            set_={"lease": now + LEASE_SECONDS, "leaseOwner": owner},
            when=(Exists("pk"), free),
            refuse=_Held,
        )
        try:
            self._store.write(write)
        except _Held:
            return False
        return True

    def release(self, digest: str, owner: str) -> None:
        """Let go, unless somebody else holds it by now."""
        write = update(
            self._store.runtime.name,
            receipt_key(digest),
            remove=("lease", "leaseOwner"),
            when=(Equals("leaseOwner", owner),),
            refuse=_Held,
        )
        try:
            self._store.write(write)
        except _Held:
            return

    def note(self, erasure: Erasure) -> None:
        """Keep how far it is."""
        self._store.write(self._steps_write(erasure))

    def close(self, erasure: Erasure) -> int:
        """The head goes, so that no command can commit; its end of the chain stays."""
        if erasure.user is None:
            return 0
        head = self._store.ledger.get(head_key(erasure.user.id))
        if head is None:  # by a run that died right after
            return 0
        gone = delete(
            self._store.ledger.name,
            head_key(erasure.user.id),
            when=(Equals("seq", head["seq"]),),
            refuse=lambda _: Unavailable("a last command of the user came first"),
        )
        kept = update(
            self._store.runtime.name,
            receipt_key(erasure.digest),
            set_={"anchor": [head["auditSeq"], head["auditHash"]]},
            when=(Exists("pk"),),
        )
        self._commands.commit([gone, kept])
        return 1

    def finish(self, erasure: Erasure) -> None:
        """One row more in the chain of erasures; the receipt knows no user any more."""
        for _ in range(CHAIN_TRIES):
            try:
                self._commit_finish(erasure)
            except Retry:
                continue
            count(Metric.ERASURE_COMPLETED)
            return
        raise Unavailable("too many erasures end at once")

    def _commit_finish(self, erasure: Erasure) -> None:
        stored = self._store.runtime.get(receipt_key(erasure.digest))
        if stored is None or erasure.user is None:
            raise RuntimeError("an erasure without its receipt cannot be recorded")
        link = next_link(
            self._store,
            ERASURES,
            Event.ERASED,
            object_=f"subject:{erasure.user.subject}",
            sealed=_summary(erasure, stored.get("anchor", [0, GENESIS])),
        )
        done = update(
            self._store.runtime.name,
            receipt_key(erasure.digest),
            set_={"steps": _encoded(erasure), "finishedAt": erasure.finished_at},
            remove=("uid", "subject", "anchor", "lease", "leaseOwner"),
            when=(Exists("uid"),),
        )
        listed = delete(self._store.runtime.name, pending_key(erasure.digest))
        self._commands.commit([link, done, listed])

    def _receipt_writes(self, user: UserRef, erasure: Erasure) -> tuple[Write, Write]:
        key, pending = receipt_key(erasure.digest), pending_key(erasure.digest)
        expires = parse_instant(erasure.requested_at) + RECEIPT_KEPT
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "uid": user.id,
            "subject": user.subject,
            "requestedAt": erasure.requested_at,
            "finishedAt": None,
            "steps": _encoded(erasure),
            "ttl": int(expires.timestamp()),
        }
        listed: Item = {"pk": pending.pk, "sk": pending.sk, "v": 1}
        table = self._store.runtime.name
        return put(table, row, when=(Absent("pk"),)), put(table, listed)

    def _steps_write(self, erasure: Erasure) -> Write:
        return update(
            self._store.runtime.name,
            receipt_key(erasure.digest),
            set_={"steps": _encoded(erasure)},
            when=(Exists("uid"),),
        )


def _encoded(erasure: Erasure) -> list[list[str | int]]:
    return [[step.name, step.status, step.count] for step in erasure.steps]


def _summary(erasure: Erasure, anchor: list[int | str]) -> bytes:
    """What the chain of erasures keeps: receipt, end of the user's own chain, counts. No person."""
    counts = ",".join(f"{step.name}={step.status}:{step.count}" for step in erasure.steps)
    return f"receipt={erasure.digest};seq={anchor[0]};hash={anchor[1]};{counts}".encode()


def _decode(digest: str, row: Item) -> Erasure:
    user = UserRef(id=row["uid"], subject=row["subject"]) if "uid" in row else None
    return Erasure(
        digest=digest,
        user=user,
        requested_at=row["requestedAt"],
        finished_at=row["finishedAt"],
        steps=tuple(
            Step(name=StepName(name), status=StepStatus(status), count=removed)
            for name, status, removed in row["steps"]
        ),
    )
