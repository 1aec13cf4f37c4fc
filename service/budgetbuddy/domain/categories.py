"""Categories: what money was for. Each has a slot, the suffix of its counters in month records.

Slot and id follow from each other and the user, so a month record alone says which categories its
counters are of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.ids import Kind, base32, number_of, numbered_id
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Conflict, LimitReached, Unprocessable

MAX_CATEGORIES: Final = 120  # live ones; a month record of as many stays below 4 KB
_SLOT_LENGTH: Final = 2
_SLOTS: Final = 32**_SLOT_LENGTH  # archived categories keep theirs
NO_CATEGORY_SLOT: Final = "none"


class CategoryKind(StrEnum):
    """Which side of a month's report the category counts on."""

    EXPENSE = "expense"
    INCOME = "income"


class NameTaken(Conflict):
    """Two live categories of one name could not be told apart."""

    code = "name_taken"
    title = "A category has this name already"


class CategoryInUse(Conflict):
    """What would go on using it has to go first."""

    code = "category_in_use"
    title = "A budget or a rule uses the category"


class CategoryArchived(Unprocessable):
    """History keeps an archived category; new rows cannot have it."""

    code = "category_archived"
    title = "The category is archived"


@dataclass(frozen=True, kw_only=True)
class CategoryRef:
    """What a transaction keeps of its category, so that its effects can be undone exactly."""

    id: str
    slot: str
    kind: CategoryKind


@dataclass(frozen=True, kw_only=True)
class Category:
    """`kind` and `slot` never change."""

    id: str
    name: str
    group: str | None = None
    kind: CategoryKind
    color: str | None = None
    archived: bool = False
    slot: str
    version: int = 1

    @property
    def ref(self) -> CategoryRef:
        """The part that transactions keep."""
        return CategoryRef(id=self.id, slot=self.slot, kind=self.kind)


class Categories(Protocol):
    """The categories of users. Methods raise `NotFound` for an id the user does not have."""

    def list(self, user: UserRef) -> Sequence[Category]:
        """All, archived ones included, oldest first."""

    def get(self, user: UserRef, category_id: str) -> Category:
        """One."""

    def add(self, context: Context, draft: Mapping[str, Any]) -> Category:
        """Store a new category of these fields. Raises `NameTaken`, `LimitReached`."""

    def change(
        self, context: Context, category_id: str, version: int, fields: Mapping[str, Any]
    ) -> Category:
        """Replace the given fields. Raises `NameTaken`, `VersionConflict`."""

    def archive(self, context: Context, category_id: str, version: int) -> Category:
        """No new row can have it from now on. Raises `VersionConflict`, `CategoryInUse`."""


# Name, group and kind of what a new user starts with.
_DEFAULTS: Final = (
    ("Groceries", "Everyday", CategoryKind.EXPENSE),
    ("Restaurants", "Everyday", CategoryKind.EXPENSE),
    ("Transport", "Everyday", CategoryKind.EXPENSE),
    ("Shopping", "Everyday", CategoryKind.EXPENSE),
    ("Household", "Everyday", CategoryKind.EXPENSE),
    ("Rent and mortgage", "Bills", CategoryKind.EXPENSE),
    ("Utilities", "Bills", CategoryKind.EXPENSE),
    ("Phone and internet", "Bills", CategoryKind.EXPENSE),
    ("Insurance", "Bills", CategoryKind.EXPENSE),
    ("Health", "Life", CategoryKind.EXPENSE),
    ("Leisure", "Life", CategoryKind.EXPENSE),
    ("Travel", "Life", CategoryKind.EXPENSE),
    ("Gifts and donations", "Life", CategoryKind.EXPENSE),
    ("Fees and taxes", "Bills", CategoryKind.EXPENSE),
    ("Salary", "Income", CategoryKind.INCOME),
    ("Other income", "Income", CategoryKind.INCOME),
)


def category_slot(category_id: str) -> str:
    """The slot of a category."""
    return base32(number_of(category_id), _SLOT_LENGTH)


def category_id(user_id: str, slot: str) -> str:
    """The category of a user that has a slot."""
    return numbered_id(Kind.CATEGORY, user_id, number_of(slot))


def default_categories(user_id: str) -> tuple[Category, ...]:
    """The categories a new user starts with, each with a slot of its own."""
    return tuple(
        Category(
            id=numbered_id(Kind.CATEGORY, user_id, number),
            name=name,
            group=group,
            kind=kind,
            slot=base32(number, _SLOT_LENGTH),
        )
        for number, (name, group, kind) in enumerate(_DEFAULTS)
    )


def new_category(user_id: str, existing: Sequence[Category], draft: Mapping[str, Any]) -> Category:
    """A category of these fields beside the existing ones. Raises `NameTaken`, `LimitReached`."""
    live = [category for category in existing if not category.archived]
    if len(live) >= MAX_CATEGORIES or len(existing) >= _SLOTS:
        raise LimitReached(f"at most {MAX_CATEGORIES} categories")
    require_free_name(existing, draft["name"])
    taken = {category.slot for category in existing}
    slots = (base32(number, _SLOT_LENGTH) for number in range(_SLOTS))
    free = next(slot for slot in slots if slot not in taken)
    return Category(id=category_id(user_id, free), slot=free, **draft)


def changed_category(
    existing: Sequence[Category], category: Category, fields: Mapping[str, Any]
) -> Category:
    """The category with these fields replaced. Raises `NameTaken`."""
    if "name" in fields:
        others = [other for other in existing if other.id != category.id]
        require_free_name(others, fields["name"])
    return replace(category, **fields, version=category.version + 1)


def require_free_name(existing: Sequence[Category], name: str) -> None:
    """Raises `NameTaken` when a live category has the name, whatever its case."""
    if any(c.name.casefold() == name.casefold() for c in existing if not c.archived):
        raise NameTaken
