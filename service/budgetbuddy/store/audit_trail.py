"""The audit trail as its owner reads it: rows opened, and the chain recomputed from them."""

from collections.abc import Iterator
from datetime import timedelta

from budgetbuddy.domain.audit import RETENTION_SECONDS, AuditRow, Event, Outcome
from budgetbuddy.domain.audit_trail import (
    Anchor,
    AuditFilter,
    AuditRecord,
    Link,
    Verification,
    bounds,
    verify,
)
from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.ports import AuditEntry, Context, Page, Position, Sealer, UserRef
from budgetbuddy.problems import SessionRevoked
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan, head_key
from budgetbuddy.store.expressions import Between, Condition, Equals
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.sealing import open_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key

QUERIES = 5  # of a page whose filter leaves most rows out
EXPORT_ROWS = 200  # read at a time


class AuditTrailStore:
    """Implements `domain.audit_trail.AuditTrail`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def page(
        self, user: UserRef, wanted: AuditFilter, *, limit: int, start: Position | None
    ) -> Page[AuditRecord]:
        """One page, newest first."""
        where: list[Condition] = []
        if wanted.start or wanted.end:
            where.append(Between("at", *bounds(wanted)))
        if wanted.event:
            where.append(Equals("ev", wanted.event))
        records: list[AuditRecord] = []
        for _ in range(QUERIES):
            page = self._store.audit.page(
                f"AUD#{user.subject}", limit=limit - len(records), where=where, start=start
            )
            records += [self._record(user, row) for row in page.items]
            start = page.next
            if start is None or len(records) == limit:
                break
        return Page(items=records, next=start)

    def export(self, context: Context) -> tuple[Anchor, Iterator[AuditRecord]]:
        """The row of the export itself is the newest of what is exported."""
        self._note(context, Event.AUDIT_EXPORTED)
        anchor = self._anchor(context.user)
        return anchor, self._up_to(context.user, anchor)

    def verify(self, context: Context) -> Verification:
        """The anchor is read first, so that a writer in between breaks nothing."""
        user = context.user
        anchor = self._anchor(user)
        links = chain_links(self._store, user.subject)
        found = verify(links, anchor, may_begin_later=self._is_older_than_retention(user))
        self._note(context, Event.AUDIT_VERIFIED, valid=found.is_valid, broken=found.broken)
        return found

    def _note(self, context: Context, event: Event, **details: object) -> None:
        def plan(_: Head) -> Plan[None]:
            entry = AuditEntry(event=event, object=f"user:{context.user.id}", details=details)
            return Plan(audit=entry, result=None)

        self._commands.run(context, plan)

    def _anchor(self, user: UserRef) -> Anchor:
        head = self._store.ledger.get(head_key(user.id))
        if head is None:
            raise SessionRevoked
        return Anchor(seq=head["auditSeq"], hash=head["auditHash"])

    def _is_older_than_retention(self, user: UserRef) -> bool:
        profile = self._store.ledger.get(profile_key(user.id))
        if profile is None:
            raise SessionRevoked
        return is_older_than_retention(self._store, profile)

    def _up_to(self, user: UserRef, anchor: Anchor) -> Iterator[AuditRecord]:
        for row in chain_rows(self._store, user.subject):
            if int(row["sk"]) <= anchor.seq:
                yield self._record(user, row)

    def _record(self, user: UserRef, row: Item) -> AuditRecord:
        place = self._store.audit.place(Key(pk=row["pk"], sk=row["sk"]))
        personal = open_fields(self._sealer, user, place, row["x"])
        return AuditRecord(
            seq=int(row["sk"]),
            at=row["at"],
            event=Event(row["ev"]),
            actor=row["actor"],
            object=personal["object"],
            outcome=Outcome(row["out"]),
            ip=personal["ip"],
            user_agent=personal["userAgent"],
            details=personal["details"],
            hash=row["hash"],
        )


def chain_rows(store: Store, subject: str) -> Iterator[Item]:
    """All rows of a chain, oldest first, a page at a time."""
    start: Position | None = None
    while True:
        page = store.audit.page(f"AUD#{subject}", limit=EXPORT_ROWS, start=start, forward=True)
        yield from page.items
        start = page.next
        if start is None:
            return


def chain_links(store: Store, subject: str) -> Iterator[Link]:
    """The rows of a chain as they are verified."""
    for row in chain_rows(store, subject):
        stored = AuditRow(
            subject=subject,
            seq=int(row["sk"]),
            at=row["at"],
            event=row["ev"],
            actor=row["actor"],
            object=row["obj"],
            outcome=row["out"],
            sealed=row["x"],
            prev=row["prev"],
        )
        yield Link(row=stored, stored_hash=row["hash"])


def is_older_than_retention(store: Store, profile: Item) -> bool:
    """Whether the first rows of a user's chain can have been removed by time."""
    age = store.clock() - parse_instant(profile["createdAt"])
    return age > timedelta(seconds=RETENTION_SECONDS)
