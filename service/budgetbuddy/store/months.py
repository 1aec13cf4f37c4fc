"""Month records read back: one row, half a read unit, whatever the history."""

from budgetbuddy.domain.effects import COUNT, NET
from budgetbuddy.domain.months import MonthRecord, SlotSum
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.store.balances import month_key
from budgetbuddy.store.table import Store


class MonthStore:
    """Implements `domain.months.Months`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, user: UserRef, currency: str, month: str) -> MonthRecord:
        """One record; eventually consistent, which halves its price."""
        key = month_key(user.id, currency, month)
        row = self._store.ledger.get(key, consistent=False)
        if row is None:
            return MonthRecord(month=month, currency=currency)
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
