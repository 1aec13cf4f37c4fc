"""Conditional writes as data: built once, sent alone or as part of a transaction.

    update(ledger, key, add={"bal": 1250}, when=(Exists("pk"), Equals("status", "open")),
           refuse=account_refused)

`refuse` receives the row as it was (`None`: there was none) when the condition failed, and returns
the problem to raise, so that "gone" and "changed" need no second read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from budgetbuddy.problems import NotFound, Problem, VersionConflict
from budgetbuddy.store.codec import Encoded, Item, Value, encode, size_bytes
from budgetbuddy.store.expressions import Condition, Expressions

ITEM_BYTES = 400 * 1024  # AWS limits
PARTITION_KEY_BYTES = 2_048
SORT_KEY_BYTES = 1_024

Refuse = Callable[[Item | None], Exception]
Kind = Literal["Put", "Update", "Delete", "ConditionCheck"]


@dataclass(frozen=True, kw_only=True)
class Key:
    """Both parts of a primary key."""

    pk: str
    sk: str

    def __post_init__(self) -> None:
        """Refuse here what DynamoDB would refuse, and what the emulators let through."""
        if not 1 <= len(self.pk.encode()) <= PARTITION_KEY_BYTES:
            raise ValueError(f"a partition key has 1..{PARTITION_KEY_BYTES} bytes")
        if not 1 <= len(self.sk.encode()) <= SORT_KEY_BYTES:
            raise ValueError(f"a sort key has 1..{SORT_KEY_BYTES} bytes")

    @property
    def encoded(self) -> Encoded:
        """In DynamoDB's notation."""
        return {"pk": {"S": self.pk}, "sk": {"S": self.sk}}


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write: `table` is a physical name, `request` the body of the transaction item."""

    kind: Kind
    table: str
    key: Key
    request: dict[str, Any]
    refuse: Refuse

    @property
    def transact_item(self) -> dict[str, Any]:
        """As `TransactWriteItems` wants it."""
        return {self.kind: self.request}


def missing_or_changed(stored: Item | None) -> Problem:
    """404 when there is no row, else 412 with the version it has now."""
    return NotFound() if stored is None else VersionConflict(int(stored.get("version", 0)))


def put(
    table: str,
    item: Mapping[str, Any],
    *,
    when: Iterable[Condition] = (),
    refuse: Refuse = missing_or_changed,
) -> Write:
    """Store a whole item; give `when=(Absent("pk"),)` unless overwriting is meant."""
    encoded = encode(item)
    if (size := size_bytes(encoded)) > ITEM_BYTES:
        raise ValueError(f"an item of {size} bytes exceeds {ITEM_BYTES}")
    key = Key(pk=str(item["pk"]), sk=str(item["sk"]))
    return _write("Put", table, key, {"Item": encoded}, Expressions(), when, refuse)


def update(  # noqa: PLR0913 - the clauses of one update expression
    table: str,
    key: Key,
    *,
    set_: Mapping[str, Value] | None = None,
    add: Mapping[str, Value] | None = None,
    remove: Iterable[str] = (),
    when: Iterable[Condition] = (),
    refuse: Refuse = missing_or_changed,
) -> Write:
    """Change attributes. Without a condition a missing row is created, as DynamoDB does."""
    expressions = Expressions()
    body = {
        "Key": key.encoded,
        "UpdateExpression": expressions.update(set_ or {}, add or {}, remove),
    }
    return _write("Update", table, key, body, expressions, when, refuse)


def delete(
    table: str,
    key: Key,
    *,
    when: Iterable[Condition] = (),
    refuse: Refuse = missing_or_changed,
) -> Write:
    """Remove a row; without a condition a missing one is no error."""
    return _write("Delete", table, key, {"Key": key.encoded}, Expressions(), when, refuse)


def check(
    table: str,
    key: Key,
    *,
    when: Iterable[Condition],
    refuse: Refuse = missing_or_changed,
) -> Write:
    """Write nothing, but cancel the transaction unless the row meets `when`."""
    return _write("ConditionCheck", table, key, {"Key": key.encoded}, Expressions(), when, refuse)


def _write(  # noqa: PLR0913, PLR0917 - private, one caller a kind
    kind: Kind,
    table: str,
    key: Key,
    body: dict[str, Any],
    expressions: Expressions,
    when: Iterable[Condition],
    refuse: Refuse,
) -> Write:
    request = {"TableName": table, **body}
    if conditions := tuple(when):
        request["ConditionExpression"] = expressions.conjunction(conditions)
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return Write(
        kind=kind, table=table, key=key, request=expressions.attach(request), refuse=refuse
    )
