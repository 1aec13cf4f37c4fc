"""Rules as they are stored: `R#{id}` below the user, conditions and texts sealed."""

from typing import Any

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.domain.rules import (
    AccountIs,
    Actions,
    AmountIs,
    Condition,
    Direction,
    DirectionIs,
    Match,
    Rule,
    TextField,
    TextIs,
    TextOp,
)
from budgetbuddy.domain.transactions import Review
from budgetbuddy.store.codec import Item
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key

PREFIX = "R#"


def rule_key(user_id: str, rule_id: str) -> Key:
    """Where a rule lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{rule_id}")


def order_key(user_id: str) -> Key:
    """Where the order of all rules lives: one row, however many move."""
    return Key(pk=f"U#{user_id}", sk="RULEORDER")


def encode_rule(store: Store, sealer: Sealer, user: UserRef, rule: Rule) -> Item:
    """The stored form; `cats` is clear, to find what uses a category."""
    key, then = rule_key(user.id, rule.id), rule.then
    personal = {
        "name": rule.name,
        "when": [_encode_condition(condition) for condition in rule.when],
        "tags": list(then.tags),
        "merchant": then.merchant,
    }
    row: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "enabled": rule.enabled,
        "match": rule.match,
        "stop": rule.stop,
        "cat": then.category_id,
        "excluded": then.excluded,
        "review": then.review,
        "x": seal_fields(sealer, user, store.ledger.place(key), personal),
        "version": rule.version,
    }
    if then.category_id:
        row["cats"] = frozenset({then.category_id})
    return row


def decode_rule(store: Store, sealer: Sealer, user: UserRef, row: Item, position: int) -> Rule:
    """The rule again."""
    place = store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
    personal = open_fields(sealer, user, place, row["x"])
    return Rule(
        id=row["sk"].removeprefix(PREFIX),
        name=personal["name"],
        enabled=row["enabled"],
        position=position,
        when=tuple(_decode_condition(condition) for condition in personal["when"]),
        match=Match(row["match"]),
        then=Actions(
            category_id=row["cat"],
            tags=tuple(personal["tags"]),
            merchant=personal["merchant"],
            excluded=row["excluded"],
            review=Review(row["review"]) if row["review"] else None,
        ),
        stop=row["stop"],
        version=row["version"],
    )


def _encode_condition(condition: Condition) -> list[Any]:
    match condition:
        case TextIs(field=field, op=op, value=value):
            return ["text", field, op, value]
        case AmountIs(low=low, high=high):
            return ["amount", low.currency.code, low.minor, high.minor]
        case AccountIs(account_id=account_id):
            return ["account", account_id]
        case DirectionIs(direction=direction):
            return ["direction", direction]


def _decode_condition(parts: list[Any]) -> Condition:
    match parts:
        case ["text", field, op, value]:
            return TextIs(field=TextField(field), op=TextOp(op), value=value)
        case ["amount", code, low, high]:
            currency = currency_of(code)
            return AmountIs(low=Money(low, currency), high=Money(high, currency))
        case ["account", account_id]:
            return AccountIs(account_id=account_id)
        case ["direction", direction]:
            return DirectionIs(direction=Direction(direction))
        case _:
            raise ValueError("a stored condition is of no known kind")
