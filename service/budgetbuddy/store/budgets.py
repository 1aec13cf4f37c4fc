"""Budget rows, `B#{category}` below the user, and the rows that count against short cycles."""

from collections.abc import Sequence
from datetime import date

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.budgets import (
    Budget,
    BudgetExists,
    BudgetTerms,
    Period,
    Rollover,
    changed_budget,
    new_budget,
)
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.transactions import TransactionKind, TransactionStatus
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Contains, Equals, Exists
from budgetbuddy.store.table import BY_DATE, Store
from budgetbuddy.store.transaction_rows import LIVE
from budgetbuddy.store.writes import Key, delete, put

PREFIX = "B#"


def budget_key(user_id: str, category_id: str) -> Key:
    """Where the budget of a category lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{require_id(Kind.CATEGORY, category_id)}")


class BudgetStore:
    """Implements `domain.budgets.Budgets`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        del sealer  # a budget holds no text
        self._store = store
        self._commands = commands

    def list(self, user: UserRef) -> Sequence[Budget]:
        """All, by category id."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
        return [decode_budget(row) for row in rows]

    def get(self, user: UserRef, category_id: str) -> Budget:
        """One; raises `NotFound`."""
        found = self._find(user, category_id)
        if found is None:
            raise NotFound
        return found

    def set(
        self, context: Context, category_id: str, version: int | None, terms: BudgetTerms
    ) -> Budget:
        """Create or replace, as of the head."""

        def plan(_: Head) -> Plan[Budget]:
            load_refs(self._store, context.user, [category_id])
            old = self._find(context.user, category_id)
            if version is None:
                if old is not None:
                    raise BudgetExists
                budget = new_budget(category_id, terms)
            else:
                if old is None:
                    raise NotFound
                if old.version != version:
                    raise VersionConflict(old.version)
                budget = changed_budget(old, terms)
            when = (
                (Absent("pk"),) if version is None else (Exists("pk"), Equals("version", version))
            )
            row = encode_budget(context.user, budget)
            change = Change(type="budget", id=category_id, op="upsert", version=budget.version)
            return Plan(
                writes=(put(self._store.ledger.name, row, when=when),),
                changes=(change,),
                audit=AuditEntry(event=Event.BUDGET_SET, object=f"budget:{category_id}"),
                result=budget,
            )

        return self._commands.run(context, plan)

    def remove(self, context: Context, category_id: str, version: int) -> None:
        """The category has no budget from now on; its past goes with it."""

        def plan(_: Head) -> Plan[None]:
            budget = self.get(context.user, category_id)
            if budget.version != version:
                raise VersionConflict(budget.version)
            key = budget_key(context.user.id, category_id)
            when = (Exists("pk"), Equals("version", version))
            return Plan(
                writes=(delete(self._store.ledger.name, key, when=when),),
                changes=(Change(type="budget", id=category_id, op="delete", version=version),),
                audit=AuditEntry(event=Event.BUDGET_DELETED, object=f"budget:{category_id}"),
                result=None,
            )

        self._commands.run(context, plan)

    def _find(self, user: UserRef, category_id: str) -> Budget | None:
        row = self._store.ledger.get(budget_key(user.id, category_id))
        return decode_budget(row) if row else None


def encode_budget(user: UserRef, budget: Budget) -> Item:
    """The stored form."""
    key = budget_key(user.id, budget.category_id)
    return {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "cur": budget.currency.code,
        "period": budget.period,
        "anchor": budget.anchor.isoformat() if budget.anchor else None,
        "rollover": budget.rollover,
        "limits": [[month, minor] for month, minor in budget.limits],
        "version": budget.version,
    }


def decode_budget(row: Item) -> Budget:
    """The budget again."""
    return Budget(
        category_id=row["sk"].removeprefix(PREFIX),
        currency=currency_of(row["cur"]),
        period=Period(row["period"]),
        anchor=date.fromisoformat(row["anchor"]) if row["anchor"] else None,
        rollover=Rollover(row["rollover"]),
        limits=tuple((month, minor) for month, minor in row["limits"]),
        version=row["version"],
    )


class SpendingRows:
    """Implements `domain.budget_reports.Spending`: a window of rows, at most some weeks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(
        self, user: UserRef, category_id: str, currency: str, start: date, end: date
    ) -> Sequence[tuple[date, int]]:
        """By the same rule as month records: posted entries that are not excluded."""
        rows = self._store.ledger.query(
            f"U#{user.id}",
            index=BY_DATE,
            between=(f"{LIVE}{start.isoformat()}", f"{LIVE}{end.isoformat()}~"),
            where=(
                Equals("cur", currency),
                Equals("st", TransactionStatus.POSTED),
                Equals("kind", TransactionKind.ENTRY),
                Equals("excluded", value=False),
                Contains("cats", category_id),
            ),
        )
        return [(date.fromisoformat(row["date"]), -_part(row, category_id)) for row in rows]


def _part(row: Item, category_id: str) -> int:
    """What of a row belongs to a category."""
    parts = [minor for cat, _, _, minor in row["splits"] if cat == category_id]
    return sum(parts) if row["splits"] else int(row["minor"])
