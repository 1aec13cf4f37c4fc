"""Switches of an operator, `FLAG#{name}` on the Runtime table; every change is in a chain."""

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.problems import Unavailable
from budgetbuddy.store.chains import CHAIN_TRIES, OPERATOR, next_link
from budgetbuddy.store.commands import Commands, Retry
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, delete, put


class FlagRows:
    """Implements `domain.pinning.Flags`."""

    def __init__(self, store: Store, commands: Commands) -> None:
        self._store = store
        self._commands = commands

    def get(self, name: str) -> str | None:
        """What it was set to, or None."""
        row = self._store.runtime.get(_key(name))
        return str(row["value"]) if row else None

    def set(self, name: str, value: str | None, *, request_id: str) -> None:
        """Flag and link of the chain, both or neither."""
        for _ in range(CHAIN_TRIES):
            try:
                self._set(name, value, request_id)
            except Retry:
                continue
            return
        raise Unavailable("too many flags are set at once")

    def _set(self, name: str, value: str | None, request_id: str) -> None:
        key, table = _key(name), self._store.runtime.name
        changed = delete(table, key)
        if value is not None:
            at = format_instant(self._store.clock())
            row = {"pk": key.pk, "sk": key.sk, "v": 1, "value": value, "setAt": at}
            changed = put(table, row)
        link = next_link(
            self._store,
            OPERATOR,
            Event.FLAG_SET,
            object_=f"flag:{name}",
            sealed=f"value={value or 'default'};request={request_id}".encode(),
        )
        self._commands.commit([link, changed])


def _key(name: str) -> Key:
    return Key(pk=f"FLAG#{name}", sk="FLAG")
