"""Goal rows, `G#{id}` below the user, and their contributions, `GC#{goal}#{id}`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from budgetbuddy.domain import goals as rules
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.goals import Contributed, Contribution, Goal, GoalStatus
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.outbox import MILESTONE
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Page, Position, Sealer, UserRef
from budgetbuddy.problems import NotFound, VersionConflict
from budgetbuddy.store.balances import account_key
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.goal_rows import (
    PREFIX,
    contribution_key,
    contribution_prefix,
    decode_contribution,
    decode_goal,
    encode_contribution,
    encode_goal,
    goal_key,
)
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Write, delete, put

_EVENTS = {
    GoalStatus.COMPLETED: Event.GOAL_COMPLETED,
    GoalStatus.ACTIVE: Event.GOAL_REOPENED,
}


class GoalStore:
    """Implements `domain.goals.Goals`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[Goal]:
        """All but the purged, oldest first."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
        found = (decode_goal(self._store, self._sealer, user, row) for row in rows)
        now = self._now()
        return [goal for goal in found if not rules.is_purged(goal, now)]

    def get(self, user: UserRef, goal_id: str) -> Goal:
        """One; raises `NotFound`."""
        row = self._store.ledger.get(goal_key(user.id, require_id(Kind.GOAL, goal_id)))
        if row is None:
            raise NotFound
        return decode_goal(self._store, self._sealer, user, row)

    def add(self, context: Context, goal: Goal) -> Goal:
        """Store a new one."""

        def plan(_: Head) -> Plan[Goal]:
            rules.require_room(self.list(context.user))
            self._require_account(context.user, goal.account_id)
            return self._plan(context, None, goal, Event.GOAL_CREATED)

        return self._commands.run(context, plan)

    def change(
        self, context: Context, goal_id: str, version: int, fields: Mapping[str, Any]
    ) -> Goal:
        """Replace the given fields."""

        def new(goal: Goal) -> Goal:
            self._require_account(context.user, fields.get("account_id"))
            return rules.changed(goal, fields)

        return self._change(context, goal_id, version, new, Event.GOAL_UPDATED)

    def turn(self, context: Context, goal_id: str, version: int, status: GoalStatus) -> Goal:
        """Complete or reopen."""
        event = _EVENTS[status]
        return self._change(context, goal_id, version, lambda g: rules.turned(g, status), event)

    def remove(self, context: Context, goal_id: str, version: int) -> None:
        """Softly."""
        now = self._now()
        self._change(
            context, goal_id, version, lambda goal: rules.removed(goal, now), Event.GOAL_DELETED
        )

    def restore(self, context: Context, goal_id: str) -> Goal:
        """Undo a deletion."""
        now = self._now()

        def plan(_: Head) -> Plan[Goal]:
            old = self.get(context.user, goal_id)
            new = rules.restored(old, now)
            rules.require_room(self.list(context.user))
            return self._plan(context, old, new, Event.GOAL_RESTORED)

        return self._commands.run(context, plan)

    def contribute(self, context: Context, contribution: Contribution) -> Contributed:
        """W8: the contribution and the sum in one transaction."""

        def plan(_: Head) -> Plan[Contributed]:
            goal = self.get(context.user, contribution.goal_id)
            new, milestone = rules.moved(goal, contribution.amount, self._now())
            row = encode_contribution(self._store, self._sealer, context.user, contribution)
            made = put(self._store.ledger.name, row, when=(Absent("pk"),))
            planned = self._plan(context, goal, new, Event.GOAL_CONTRIBUTED)
            return Plan(
                writes=(made, *planned.writes),
                changes=(*planned.changes, *_reached(goal.id, milestone)),
                audit=planned.audit,
                result=Contributed(contribution=contribution, milestone=milestone),
            )

        return self._commands.run(context, plan)

    def withdraw(self, context: Context, goal_id: str, contribution_id: str) -> None:
        """The contribution goes, the sum follows."""
        require_id(Kind.CONTRIBUTION, contribution_id)

        def plan(_: Head) -> Plan[Goal]:
            goal = self.get(context.user, goal_id)
            key = contribution_key(context.user.id, goal_id, contribution_id)
            row = self._store.ledger.get(key)
            if row is None:
                raise NotFound
            gone = decode_contribution(self._store, self._sealer, context.user, row)
            new = rules.moved(goal, -gone.amount, self._now())[0]
            planned = self._plan(context, goal, new, Event.GOAL_CONTRIBUTION_REMOVED)
            writes: tuple[Write, ...] = (
                delete(self._store.ledger.name, key, when=(Exists("pk"),)),
                *planned.writes,
            )
            return Plan(writes=writes, changes=planned.changes, audit=planned.audit, result=new)

        self._commands.run(context, plan)

    def contributions(
        self, user: UserRef, goal_id: str, *, limit: int, start: Position | None
    ) -> Page[Contribution]:
        """By when they were entered, newest first."""
        self.get(user, goal_id)
        page = self._store.ledger.page(
            f"U#{user.id}", begins_with=contribution_prefix(goal_id), limit=limit, start=start
        )
        rows = [decode_contribution(self._store, self._sealer, user, row) for row in page.items]
        return Page(items=rows, next=page.next)

    def all_contributions(self, user: UserRef, goal_id: str, since: date) -> Sequence[Contribution]:
        """Those dated from a day on, in every page."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=contribution_prefix(goal_id))
        found = (decode_contribution(self._store, self._sealer, user, row) for row in rows)
        return [contribution for contribution in found if contribution.day >= since]

    def _change(
        self,
        context: Context,
        goal_id: str,
        version: int,
        change: Callable[[Goal], Goal],
        event: Event,
    ) -> Goal:
        def plan(_: Head) -> Plan[Goal]:
            old = self.get(context.user, goal_id)
            if old.version != version:
                raise VersionConflict(old.version)
            return self._plan(context, old, change(old), event)

        return self._commands.run(context, plan)

    def _plan(self, context: Context, old: Goal | None, new: Goal, event: Event) -> Plan[Goal]:
        row = encode_goal(self._store, self._sealer, context.user, new)
        when = (Absent("pk"),)
        if old is not None:
            read = (Equals("version", old.version), Equals("saved", old.saved.minor))
            write = put(self._store.ledger.name, row, when=(Exists("pk"), *read))
        else:
            write = put(self._store.ledger.name, row, when=when)
        op = "upsert" if new.deleted_at is None else "delete"
        return Plan(
            writes=(write,),
            changes=(Change(type="goal", id=new.id, op=op, version=new.version),),
            audit=AuditEntry(event=event, object=f"goal:{new.id}"),
            result=new,
        )

    def _require_account(self, user: UserRef, account_id: str | None) -> None:
        if account_id is None:
            return
        key = account_key(user.id, require_id(Kind.ACCOUNT, account_id))
        if self._store.ledger.get(key) is None:
            raise NotFound

    def _now(self) -> str:
        return format_instant(self._store.clock())


def _reached(goal_id: str, milestone: int | None) -> tuple[Change, ...]:
    if milestone is None:
        return ()
    return (Change(type=MILESTONE, id=goal_id, op="upsert", version=milestone),)
