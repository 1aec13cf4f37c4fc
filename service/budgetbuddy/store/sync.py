"""Delta sync from the change feed `CHG#{uid}`, and snapshots from the user's own partition."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.domain.sync import (
    KEPT,
    SyncChange,
    SyncOp,
    SyncPage,
    SyncToken,
    SyncTokenExpired,
    SyncType,
    latest,
)
from budgetbuddy.problems import SessionRevoked
from budgetbuddy.store import budgets, categories, goal_rows, recurring_rows, rule_rows, transfers
from budgetbuddy.store import transaction_rows as transactions
from budgetbuddy.store.account_rows import decode_account
from budgetbuddy.store.balances import ACCOUNT_PREFIX, account_key
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import head_key
from budgetbuddy.store.profiles import decode_profile, profile_key
from budgetbuddy.store.rules import load_rules
from budgetbuddy.store.table import BATCH_GET_KEYS, Store
from budgetbuddy.store.writes import Key

COMMITS = 50  # read at a time; one holds up to a hundred changes

KEYS: Mapping[SyncType, Callable[[str, str], Key]] = {
    SyncType.ACCOUNT: account_key,
    SyncType.TRANSACTION: transactions.transaction_key,
    SyncType.TRANSFER: transfers.transfer_key,
    SyncType.CATEGORY: categories.category_key,
    SyncType.RULE: rule_rows.rule_key,
    SyncType.RECURRING: recurring_rows.recurring_key,
    SyncType.BUDGET: budgets.budget_key,
    SyncType.GOAL: goal_rows.goal_key,
    SyncType.PROFILE: lambda user_id, _: profile_key(user_id),
}
PREFIXES: Mapping[str, SyncType] = {
    ACCOUNT_PREFIX: SyncType.ACCOUNT,
    transactions.PREFIX: SyncType.TRANSACTION,
    transfers.PREFIX: SyncType.TRANSFER,
    categories.PREFIX: SyncType.CATEGORY,
    rule_rows.PREFIX: SyncType.RULE,
    recurring_rows.PREFIX: SyncType.RECURRING,
    budgets.PREFIX: SyncType.BUDGET,
    goal_rows.PREFIX: SyncType.GOAL,
}


class SyncStore:
    """Implements `domain.sync.SyncFeed`."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        transfer_rows: transfers.TransferStore,
        category_rows: categories.CategoryStore,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._transfers = transfer_rows
        self._categories = category_rows

    def page(self, user: UserRef, since: SyncToken | None, *, limit: int) -> SyncPage:
        """The snapshot until it ends, then the feed."""
        now = int(self._store.clock().timestamp())
        if since is None:
            head = self._store.ledger.get(head_key(user.id))
            if head is None:
                raise SessionRevoked
            return self._snapshot(user, SyncToken(seq=head["seq"], at=now), limit)
        if now - since.at > KEPT.total_seconds():
            raise SyncTokenExpired
        if since.row:
            return self._snapshot(user, since, limit)
        return self._changes(user, since, limit, now)

    def _snapshot(self, user: UserRef, token: SyncToken, limit: int) -> SyncPage:
        """Rows as they are when they are read; what changed meanwhile comes again with the feed."""
        page = self._store.ledger.page(
            f"U#{user.id}", after=token.row or None, limit=limit, forward=True
        )
        rows = [row for row in page.items if _type_of(row) and not _is_deleted(row)]
        changes = [
            SyncChange(
                seq=token.seq,
                type=SyncType(str(_type_of(row))),
                id=_id_of(row),
                op=SyncOp.UPSERT,
                version=row["version"],
                entity=entity,
            )
            for row, entity in zip(rows, self._entities(user, rows), strict=True)
        ]
        last = page.next["sk"] if page.next else ""
        following = SyncToken(seq=token.seq, at=token.at, row=last)
        return SyncPage(changes=changes, next=following, has_more=bool(last))

    def _changes(self, user: UserRef, since: SyncToken, limit: int, now: int) -> SyncPage:
        told, reached, has_more = self._feed(user, since.seq, limit)
        known = [change for change in latest(told) if change["type"] in set(SyncType)]
        keys = [KEYS[SyncType(c["type"])](user.id, c["id"]) for c in known]
        rows = self._rows(keys)
        live = [row for row in rows if row is not None and not _is_deleted(row)]
        entities = dict(zip(((row["sk"]) for row in live), self._entities(user, live), strict=True))
        changes = [
            _change(told_change, row, entities.get(key.sk))
            for told_change, key, row in zip(known, keys, rows, strict=True)
        ]
        return SyncPage(changes=changes, next=SyncToken(seq=reached, at=now), has_more=has_more)

    def _feed(
        self, user: UserRef, seq: int, limit: int
    ) -> tuple[list[Mapping[str, Any]], int, bool]:
        """Whole commits, until there are `limit` changes; the last of them, and whether more."""
        told: list[Mapping[str, Any]] = []
        while True:
            page = self._store.ledger.page(
                f"CHG#{user.id}", after=f"{seq:020d}", limit=COMMITS, forward=True
            )
            for row in page.items:
                if told and len(told) + len(row["changes"]) > limit:
                    return told, seq, True
                seq = int(row["sk"])
                told += [
                    {"seq": seq, "type": kind, "id": name, "op": op, "version": version}
                    for kind, name, op, version in row["changes"]
                ]
            if page.next is None:
                return told, seq, False
            seq = max(seq, int(page.next["sk"]))

    def _rows(self, keys: Sequence[Key]) -> list[Item | None]:
        rows: list[Item | None] = []
        for start in range(0, len(keys), BATCH_GET_KEYS):
            part = keys[start : start + BATCH_GET_KEYS]
            rows += self._store.batch_get([(self._store.ledger, key) for key in part])
        return rows

    def _entities(self, user: UserRef, rows: Sequence[Item]) -> list[object]:
        has_rules = any(_type_of(row) is SyncType.RULE for row in rows)
        rules = load_rules(self._store, self._sealer, user) if has_rules else []
        places = {rule.id: rule.position for rule in rules}
        return [self._entity(user, row, places) for row in rows]

    def _entity(self, user: UserRef, row: Item, places: Mapping[str, int]) -> object:  # noqa: PLR0911 - one line a type
        told = (self._store, self._sealer, user, row)
        match _type_of(row):
            case SyncType.ACCOUNT:
                return decode_account(*told)
            case SyncType.TRANSACTION:
                return transactions.decode_transaction(*told)
            case SyncType.TRANSFER:
                return self._transfers.get(user, _id_of(row))
            case SyncType.CATEGORY:
                return self._categories.decode(user, row)
            case SyncType.RULE:
                return rule_rows.decode_rule(*told, places.get(_id_of(row), len(places)))
            case SyncType.RECURRING:
                return recurring_rows.decode_recurring(*told)
            case SyncType.BUDGET:
                return budgets.decode_budget(row)
            case SyncType.GOAL:
                return goal_rows.decode_goal(*told)
            case _:
                return decode_profile(self._store, self._sealer, row)


def _type_of(row: Item) -> SyncType | None:
    """What kind of entity a row of the user's partition is; `None` when it is not synced."""
    if row["sk"] == "PROFILE":
        return SyncType.PROFILE
    return PREFIXES.get(row["sk"].partition("#")[0] + "#")


def _id_of(row: Item) -> str:
    is_profile = row["sk"] == "PROFILE"
    return str(row["pk"].removeprefix("U#") if is_profile else row["sk"].partition("#")[2])


def _is_deleted(row: Item) -> bool:
    return bool(row.get("deletedAt")) or str(row.get("d", "")).startswith("D#")


def _change(told: Mapping[str, Any], row: Item | None, entity: object | None) -> SyncChange:
    return SyncChange(
        seq=told["seq"],
        type=SyncType(told["type"]),
        id=told["id"],
        op=SyncOp.DELETE if entity is None else SyncOp.UPSERT,
        version=row["version"] if row else told["version"],
        entity=entity,
    )
