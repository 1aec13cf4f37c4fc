"""What `/rules` takes and gives."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query
from budgetbuddy.api._fields import (
    Description,
    Merchant,
    MoneyInput,
    Name,
    Tag,
    unset,
)
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

_EXAMPLE: dict[str, Any] = {
    "name": "Coffee",
    "when": [
        {"field": "description", "op": "contains", "value": "espresso"},
        {"field": "direction", "op": "equals", "value": "out"},
    ],
    "match": "all",
    "then": [
        {"do": "setCategory", "value": "cat_01jdk2v7x8e9rts0a1b2c3d4e5"},
        {"do": "addTag", "value": "coffee"},
    ],
}


class RulePath(Query):
    """Path of one rule."""

    rule_id: str


class TextCondition(Input):
    """A text compares with `value`, upper and lower case alike."""

    field: Literal["description", "merchant"]
    op: TextOp
    value: Description

    def condition(self) -> Condition:
        """As the domain has it."""
        return TextIs(field=TextField(self.field), op=self.op, value=self.value)


class AmountRange(Input):
    """Two signed amounts of one currency, both included."""

    min: MoneyInput
    max: MoneyInput

    @model_validator(mode="after")
    def _is_a_range(self) -> "AmountRange":
        low, high = self.min.money(), self.max.money()
        if low.currency != high.currency or high < low:
            raise PydanticCustomError("not_a_range", "min is at most max, in one currency")
        return self


class AmountCondition(Input):
    """The signed amount equals `value`, or lies between its `min` and `max`."""

    field: Literal["amount"]
    op: Literal["equals", "between"]
    value: MoneyInput | AmountRange

    @model_validator(mode="after")
    def _fits(self) -> "AmountCondition":
        if (self.op == "between") is not isinstance(self.value, AmountRange):
            raise PydanticCustomError("wrong_value", "between takes min and max, equals an amount")
        return self

    def condition(self) -> Condition:
        """As the domain has it."""
        if isinstance(self.value, AmountRange):
            return AmountIs(low=self.value.min.money(), high=self.value.max.money())
        return AmountIs(low=self.value.money(), high=self.value.money())


class AccountCondition(Input):
    """The transaction is on this account."""

    field: Literal["accountId"]
    op: Literal["equals"]
    value: str

    def condition(self) -> Condition:
        """As the domain has it."""
        return AccountIs(account_id=self.value)


class DirectionCondition(Input):
    """Money flows in, or out."""

    field: Literal["direction"]
    op: Literal["equals"]
    value: Direction

    def condition(self) -> Condition:
        """As the domain has it."""
        return DirectionIs(direction=self.value)


OneCondition = Annotated[
    TextCondition | AmountCondition | AccountCondition | DirectionCondition,
    Field(discriminator="field"),
]


class SetCategory(Input):
    """File it under a category."""

    do: Literal["setCategory"]
    value: str


class AddTag(Input):
    """Add a tag."""

    do: Literal["addTag"]
    value: Tag


class SetMerchant(Input):
    """Name the merchant."""

    do: Literal["setMerchant"]
    value: Merchant


class SetExcluded(Input):
    """Leave it out of income and spending, or count it."""

    do: Literal["setExcluded"]
    value: bool


class SetReview(Input):
    """Mark it."""

    do: Literal["setReview"]
    value: Review


OneAction = Annotated[
    SetCategory | AddTag | SetMerchant | SetExcluded | SetReview, Field(discriminator="do")
]


Conditions = Annotated[list[OneCondition], Field(min_length=1, max_length=10)]


def _sets_once(actions: list[OneAction]) -> list[OneAction]:
    done = [action.do for action in actions if not isinstance(action, AddTag)]
    if len(set(done)) < len(done):
        raise PydanticCustomError("set_twice", "A rule sets each thing at most once")
    return actions


ActionList = Annotated[
    list[OneAction], Field(min_length=1, max_length=5), AfterValidator(_sets_once)
]


class _Fields(Input):
    """What new and changed rules have in common: how fields reach the domain."""

    def fields(self) -> dict[str, Any]:
        """The fields given, as the domain has them."""
        fields = {name: getattr(self, name) for name in self.model_fields_set}
        if "when" in fields:
            fields["when"] = tuple(found.condition() for found in fields["when"])
        if "then" in fields:
            fields["then"] = _actions(fields["then"])
        return fields

    def texts(self) -> dict[str, str | None]:
        """By pointer, texts that could hold a card number."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        texts: dict[str, str | None] = {"/name": given.get("name")}
        for number, found in enumerate(given.get("when", ())):
            if isinstance(found, TextCondition):
                texts[f"/when/{number}/value"] = found.value
        for number, action in enumerate(given.get("then", ())):
            if isinstance(action, AddTag | SetMerchant):
                texts[f"/then/{number}/value"] = action.value
        return texts


def _actions(actions: list[OneAction]) -> Actions:
    values: dict[str, Any] = {action.do: action.value for action in actions}
    tags = [action.value for action in actions if isinstance(action, AddTag)]
    return Actions(
        category_id=values.get("setCategory"),
        tags=tuple(dict.fromkeys(tags)),
        merchant=values.get("setMerchant"),
        excluded=values.get("setExcluded"),
        review=values.get("setReview"),
    )


class RuleChange(_Fields):
    """Fields to replace; absent ones stay."""

    model_config = ConfigDict(json_schema_extra={"example": {"enabled": False}})

    name: Name = unset()
    enabled: bool = unset()
    when: Conditions = unset()
    match: Match = unset()
    then: ActionList = unset()
    stop: bool = unset()


class RuleInput(_Fields):
    """Conditions and what is done when they hold. Each thing is set at most once."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    name: Name
    enabled: bool = True
    when: Conditions
    match: Match = Match.ALL
    then: ActionList
    stop: bool = False

    def rule(self, rule_id: str) -> Rule:
        """As the domain has it."""
        return Rule(id=rule_id, **self.fields())
