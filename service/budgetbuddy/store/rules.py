"""Rules in the ledger, and their order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.rules import AccountIs, Rule, RulesChanged, require_room
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.balances import account_key
from budgetbuddy.store.categories import load_refs
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.rule_rows import PREFIX, decode_rule, encode_rule, order_key, rule_key
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Write, delete, put


def load_rules(store: Store, sealer: Sealer, user: UserRef) -> list[Rule]:
    """All rules of a user in their order."""
    rows = store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
    if not rows:
        return []
    order = store.ledger.get(order_key(user.id))
    places = {rule_id: place for place, rule_id in enumerate(order["ids"] if order else ())}
    rows.sort(key=lambda row: places.get(row["sk"].removeprefix(PREFIX), len(places)))
    return [decode_rule(store, sealer, user, row, place) for place, row in enumerate(rows)]


class RuleStore:
    """Implements `domain.rules.Rules`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[Rule]:
        """All, in their order."""
        return load_rules(self._store, self._sealer, user)

    def get(self, user: UserRef, rule_id: str) -> Rule:
        """One; its place is only known beside the others."""
        require_id(Kind.RULE, rule_id)
        return _found(self.list(user), rule_id)

    def add(self, context: Context, rule: Rule) -> Rule:
        """Behind all others."""

        def plan(_: Head) -> Plan[Rule]:
            rules = self.list(context.user)
            require_room(rules)
            self._require_known(context.user, rule)
            new = replace(rule, position=len(rules))
            ids = [*(found.id for found in rules), rule.id]
            row = encode_rule(self._store, self._sealer, context.user, new)
            writes = (
                put(self._store.ledger.name, row, when=(Absent("pk"),)),
                self._order_write(context.user, ids),
            )
            return _plan(writes, new, "upsert", Event.RULE_CREATED, number=len(ids))

        return self._commands.run(context, plan)

    def change(
        self, context: Context, rule_id: str, version: int, fields: Mapping[str, Any]
    ) -> Rule:
        """The given fields."""

        def plan(_: Head) -> Plan[Rule]:
            old = self._read(context.user, rule_id, version)
            new = replace(old, **fields, version=version + 1)
            self._require_known(context.user, new)
            row = encode_rule(self._store, self._sealer, context.user, new)
            when = (Exists("pk"), Equals("version", version))
            write = put(self._store.ledger.name, row, when=when)
            return _plan((write,), new, "upsert", Event.RULE_UPDATED)

        return self._commands.run(context, plan)

    def remove(self, context: Context, rule_id: str, version: int) -> None:
        """Row and place."""

        def plan(_: Head) -> Plan[Rule]:
            old = self._read(context.user, rule_id, version)
            ids = [found.id for found in self.list(context.user) if found.id != rule_id]
            when = (Exists("pk"), Equals("version", version))
            writes = (
                delete(self._store.ledger.name, rule_key(context.user.id, rule_id), when=when),
                self._order_write(context.user, ids),
            )
            return _plan(writes, old, "delete", Event.RULE_DELETED, number=len(ids))

        self._commands.run(context, plan)

    def order(self, context: Context, rule_ids: Sequence[str]) -> Sequence[Rule]:
        """One row says it all."""

        def plan(_: Head) -> Plan[Sequence[Rule]]:
            known = {rule.id: rule for rule in self.list(context.user)}
            if sorted(known) != sorted(rule_ids):
                raise RulesChanged
            ordered = [replace(known[found], position=i) for i, found in enumerate(rule_ids)]
            changes = (
                Change(type="rule", id=rule.id, op="upsert", version=rule.version)
                for rule in ordered
                if rule.position != known[rule.id].position
            )
            return Plan(
                writes=(self._order_write(context.user, rule_ids),),
                changes=tuple(changes),
                audit=AuditEntry(event=Event.RULE_REORDERED, object=f"user:{context.user.id}"),
                result=ordered,
            )

        return self._commands.run(context, plan)

    def _order_write(self, user: UserRef, ids: Sequence[str]) -> Write:
        key = order_key(user.id)
        return put(self._store.ledger.name, {"pk": key.pk, "sk": key.sk, "v": 1, "ids": tuple(ids)})

    def _read(self, user: UserRef, rule_id: str, version: int) -> Rule:
        rule = self.get(user, rule_id)
        if rule.version != version:
            raise VersionConflict(rule.version)
        return rule

    def _require_known(self, user: UserRef, rule: Rule) -> None:
        """Raises `NotFound`, `CategoryArchived` for what a rule names and the user has not."""
        if rule.then.category_id:
            load_refs(self._store, user, [rule.then.category_id])
        named = [c.account_id for c in rule.when if isinstance(c, AccountIs)]
        keys = [account_key(user.id, require_id(Kind.ACCOUNT, found)) for found in set(named)]
        if keys and None in self._store.batch_get([(self._store.ledger, key) for key in keys]):
            raise NotFound


def _found(rules: Sequence[Rule], rule_id: str) -> Rule:
    for rule in rules:
        if rule.id == rule_id:
            return rule
    raise NotFound


def _plan(
    writes: tuple[Write, ...], rule: Rule, op: str, event: Event, *, number: int | None = None
) -> Plan[Rule]:
    return Plan(
        writes=writes,
        changes=(Change(type="rule", id=rule.id, op=op, version=rule.version),),
        audit=AuditEntry(event=event, object=f"rule:{rule.id}"),
        result=rule,
        rules=number,
    )
