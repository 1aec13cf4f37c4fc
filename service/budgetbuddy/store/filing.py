"""New rows filed by a user's rules, as they are when the work on those rows begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from budgetbuddy.domain.categories import CategoryRef
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.domain.rules import Rule, filed
from budgetbuddy.domain.transactions import Transaction
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.rules import load_rules
from budgetbuddy.store.table import Store


@dataclass(frozen=True)
class Filing:
    """`refs` are the categories that the rules file under, by id."""

    rules: Sequence[Rule]
    refs: Mapping[str, CategoryRef]

    def __call__(self, new: Transaction) -> Transaction:
        """The row as the rules have it."""
        found = filed(new, self.rules)
        if new.category is not None or found.category_id is None:
            return found.row
        return replace(found.row, category=self.refs[found.category_id])


def load_filing(store: Store, sealer: Sealer, user: UserRef) -> Filing:
    """The rules of a user that are enabled, and their categories."""
    rules = [rule for rule in load_rules(store, sealer, user) if rule.enabled]
    under = {rule.then.category_id for rule in rules if rule.then.category_id}
    return Filing(rules, load_refs(store, user, sorted(under)))
