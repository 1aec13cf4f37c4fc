"""Alert rows, `BA#{cycle}#{category}#{threshold}` below the user, for two years."""

from collections.abc import Sequence

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.budget_alerts import Alert
from budgetbuddy.domain.budget_reports import Line
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id, require_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.outbox import ALERT
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Page, Position, Sealer, UserRef
from budgetbuddy.problems import NotFound
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put, update

PREFIX = "BA#"
KEPT_SECONDS = 2 * 365 * 86_400
ALERTS_A_COMMAND = 80

Crossed = Sequence[tuple[Line, int]]  # budgets and the thresholds they have reached


class AlertStore:
    """Implements `domain.budget_alerts.BudgetAlerts`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        del sealer  # an alert holds no text
        self._store = store
        self._commands = commands

    def list(
        self, user: UserRef, *, acknowledged: bool | None, limit: int, start: Position | None
    ) -> Page[Alert]:
        """Newest cycle first; a filtered page may be short."""
        page = self._store.ledger.page(
            f"U#{user.id}",
            begins_with=PREFIX,
            where=() if acknowledged is None else (Equals("ack", acknowledged),),
            limit=limit,
            start=start,
        )
        return Page(items=[_decode(row) for row in page.items], next=page.next)

    def acknowledge(self, context: Context, alert_id: str) -> Alert:
        """Found by its id among the alerts of two years, which are few."""
        require_id(Kind.ALERT, alert_id)

        def plan(_: Head) -> Plan[Alert]:
            rows = self._store.ledger.query(
                f"U#{context.user.id}", begins_with=PREFIX, where=(Equals("id", alert_id),)
            )
            if not rows:
                raise NotFound
            key = Key(pk=rows[0]["pk"], sk=rows[0]["sk"])
            seen = update(self._store.ledger.name, key, set_={"ack": True}, when=(Exists("pk"),))
            return Plan(
                writes=(seen,),
                audit=AuditEntry(event=Event.BUDGET_ALERT_ACKNOWLEDGED, object=f"alert:{alert_id}"),
                result=_decode({**rows[0], "ack": True}),
            )

        return self._commands.run(context, plan)

    def raise_new(self, context: Context, lines: Sequence[Line], thresholds: Sequence[int]) -> None:
        """Looked up first: nothing is written while nothing is new."""
        crossed = [(line, t) for line in lines for t in line.cycle.crossed(thresholds)]
        for first in range(0, len(crossed), ALERTS_A_COMMAND):
            self._raise(context, crossed[first : first + ALERTS_A_COMMAND])

    def _raise(self, context: Context, crossed: Crossed) -> None:
        """As of the head, so that each is raised once however many look at the same time."""
        if self._missing(context.user, crossed):
            self._commands.run(context, lambda _: self._plan(context, crossed))

    def _plan(self, context: Context, crossed: Crossed) -> Plan[None]:
        new = self._missing(context.user, crossed)
        named = [(line, threshold, make_id(Kind.ALERT)) for line, threshold in new]
        at = format_instant(self._store.clock())
        return Plan(
            writes=tuple(self._write(context.user, line, t, at, name) for line, t, name in named),
            changes=tuple(Change(type=ALERT, id=i, op="upsert", version=t) for _, t, i in named),
            audit=AuditEntry(
                event=Event.BUDGET_ALERTED,
                object=f"user:{context.user.id}",
                details={"alerts": [[line.budget.category_id, t] for line, t in new]},
            ),
            result=None,
        )

    def _missing(self, user: UserRef, crossed: Crossed) -> Crossed:
        keys = [(self._store.ledger, _key(user.id, line, t)) for line, t in crossed]
        found = self._store.batch_get(keys)
        return [pair for pair, row in zip(crossed, found, strict=True) if row is None]

    def _write(self, user: UserRef, line: Line, threshold: int, at: str, name: str) -> Write:
        key, cycle = _key(user.id, line, threshold), line.cycle
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "id": name,
            "cur": line.budget.currency.code,
            "spent": cycle.spent,
            "limit": cycle.available,
            "at": at,
            "ack": False,
            "ttl": int(self._store.clock().timestamp()) + KEPT_SECONDS,
        }
        return put(self._store.ledger.name, row, when=(Absent("pk"),))


def _key(user_id: str, line: Line, threshold: int) -> Key:
    cycle = f"{line.cycle.start.isoformat()}#{line.budget.category_id}#{threshold:03d}"
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{cycle}")


def _decode(row: Item) -> Alert:
    _, cycle, category_id, threshold = row["sk"].split("#")
    currency = currency_of(row["cur"])
    return Alert(
        id=row["id"],
        category_id=category_id,
        cycle=cycle,
        threshold=int(threshold),
        spent=Money(row["spent"], currency),
        limit=Money(row["limit"], currency),
        at=row["at"],
        acknowledged=row["ack"],
    )
