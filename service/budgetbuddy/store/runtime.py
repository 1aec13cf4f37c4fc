"""What lives on the Runtime table beside sessions: wrapped data keys, counters, and the probes."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.problems import Problem
from budgetbuddy.store.expressions import Absent
from budgetbuddy.store.table import Store, Table
from budgetbuddy.store.writes import Key, Write, put, update

if TYPE_CHECKING:
    from budgetbuddy.store.codec import Item

PROBE_SECONDS = 5.0  # a probe's result is shared for so long


def data_key_write(store: Store, user: UserRef, wrapped: bytes) -> Write:
    """The user's wrapped data key. It has no `ttl`; deleting it shreds all that is sealed."""
    row: Item = {
        "pk": f"U#{user.id}",
        "sk": "KEY",
        "v": 1,
        "key": wrapped,
        "createdAt": format_instant(store.clock()),
    }
    return put(store.runtime.name, row, when=(Absent("pk"),))


POINTER_PREFIX = "AT#"


def pointer_write(store: Store, user_id: str, target: Key, ttl: int) -> Write:
    """Note below the user that a Runtime row elsewhere is theirs, so that erasure finds it."""
    row: Item = {
        "pk": f"U#{user_id}",
        "sk": f"{POINTER_PREFIX}{target.pk}",
        "v": 1,
        "at": [target.pk, target.sk],
        "ttl": ttl,
    }
    return put(store.runtime.name, row)


class WrappedKeyRows:
    """Implements `domain.ports.WrappedKeys`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, user_id: str) -> bytes | None:
        """The wrapped key, or `None`."""
        row = self._store.runtime.get(Key(pk=f"U#{user_id}", sk="KEY"))
        return bytes(row["key"]) if row else None


class CounterRows:
    """Counters of rate limits: the window is part of the key, so a new window starts at 0."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, bucket: str, key: str, window: int, seconds: int) -> int:
        """One more; how many in this window now."""
        expiry = (window + 2) * seconds
        write = update(
            self._store.runtime.name,
            self._key(bucket, key, window),
            add={"n": 1},
            set_={"ttl": expiry, "v": 1},
        )
        return int(self._store.write(write)["n"])

    def read(self, bucket: str, key: str, window: int) -> int:
        """How many in this window."""
        row = self._store.runtime.get(self._key(bucket, key, window))
        return int(row["n"]) if row else 0

    def _key(self, bucket: str, key: str, window: int) -> Key:
        return Key(pk=f"RL#{bucket}#{key}#{window}", sk="RL")


class TableHealth:
    """Implements `domain.ports.Health`: one read of an absent row on each required table."""

    def __init__(self, store: Store, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._until = 0.0
        self._last: Mapping[str, bool] = {}

    def checks(self) -> Mapping[str, bool]:
        """By table."""
        with self._lock:
            if self._monotonic() >= self._until:
                tables = (self._store.ledger, self._store.runtime)
                self._last = {table.label.lower(): self._answers(table) for table in tables}
                self._until = self._monotonic() + PROBE_SECONDS
            return self._last

    def _answers(self, table: Table) -> bool:
        try:
            table.get(Key(pk="PROBE", sk="PROBE"))
        except (Problem, ClientError):
            return False
        return True
