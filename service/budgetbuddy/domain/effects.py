"""What a transaction does to its account and to its month, as counters to add.

Adding a row, changing it and taking it away are sums of the same effects, so that the counters
always equal what the live rows say. Attribute names are those of the stored rows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from budgetbuddy.domain.categories import NO_CATEGORY_SLOT, CategoryKind, CategoryRef
from budgetbuddy.domain.transactions import (
    Transaction,
    TransactionKind,
    TransactionStatus,
)

_K = TypeVar("_K")

FLOW = "f_"  # an account's net posted flow of a month: f_202601
NET, COUNT = "s_", "n_"  # a category's net amount and number of rows in a month record


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Counters to add: by account id, and by currency code and month (`YYYY-MM`)."""

    accounts: Mapping[str, Mapping[str, int]]
    months: Mapping[tuple[str, str], Mapping[str, int]]


def effects(added: Iterable[Transaction] = (), removed: Iterable[Transaction] = ()) -> Effects:
    """The net effect of rows that appear and rows that vanish; counters of zero are left out.

    A change is its old row removed and its new one added. Deleted rows have no effect.
    """
    accounts: dict[str, Counter[str]] = {}
    months: dict[tuple[str, str], Counter[str]] = {}
    for rows, sign in ((added, 1), (removed, -1)):
        for row in rows:
            if row.deleted_at is not None:
                continue
            _add(accounts.setdefault(row.account_id, Counter()), _on_account(row), sign)
            if counts_in_month(row):
                key = (row.amount.currency.code, f"{row.date:%Y-%m}")
                _add(months.setdefault(key, Counter()), _on_month(row), sign)
    return Effects(accounts=_without_zeros(accounts), months=_without_zeros(months))


def counts_in_month(row: Transaction) -> bool:
    """Whether the row is income or spending."""
    return (
        row.kind is TransactionKind.ENTRY
        and row.status is TransactionStatus.POSTED
        and not row.excluded
    )


def _on_account(row: Transaction) -> Mapping[str, int]:
    if row.status is TransactionStatus.PENDING:
        return {"pend": row.amount.minor, "n": 1}
    return {"bal": row.amount.minor, f"{FLOW}{row.date:%Y%m}": row.amount.minor, "n": 1}


def _on_month(row: Transaction) -> Mapping[str, int]:
    counters: Counter[str] = Counter(cnt=1)
    whole: list[tuple[CategoryRef | None, int]] = [(row.category, row.amount.minor)]
    for category, minor in [(s.category, s.amount.minor) for s in row.splits] or whole:
        slot = category.slot if category else NO_CATEGORY_SLOT
        counters[NET + slot] += minor
        counters[COUNT + slot] += 1
        counters[_side(category, minor)] += minor
    return counters


def _side(category: CategoryRef | None, minor: int) -> str:
    """A refund lowers spending: the category decides, and only without one the sign does."""
    if category is None:
        return "in" if minor > 0 else "out"
    return "in" if category.kind is CategoryKind.INCOME else "out"


def _add(counters: Counter[str], parts: Mapping[str, int], sign: int) -> None:
    for name, value in parts.items():
        counters[name] += sign * value


def _without_zeros(
    groups: Mapping[_K, Mapping[str, int]],
) -> dict[_K, dict[str, int]]:
    kept = {key: {n: v for n, v in group.items() if v} for key, group in groups.items()}
    return {key: group for key, group in kept.items() if group}
