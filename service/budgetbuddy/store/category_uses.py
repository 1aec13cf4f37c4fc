"""What keeps a category from being archived: a budget for it, or a rule that files under it."""

from budgetbuddy.domain.categories import CategoryInUse
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.store.expressions import Contains
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key


def require_unused(store: Store, user: UserRef, category_id: str) -> None:
    """Raises `CategoryInUse`. Read after the head, so it holds at commit."""
    require_no_budget(store, user, category_id)
    rules = store.ledger.query(
        f"U#{user.id}", begins_with="R#", where=(Contains("cats", category_id),)
    )
    if rules:
        raise CategoryInUse("a rule files under it")


def require_no_budget(store: Store, user: UserRef, category_id: str) -> None:
    """Raises `CategoryInUse`: what was meant to be spent cannot be guessed for another category."""
    if store.ledger.get(Key(pk=f"U#{user.id}", sk=f"B#{category_id}")) is not None:
        raise CategoryInUse("a budget is for it")
