"""The change feed as an outbox: which commits of whom were not told yet."""

from collections.abc import Iterator, Sequence

from budgetbuddy.domain.identity import Status
from budgetbuddy.domain.outbox import Commit
from budgetbuddy.domain.ports import Change, Position, UserRef
from budgetbuddy.store.commands import CHANGE_FEED_SECONDS
from budgetbuddy.store.expressions import Compare
from budgetbuddy.store.identity import REGISTRY_SHARDS
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.table import Store
from budgetbuddy.store.webhooks import outbox_key
from budgetbuddy.store.writes import update

COMMITS = 20  # read at a time; one holds up to a hundred changes
USERS = 500  # of a registry, read at a time


class _Told(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: object) -> None:
        super().__init__()


class OutboxStore:
    """Implements `domain.outbox.Outbox`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, user_id: str) -> UserRef | None:
        """The user, while they are active."""
        row = self._store.ledger.get(profile_key(user_id))
        if row is None or row["status"] != Status.ACTIVE:
            return None
        return UserRef(id=user_id, subject=row["subject"])

    def waiting(self, user: UserRef) -> Sequence[Commit]:
        """Some commits behind the one that was told last; none when the user has no hooks."""
        seq = self._position(user.id)
        if seq is None:
            return []
        page = self._store.ledger.page(
            f"CHG#{user.id}", after=f"{seq:020d}", limit=COMMITS, forward=True
        )
        return [
            Commit(
                seq=int(row["sk"]),
                at=row["ttl"] - CHANGE_FEED_SECONDS,
                changes=[Change(type=t, id=i, op=o, version=v) for t, i, o, v in row["changes"]],
            )
            for row in page.items
        ]

    def told(self, user: UserRef, seq: int) -> None:
        """Forward only: another worker may be further."""
        write = update(
            self._store.ledger.name,
            outbox_key(user.id),
            set_={"seq": seq},
            when=(Compare("seq", "<", seq),),
            refuse=_Told,
        )
        try:
            self._store.write(write)
        except _Told:
            return

    def behind(self) -> Sequence[str]:
        """Those whose head is further than what was told."""
        return [user_id for user_id in self.hooked() if self._is_behind(user_id)]

    def hooked(self) -> Sequence[str]:
        """From all shards of the registry."""
        return [user_id for n in range(REGISTRY_SHARDS) for user_id in self._shard(n)]

    def _shard(self, number: int) -> Iterator[str]:
        start: Position | None = None
        while True:
            page = self._store.ledger.page(
                f"HOOKS#{number:02d}", limit=USERS, start=start, forward=True, consistent=False
            )
            yield from (row["sk"] for row in page.items)
            start = page.next
            if start is None:
                return

    def _is_behind(self, user_id: str) -> bool:
        position = self._position(user_id)
        if position is None:
            return False
        page = self._store.ledger.page(
            f"CHG#{user_id}", after=f"{position:020d}", limit=1, forward=True
        )
        return bool(page.items)

    def _position(self, user_id: str) -> int | None:
        row = self._store.ledger.get(outbox_key(user_id))
        return int(row["seq"]) if row else None
