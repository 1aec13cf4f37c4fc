"""Events that were taken: `EVT#{provider}#{id}` in the Runtime table, while they can return."""

from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Absent, Compare, Either
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, delete, put

REPLAY_SECONDS = 600  # a Plaid signature is good for less


class _Taken(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: Item | None) -> None:
        super().__init__()


class SeenEventRows:
    """Implements `domain.bank_webhooks.SeenEvents` for one provider."""

    def __init__(self, store: Store, provider: str, kept_seconds: int) -> None:
        self._store = store
        self._provider = provider
        self._kept_seconds = kept_seconds

    def take(self, event_id: str) -> bool:
        """Whether this is the first time within the time it is kept."""
        key, now = self._key(event_id), int(self._store.clock().timestamp())
        row: Item = {"pk": key.pk, "sk": key.sk, "v": 1, "ttl": now + self._kept_seconds}
        free = Either((Absent("pk"), Compare("ttl", "<=", now)))
        try:
            self._store.write(put(self._store.runtime.name, row, when=(free,), refuse=_Taken))
        except _Taken:
            return False
        return True

    def forget(self, event_id: str) -> None:
        """Let it come again."""
        self._store.write(delete(self._store.runtime.name, self._key(event_id)))

    def _key(self, event_id: str) -> Key:
        return Key(pk=f"EVT#{self._provider}#{event_id}", sk="EVT")
