"""What erasure removes of the three tables, a hundred rows a transaction; each can be repeated."""

from collections.abc import Callable, Iterator, Sequence

from budgetbuddy.domain.ports import UserRef
from budgetbuddy.store.access_tokens import shown_key
from budgetbuddy.store.bank_items import owner_key
from budgetbuddy.store.commands import TRANSACTION_ITEMS, Commands
from budgetbuddy.store.entitlements import customer_key, entitlement_key
from budgetbuddy.store.identity import email_lock_key, registry_key
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.runtime import POINTER_PREFIX
from budgetbuddy.store.table import Store, Table
from budgetbuddy.store.webhooks import hooked_key
from budgetbuddy.store.writes import Key, delete


class Shredding:
    """The removers of `domain.erasure` that need nobody but the store.

    `forget` drops what this process remembers of a user's key.
    """

    def __init__(self, store: Store, commands: Commands, forget: Callable[[UserRef], None]) -> None:
        self._store = store
        self._commands = commands
        self._forget = forget

    def key(self, user: UserRef) -> int:
        """The wrapped data key: what was sealed with it is unreadable from now on."""
        key = Key(pk=f"U#{user.id}", sk="KEY")
        was_there = self._store.runtime.get(key) is not None
        self._store.write(delete(self._store.runtime.name, key))
        self._forget(user)
        return int(was_there)

    def pointers(self, user: UserRef) -> int:
        """Rows outside the user's partitions that lead to the user; they are found from inside."""
        found = [(self._store.ledger, registry_key(user.id)), *self._leading_here(user)]
        self._remove(found)
        return len(found)

    def changes(self, user: UserRef) -> int:
        """The change feed."""
        return self._partition(self._store.ledger, f"CHG#{user.id}")

    def runtime(self, user: UserRef) -> int:
        """Sessions, answers kept for repeats, jobs, reports."""
        return self._partition(self._store.runtime, f"U#{user.id}")

    def ledger(self, user: UserRef) -> int:
        """Everything the user kept with us."""
        return self._partition(self._store.ledger, f"U#{user.id}")

    def _leading_here(self, user: UserRef) -> Iterator[tuple[Table, Key]]:
        ledger, runtime, pk = self._store.ledger, self._store.runtime, f"U#{user.id}"
        profile = ledger.get(profile_key(user.id))
        if profile is not None:
            yield ledger, email_lock_key(profile["emailHash"])
        paying = ledger.get(entitlement_key(user.id))
        if paying is not None and paying.get("cus"):
            yield ledger, customer_key(paying["cus"])
        if ledger.get(hooked_key(user.id)) is not None:
            yield ledger, hooked_key(user.id)
        for row in ledger.query(pk, begins_with="P#"):
            yield ledger, owner_key(row["pid"])
        for row in ledger.query(pk, begins_with="PAT#"):
            yield ledger, shown_key(row["digest"])
        for row in runtime.query(pk, begins_with=POINTER_PREFIX, expired=True):
            place, sort = row["at"]
            yield runtime, Key(pk=place, sk=sort)

    def _partition(self, table: Table, pk: str) -> int:
        """All rows of a partition, also those past their time, which no read shows."""
        removed = 0
        while keys := self._some(table, pk):
            self._remove([(table, key) for key in keys])
            removed += len(keys)
        return removed

    def _some(self, table: Table, pk: str) -> list[Key]:
        return [Key(pk=pk, sk=sk) for sk in table.sort_keys(pk, limit=TRANSACTION_ITEMS)]

    def _remove(self, found: Sequence[tuple[Table, Key]]) -> None:
        for start in range(0, len(found), TRANSACTION_ITEMS):
            part = found[start : start + TRANSACTION_ITEMS]
            self._commands.commit([delete(table.name, key) for table, key in part])
