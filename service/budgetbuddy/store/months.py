"""Month records read back: one row, half a read unit, whatever the history."""

from collections.abc import Sequence

from budgetbuddy.domain.effects import COUNT, NET
from budgetbuddy.domain.months import MonthRecord, SlotSum
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.store.balances import month_key
from budgetbuddy.store.codec import Item
from budgetbuddy.store.table import Store

PREFIX = "M#"


class MonthStore:
    """Implements `domain.months.Months`; eventually consistent, which halves the price."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, user: UserRef, currency: str, month: str) -> MonthRecord:
        """One record."""
        row = self._store.ledger.get(month_key(user.id, currency, month), consistent=False)
        return _decode(row) if row else MonthRecord(month=month, currency=currency)

    def range(self, user: UserRef, currency: str, first: str, last: str) -> Sequence[MonthRecord]:
        """A span of months in one query."""
        between = (f"{PREFIX}{currency}#{first}", f"{PREFIX}{currency}#{last}")
        rows = self._store.ledger.query(f"U#{user.id}", between=between, consistent=False)
        return [_decode(row) for row in rows]

    def all(self, user: UserRef, first: str, last: str) -> Sequence[MonthRecord]:
        """A span of months in all currencies; few users have more than one or two."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX, consistent=False)
        records = [_decode(row) for row in rows]
        return [record for record in records if first <= record.month <= last]


def _decode(row: Item) -> MonthRecord:
    _, currency, month = row["sk"].split("#")
    slots = {  # by the counts: a net of zero has no attribute
        slot: SlotSum(net_minor=row.get(NET + slot, 0), count=count)
        for name, count in row.items()
        if name.startswith(COUNT) and count
        for slot in [name.removeprefix(COUNT)]
    }
    return MonthRecord(
        month=month,
        currency=currency,
        income_minor=row.get("in", 0),
        spending_minor=row.get("out", 0),
        count=row.get("cnt", 0),
        slots=slots,
        version=row["version"],
    )
