"""Rules as `/rules` gives them."""

from budgetbuddy.api._body import View
from budgetbuddy.api._fields import MoneyView
from budgetbuddy.domain.rules import (
    AccountIs,
    Actions,
    AmountIs,
    Condition,
    DirectionIs,
    Match,
    Rule,
    TextIs,
)


class ConditionView(View):
    """A condition as it was given."""

    field: str
    op: str
    value: str | MoneyView | dict[str, MoneyView]

    @classmethod
    def of(cls, condition: Condition) -> "ConditionView":
        """The view of a condition."""
        match condition:
            case TextIs(field=field, op=op, value=value):
                return cls(field=field, op=op, value=value)
            case AmountIs(low=low, high=high) if low == high:
                return cls(field="amount", op="equals", value=MoneyView.of(low))
            case AmountIs(low=low, high=high):
                ends = {"min": MoneyView.of(low), "max": MoneyView.of(high)}
                return cls(field="amount", op="between", value=ends)
            case AccountIs(account_id=account_id):
                return cls(field="accountId", op="equals", value=account_id)
            case DirectionIs(direction=direction):
                return cls(field="direction", op="equals", value=direction)


class ActionView(View):
    """What is done."""

    do: str
    value: str | bool


def actions_of(then: Actions) -> list[ActionView]:
    """The views of actions, in a fixed order."""
    given: list[tuple[str, str | bool | None]] = [
        ("setCategory", then.category_id),
        *(("addTag", tag) for tag in then.tags),
        ("setMerchant", then.merchant),
        ("setExcluded", then.excluded),
        ("setReview", then.review),
    ]
    return [ActionView(do=do, value=value) for do, value in given if value is not None]


class RuleView(View):
    """A rule; `position` is its place in the order, from 0."""

    id: str
    name: str
    enabled: bool
    position: int
    when: list[ConditionView]
    match: Match
    then: list[ActionView]
    stop: bool
    version: int

    @classmethod
    def of(cls, rule: Rule) -> "RuleView":
        """The view of a rule."""
        return cls(
            id=rule.id,
            name=rule.name,
            enabled=rule.enabled,
            position=rule.position,
            when=[ConditionView.of(condition) for condition in rule.when],
            match=rule.match,
            then=actions_of(rule.then),
            stop=rule.stop,
            version=rule.version,
        )


class RuleList(View):
    """All rules in their order; the list is not paged."""

    items: list[RuleView]
    next_cursor: str | None = None
