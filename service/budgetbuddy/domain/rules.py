"""Rules: what is done to a transaction whose texts, amount or account look like this.

No regular expressions: nothing a user writes can be slow to match. Rules run in their order; each
sees what those before it did, and one that says `stop` is the last for a transaction it matches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.jobs import Job
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.domain.transaction_queries import TransactionFilter
from budgetbuddy.domain.transactions import Review, Transaction, TransactionKind
from budgetbuddy.problems import Conflict, LimitReached

MAX_RULES: Final = 200
MAX_TAGS: Final = 20  # of a transaction


class RulesChanged(Conflict):
    """An order names every rule there is, once."""

    code = "rules_changed"
    title = "There are other rules than this order names"


class TextField(StrEnum):
    """Texts that can be looked at."""

    DESCRIPTION = "description"
    MERCHANT = "merchant"


class TextOp(StrEnum):
    """How a text is compared; upper and lower case are alike."""

    CONTAINS = "contains"
    EQUALS = "equals"
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"


class Match(StrEnum):
    """How many conditions have to hold."""

    ALL = "all"
    ANY = "any"


class Direction(StrEnum):
    """Which way money flows."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, kw_only=True)
class TextIs:
    """A text compares with `value`."""

    field: TextField
    op: TextOp
    value: str

    def holds(self, row: Transaction) -> bool:
        """Whether it does."""
        text = (getattr(row, self.field) or "").casefold()
        value = self.value.casefold()
        match self.op:
            case TextOp.CONTAINS:
                return value in text
            case TextOp.EQUALS:
                return value == text
            case TextOp.STARTS_WITH:
                return text.startswith(value)
            case TextOp.ENDS_WITH:
                return text.endswith(value)


@dataclass(frozen=True, kw_only=True)
class AmountIs:
    """The signed amount lies between two of one currency, both included."""

    low: Money
    high: Money

    def holds(self, row: Transaction) -> bool:
        """Whether it does; never in another currency."""
        if row.amount.currency != self.low.currency:
            return False
        return self.low.minor <= row.amount.minor <= self.high.minor


@dataclass(frozen=True, kw_only=True)
class AccountIs:
    """The transaction is on this account."""

    account_id: str

    def holds(self, row: Transaction) -> bool:
        """Whether it is."""
        return row.account_id == self.account_id


@dataclass(frozen=True, kw_only=True)
class DirectionIs:
    """Money flows in, or out."""

    direction: Direction

    def holds(self, row: Transaction) -> bool:
        """Whether it does."""
        return (row.amount.minor > 0) is (self.direction is Direction.IN)


Condition = TextIs | AmountIs | AccountIs | DirectionIs


@dataclass(frozen=True, kw_only=True)
class Actions:
    """What is set; `None` leaves as it is."""

    category_id: str | None = None
    tags: tuple[str, ...] = ()
    merchant: str | None = None
    excluded: bool | None = None
    review: Review | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`position` is its place in the order, from 0."""

    id: str
    name: str
    enabled: bool = True
    position: int = 0
    when: tuple[Condition, ...]
    match: Match = Match.ALL
    then: Actions
    stop: bool = False
    version: int = 1

    def matches(self, row: Transaction) -> bool:
        """Whether the conditions hold."""
        holds = (condition.holds(row) for condition in self.when)
        return all(holds) if self.match is Match.ALL else any(holds)


@dataclass(frozen=True, kw_only=True)
class Filed:
    """What rules make of a transaction; the category by its id."""

    row: Transaction
    category_id: str | None
    matched: bool

    def differs(self, other: "Filed") -> bool:
        """Whether anything that rules set is another."""
        return self.outcome != other.outcome

    @property
    def outcome(self) -> tuple[object, ...]:
        """Everything that rules can set."""
        row = self.row
        return self.category_id, row.tags, row.merchant, row.excluded, row.review


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One transaction before and after; both with the category by its id."""

    before: Filed
    after: Filed


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What rules would do: `changes` are the first of those that `matched`."""

    examined: int
    matched: int
    changes: Sequence[Preview] = field(default_factory=tuple)


class Rules(Protocol):
    """The rules of users. Methods raise `NotFound` for an id the user does not have."""

    def list(self, user: UserRef) -> Sequence[Rule]:
        """All, in their order."""

    def get(self, user: UserRef, rule_id: str) -> Rule:
        """One."""

    def add(self, context: Context, rule: Rule) -> Rule:
        """The last in the order. Raises `LimitReached`, `CategoryArchived`."""

    def change(
        self, context: Context, rule_id: str, version: int, fields: Mapping[str, Any]
    ) -> Rule:
        """Replace the given fields. Raises `VersionConflict`, `CategoryArchived`."""

    def remove(self, context: Context, rule_id: str, version: int) -> None:
        """Raises `VersionConflict`."""

    def order(self, context: Context, rule_ids: Sequence[str]) -> Sequence[Rule]:
        """Raises `RulesChanged`."""


class RuleRuns(Protocol):
    """Rules over transactions of the past."""

    def dry_run(
        self, user: UserRef, rules: Sequence[Rule], wanted: TransactionFilter, *, limit: int
    ) -> DryRun:
        """What would change; writes nothing."""

    def apply(
        self,
        context: Context,
        rules: Sequence[Rule],
        wanted: TransactionFilter,
        *,
        overwrite: bool,
    ) -> Job:
        """Change them, some at a time; a repeat finds nothing left to do."""


def require_room(rules: Sequence[Rule]) -> None:
    """Raises `LimitReached`."""
    if len(rules) >= MAX_RULES:
        raise LimitReached(f"at most {MAX_RULES} rules")


def as_it_is(row: Transaction) -> Filed:
    """A transaction that no rule has seen."""
    return Filed(row=row, category_id=row.category.id if row.category else None, matched=False)


def filed(
    row: Transaction,
    rules: Sequence[Rule],
    *,
    overwrite: bool = False,
    kept: frozenset[str] = frozenset(),
) -> Filed:
    """What enabled rules make of a transaction; only entries are touched.

    Without `overwrite` a category or merchant that is there stays. `kept` are fields that the user
    has just set: they stay in any case.
    """
    found = as_it_is(row)
    if row.kind is not TransactionKind.ENTRY or row.deleted_at is not None:
        return found
    for rule in rules:
        if rule.enabled and rule.matches(found.row):
            found = _done(found, rule.then, overwrite=overwrite, kept=kept)
            if rule.stop:
                break
    return found


def _done(found: Filed, then: Actions, *, overwrite: bool, kept: frozenset[str]) -> Filed:
    row, category_id = found.row, found.category_id
    if then.category_id and "category_id" not in kept and not row.splits:
        category_id = then.category_id if overwrite or category_id is None else category_id
    changes: dict[str, Any] = {}
    if then.merchant and "merchant" not in kept and (overwrite or row.merchant is None):
        changes["merchant"] = then.merchant
    if then.excluded is not None and "excluded" not in kept:
        changes["excluded"] = then.excluded
    if then.review is not None and "review" not in kept:
        changes["review"] = then.review
    new = [tag for tag in then.tags if tag not in row.tags]
    if new:
        changes["tags"] = (*row.tags, *new)[:MAX_TAGS]
    return Filed(row=replace(row, **changes), category_id=category_id, matched=True)
