"""Transaction rows, `T#{id}` below the user, and the index attributes that order them.

`d` is `T#{date}#{id}` while the row counts and `D#{deletedAt}#{id}` in the trash; `a` is
`{account}#{date}#{id}` and only there while the row counts. Texts are sealed in `x`.
"""

from datetime import date
from typing import Any

from budgetbuddy.domain.categories import CategoryKind, CategoryRef
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.dates import parse_instant
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.domain.transactions import (
    KEPT_DELETED,
    Review,
    Source,
    Split,
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put

PREFIX = "T#"
LIVE, TRASH = "T#", "D#"  # how `d` begins


def transaction_key(user_id: str, transaction_id: str) -> Key:
    """Where a transaction lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{transaction_id}")


def transaction_write(
    store: Store, sealer: Sealer, user: UserRef, row: Transaction, *, read: int | None
) -> Write:
    """Put the row; `read` is the version it replaces, None for a new one."""
    item = encode_transaction(store, sealer, user, row)
    when = (Absent("pk"),) if read is None else (Exists("pk"), Equals("version", read))
    return put(store.ledger.name, item, when=when)


def encode_transaction(store: Store, sealer: Sealer, user: UserRef, row: Transaction) -> Item:
    """The stored form of a transaction."""
    key = transaction_key(user.id, row.id)
    personal = {
        "description": row.description,
        "merchant": row.merchant,
        "notes": row.notes,
        "importId": row.import_id,
        "splitNotes": [split.note for split in row.splits],
    }
    categories = {split.category.id for split in row.splits}
    if row.category and not categories:
        categories = {row.category.id}
    item: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "acc": row.account_id,
        "date": row.date.isoformat(),
        "minor": row.amount.minor,
        "cur": row.amount.currency.code,
        "cat": _encode_category(row.category) if row.category else None,
        "splits": [[*_encode_category(s.category), s.amount.minor] for s in row.splits],
        "st": row.status,
        "kind": row.kind,
        "trf": row.transfer_id,
        "src": row.source,
        "excluded": row.excluded,
        "review": row.review,
        "order": list(row.tags),
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "x": seal_fields(sealer, user, store.ledger.place(key), personal),
        "version": row.version,
        **_index_attributes(row),
    }
    # Sets, to filter by; DynamoDB has no empty ones.
    if categories:
        item["cats"] = frozenset(categories)
    if row.tags:
        item["tags"] = frozenset(row.tags)
    return item


def _index_attributes(row: Transaction) -> Item:
    if row.deleted_at is None:
        place = f"{row.date.isoformat()}#{row.id}"
        return {"d": f"{LIVE}{place}", "a": f"{row.account_id}#{place}"}
    purged = parse_instant(row.deleted_at) + KEPT_DELETED
    return {
        "d": f"{TRASH}{row.deleted_at}#{row.id}",
        "deletedAt": row.deleted_at,
        "ttl": int(purged.timestamp()),
    }


def decode_transaction(store: Store, sealer: Sealer, user: UserRef, row: Item) -> Transaction:
    """The transaction again; raises `SealBroken` when its texts are not its own."""
    place = store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
    personal = open_fields(sealer, user, place, row["x"])
    currency = currency_of(row["cur"])
    return Transaction(
        id=row["sk"].removeprefix(PREFIX),
        account_id=row["acc"],
        date=date.fromisoformat(row["date"]),
        amount=Money(row["minor"], currency),
        description=personal["description"],
        merchant=personal["merchant"],
        notes=personal["notes"],
        category=_decode_category(row["cat"]) if row["cat"] else None,
        splits=tuple(
            Split(category=_decode_category(parts), amount=Money(minor, currency), note=note)
            for (*parts, minor), note in zip(row["splits"], personal["splitNotes"], strict=True)
        ),
        tags=tuple(row["order"]),
        status=TransactionStatus(row["st"]),
        excluded=row["excluded"],
        review=Review(row["review"]),
        import_id=personal["importId"],
        kind=TransactionKind(row["kind"]),
        transfer_id=row["trf"],
        source=Source(row["src"]),
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        deleted_at=row.get("deletedAt"),
        version=row["version"],
    )


def _encode_category(ref: CategoryRef) -> list[str]:
    return [ref.id, ref.slot, ref.kind]


def _decode_category(parts: list[Any]) -> CategoryRef:
    category_id, slot, kind = parts
    return CategoryRef(id=category_id, slot=slot, kind=CategoryKind(kind))
