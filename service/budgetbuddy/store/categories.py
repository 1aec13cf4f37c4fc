"""Category rows: `C#{id}` below the user."""

from collections.abc import Mapping, Sequence
from typing import Any

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.categories import (
    Category,
    CategoryKind,
    CategoryRef,
    changed_category,
    new_category,
)
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.transactions import (
    require_live_category,
)
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.category_uses import require_unused
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put

PREFIX = "C#"


def category_key(user_id: str, category_id: str) -> Key:
    """Where a category lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{category_id}")


def category_write(
    store: Store, sealer: Sealer, user: UserRef, category: Category, *, read: int | None
) -> Write:
    """Put the row; `read` is the version it replaces, None for a new one."""
    key = category_key(user.id, category.id)
    personal = {"name": category.name, "group": category.group}
    row: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "slot": category.slot,
        "kind": category.kind,
        "color": category.color,
        "archived": category.archived,
        "x": seal_fields(sealer, user, store.ledger.place(key), personal),
        "version": category.version,
    }
    when = (Absent("pk"),) if read is None else (Exists("pk"), Equals("version", read))
    return put(store.ledger.name, row, when=when)


class CategoryStore:
    """Implements `domain.categories.Categories`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[Category]:
        """All, archived ones included, oldest first."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
        return [self.decode(user, row) for row in rows]

    def get(self, user: UserRef, category_id: str) -> Category:
        """One; raises `NotFound`."""
        key = category_key(user.id, require_id(Kind.CATEGORY, category_id))
        row = self._store.ledger.get(key)
        if row is None:
            raise NotFound
        return self.decode(user, row)

    def add(self, context: Context, draft: Mapping[str, Any]) -> Category:
        """Store a new one; names are compared with all others as of the head."""

        def plan(_: Head) -> Plan[Category]:
            category = new_category(context.user.id, self.list(context.user), draft)
            return self._plan(context, category, None, Event.CATEGORY_CREATED)

        return self._commands.run(context, plan)

    def change(
        self, context: Context, category_id: str, version: int, fields: Mapping[str, Any]
    ) -> Category:
        """Replace the given fields."""
        return self._change(context, category_id, version, fields, Event.CATEGORY_UPDATED)

    def archive(self, context: Context, category_id: str, version: int) -> Category:
        """Keep it for the past only."""
        fields = {"archived": True}
        return self._change(context, category_id, version, fields, Event.CATEGORY_ARCHIVED)

    def _change(
        self,
        context: Context,
        category_id: str,
        version: int,
        fields: Mapping[str, Any],
        event: Event,
    ) -> Category:
        def plan(_: Head) -> Plan[Category]:
            existing = self.list(context.user)
            category = next((c for c in existing if c.id == category_id), None)
            if category is None:
                raise NotFound
            if category.version != version:
                raise VersionConflict(category.version)
            if fields.get("archived"):
                require_unused(self._store, context.user, category_id)
            changed = changed_category(existing, category, fields)
            return self._plan(context, changed, version, event)

        return self._commands.run(context, plan)

    def _plan(
        self, context: Context, category: Category, read: int | None, event: Event
    ) -> Plan[Category]:
        write = category_write(self._store, self._sealer, context.user, category, read=read)
        return Plan(
            writes=(write,),
            changes=(
                Change(type="category", id=category.id, op="upsert", version=category.version),
            ),
            audit=AuditEntry(event=event, object=f"category:{category.id}"),
            result=category,
        )

    def decode(self, user: UserRef, row: Item) -> Category:
        """The category of a row."""
        place = self._store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
        personal = open_fields(self._sealer, user, place, row["x"])
        return Category(
            id=row["sk"].removeprefix(PREFIX),
            name=personal["name"],
            group=personal["group"],
            kind=CategoryKind(row["kind"]),
            color=row["color"],
            archived=row["archived"],
            slot=row["slot"],
            version=row["version"],
        )


def load_refs(store: Store, user: UserRef, ids: Sequence[str]) -> dict[str, CategoryRef]:
    """What transactions keep of these categories; nothing is opened.

    Raises `NotFound` for one the user does not have, `CategoryArchived`.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    keys = [category_key(user.id, require_id(Kind.CATEGORY, wanted_id)) for wanted_id in wanted]
    refs = {}
    rows = store.batch_get([(store.ledger, key) for key in keys])
    for category_id, row in zip(wanted, rows, strict=True):
        if row is None:
            raise NotFound
        require_live_category(archived=row["archived"])
        refs[category_id] = CategoryRef(
            id=category_id, slot=row["slot"], kind=CategoryKind(row["kind"])
        )
    return refs
