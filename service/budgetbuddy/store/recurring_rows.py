"""Recurring items as they are stored; name and payee sealed."""

from datetime import date

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.domain.recurring import Frequency, Recurring, RecurringStatus
from budgetbuddy.store.codec import Item
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key

PREFIX = "RC#"


def recurring_key(user_id: str, recurring_id: str) -> Key:
    """Where an item lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{recurring_id}")


def encode_recurring(store: Store, sealer: Sealer, user: UserRef, item: Recurring) -> Item:
    """The stored form."""
    key = recurring_key(user.id, item.id)
    personal = {"name": item.name, "payee": item.payee}
    return {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "cur": item.amount.currency.code,
        "minor": item.amount.minor,
        "tolerance": item.tolerance_percent,
        "frequency": item.frequency,
        "next": item.next_date.isoformat(),
        "cat": item.category_id,
        "acc": item.account_id,
        "status": item.status,
        "evidence": list(item.evidence),
        "x": seal_fields(sealer, user, store.ledger.place(key), personal),
        "version": item.version,
    }


def decode_recurring(store: Store, sealer: Sealer, user: UserRef, row: Item) -> Recurring:
    """The item again."""
    place = store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
    personal = open_fields(sealer, user, place, row["x"])
    return Recurring(
        id=row["sk"].removeprefix(PREFIX),
        name=personal["name"],
        payee=personal["payee"],
        amount=Money(row["minor"], currency_of(row["cur"])),
        tolerance_percent=row["tolerance"],
        frequency=Frequency(row["frequency"]),
        next_date=date.fromisoformat(row["next"]),
        category_id=row["cat"],
        account_id=row["acc"],
        status=RecurringStatus(row["status"]),
        evidence=tuple(row["evidence"]),
        version=row["version"],
    )
