"""Goals and contributions as they are stored: amounts clear, names and notes sealed."""

from datetime import date

from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.goals import Contribution, Goal, GoalStatus
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.store.codec import Item
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key

PREFIX = "G#"


def goal_key(user_id: str, goal_id: str) -> Key:
    """Where a goal lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{goal_id}")


def contribution_prefix(goal_id: str) -> str:
    """How the sort keys of a goal's contributions begin."""
    return f"GC#{goal_id}#"


def contribution_key(user_id: str, goal_id: str, contribution_id: str) -> Key:
    """Where a contribution lives."""
    return Key(pk=f"U#{user_id}", sk=contribution_prefix(goal_id) + contribution_id)


def encode_goal(store: Store, sealer: Sealer, user: UserRef, goal: Goal) -> Item:
    """The stored form."""
    key = goal_key(user.id, goal.id)
    monthly = goal.monthly_contribution
    return {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "cur": goal.target.currency.code,
        "target": goal.target.minor,
        "saved": goal.saved.minor,
        "targetDate": goal.target_date.isoformat() if goal.target_date else None,
        "monthly": monthly.minor if monthly else None,
        "acc": goal.account_id,
        "status": goal.status,
        "reached": [[percent, at] for percent, at in goal.reached],
        "createdAt": goal.created_at,
        "deletedAt": goal.deleted_at,
        "x": seal_fields(sealer, user, store.ledger.place(key), {"name": goal.name}),
        "version": goal.version,
    }


def decode_goal(store: Store, sealer: Sealer, user: UserRef, row: Item) -> Goal:
    """The goal again."""
    place = store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
    currency = currency_of(row["cur"])
    return Goal(
        id=row["sk"].removeprefix(PREFIX),
        name=open_fields(sealer, user, place, row["x"])["name"],
        target=Money(row["target"], currency),
        saved=Money(row["saved"], currency),
        target_date=date.fromisoformat(row["targetDate"]) if row["targetDate"] else None,
        monthly_contribution=None if row["monthly"] is None else Money(row["monthly"], currency),
        account_id=row["acc"],
        status=GoalStatus(row["status"]),
        reached=tuple((percent, at) for percent, at in row["reached"]),
        created_at=row["createdAt"],
        deleted_at=row["deletedAt"],
        version=row["version"],
    )


def encode_contribution(store: Store, sealer: Sealer, user: UserRef, made: Contribution) -> Item:
    """The stored form."""
    key = contribution_key(user.id, made.goal_id, made.id)
    return {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "cur": made.amount.currency.code,
        "minor": made.amount.minor,
        "date": made.day.isoformat(),
        "tid": made.transaction_id,
        "createdAt": made.created_at,
        "x": seal_fields(sealer, user, store.ledger.place(key), {"note": made.note}),
    }


def decode_contribution(store: Store, sealer: Sealer, user: UserRef, row: Item) -> Contribution:
    """The contribution again."""
    key = Key(pk=row["pk"], sk=row["sk"])
    _, goal_id, contribution_id = key.sk.split("#")
    return Contribution(
        id=contribution_id,
        goal_id=goal_id,
        amount=Money(row["minor"], currency_of(row["cur"])),
        day=date.fromisoformat(row["date"]),
        note=open_fields(sealer, user, store.ledger.place(key), row["x"])["note"],
        transaction_id=row["tid"],
        created_at=row["createdAt"],
    )
