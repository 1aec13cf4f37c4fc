"""The use cases of webhooks beyond their own rows: tell what happened, try, test, replay, sweep."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.deliveries import (
    Delivery,
    DeliveryRows,
    DeliveryStatus,
    Fault,
    Outgoing,
    headers_of,
    is_due,
    settled,
)
from budgetbuddy.domain.identity_ports import Mail, Users
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.messages import LONGEST_DELAY_SECONDS, Message, MessageKind, Queue
from budgetbuddy.domain.outbox import Commit, Event, Outbox, body_of, events_of, made_id
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.domain.webhooks import (
    FAILURES_ALLOWED,
    EventType,
    Webhook,
    WebhookDisabled,
    Webhooks,
)
from budgetbuddy.problems import NotFound

MOVES_BUDGETS: Final = frozenset({"transaction", "budget"})  # kinds of changes
GIVEN_UP: Final = """\
Your webhook {id} was switched off: its receiver failed {count} times in a row.

The log of its deliveries says why. Switch it on again when the receiver is well, and replay what
it missed.
"""


@dataclass(frozen=True, kw_only=True)
class Notices:
    """`raise_alerts` looks whether a user's budgets have crossed a threshold."""

    webhooks: Webhooks
    rows: DeliveryRows
    outbox: Outbox
    outgoing: Outgoing
    queue: Queue
    users: Users
    mail: Mail
    clock: Clock
    raise_alerts: Callable[[UserRef], None]

    def publish(self, user_id: str) -> None:
        """Make deliveries of all that happened; repeating it makes none twice."""
        user = self.outbox.find(user_id)
        if user is None:
            return  # erased, or about to be
        hooks = [hook for hook in self.webhooks.list(user) if hook.enabled]
        while commits := self.outbox.waiting(user):
            for commit in commits:
                self._tell(user, hooks, commit)
            if _wants(hooks, EventType.BUDGET_THRESHOLD_REACHED) and _moves_budgets(commits):
                self.raise_alerts(user)
            self.outbox.told(user, commits[-1].seq)

    def attempt(self, user_id: str, webhook_id: str, delivery_id: str) -> Fault | None:
        """Try one delivery, if it is due and nobody else does; the fault, if there was one."""
        user = self.outbox.find(user_id)
        if user is None:
            return None
        try:
            delivery = self.rows.get(user, webhook_id, delivery_id)
        except NotFound:
            return None  # older than the log
        if not is_due(delivery, self.clock()):
            return None
        hook = self._living(user, webhook_id)
        if hook is None:
            gone = replace(delivery, status=DeliveryStatus.CANCELLED, next_at=None)
            self.rows.settle(user, delivery, gone)
            return None
        return self._try(user, hook, delivery)

    def test(self, context: Context, webhook_id: str) -> Delivery:
        """Send an event that means nothing. Raises `NotFound`, `WebhookDisabled`."""
        hook = self._enabled(context.user, webhook_id)
        now, event_id = format_instant(self.clock()), make_id(Kind.EVENT)
        data = {"type": "webhook", "id": hook.id}
        event = Event(
            id=event_id,
            type=EventType.TEST,
            seq=0,
            body=body_of(event_id, EventType.TEST, now, data),
        )
        return self._send(context, self._delivery(hook, event, make_id(Kind.DELIVERY)))

    def replay(self, context: Context, webhook_id: str, delivery_id: str) -> Delivery:
        """Send the same event again. Raises `NotFound`, `WebhookDisabled`."""
        hook = self._enabled(context.user, webhook_id)
        old = self.rows.get(context.user, webhook_id, delivery_id)
        event = Event(id=old.event_id, type=old.event, seq=0, body=old.body)
        new = self._delivery(hook, event, make_id(Kind.DELIVERY))
        return self._send(context, new, replayed=delivery_id)

    def sweep(self) -> None:
        """Ask for all that is due or untold, whatever became of the messages about it."""
        for user_id in self.outbox.behind():
            self.queue.send(Message(kind=MessageKind.OUTBOX, data={"user": user_id}))
        for user_id in self.outbox.hooked():
            for webhook_id, delivery_id in self.rows.due(user_id):
                self._ask(user_id, webhook_id, delivery_id)

    def _tell(self, user: UserRef, hooks: list[Webhook], commit: Commit) -> None:
        events = events_of(user, commit, format_instant(self.clock()))
        made = [
            self._delivery(hook, event, made_id(Kind.DELIVERY, commit.at, hook.id, event.id))
            for event in events
            for hook in hooks
            if event.type in hook.events and commit.seq > hook.since
        ]
        for delivery in self.rows.add(user, made):
            self._ask(user.id, delivery.webhook_id, delivery.id)

    def _delivery(self, hook: Webhook, event: Event, delivery_id: str) -> Delivery:
        now = format_instant(self.clock())
        return Delivery(
            id=delivery_id,
            webhook_id=hook.id,
            event_id=event.id,
            event=event.type,
            body=event.body,
            created_at=now,
            next_at=now,
        )

    def _send(self, context: Context, delivery: Delivery, replayed: str | None = None) -> Delivery:
        made = self.rows.add_for(context, delivery, replayed)
        self._ask(context.user.id, made.webhook_id, made.id)
        return made

    def _living(self, user: UserRef, webhook_id: str) -> Webhook | None:
        try:
            return self._enabled(user, webhook_id)
        except (NotFound, WebhookDisabled):
            return None

    def _enabled(self, user: UserRef, webhook_id: str) -> Webhook:
        hook = self.webhooks.get(user, webhook_id)
        if not hook.enabled:
            raise WebhookDisabled
        return hook

    def _try(self, user: UserRef, hook: Webhook, delivery: Delivery) -> Fault | None:
        if not self.rows.take(user, delivery):
            return None
        now = self.clock()
        answer = self.outgoing.post(
            hook.url, headers_of(hook, delivery, now), delivery.body.encode()
        )
        if answer is None:
            return None  # no place: it stays due, and the sweep asks again
        after = settled(delivery, answer, self.clock())
        self.rows.settle(user, delivery, after)
        failures = self.webhooks.note(user, hook.id, failed=answer.fault is not None)
        if failures >= FAILURES_ALLOWED and self.webhooks.give_up(user, hook.id):
            address = self.users.get(user).email
            text = GIVEN_UP.format(id=hook.id, count=failures)
            self.mail.send(address, "Your BudgetBuddy webhook was switched off", text)
        elif after.next_at is not None:
            self._ask_later(user.id, after, after.next_at)
        return answer.fault

    def _ask_later(self, user_id: str, delivery: Delivery, at: str) -> None:
        """By a message if the queue can hold it back so long, else by the sweep."""
        seconds = math.ceil((parse_instant(at) - self.clock()).total_seconds())
        if seconds <= LONGEST_DELAY_SECONDS:
            self._ask(user_id, delivery.webhook_id, delivery.id, seconds)

    def _ask(self, user_id: str, webhook_id: str, delivery_id: str, seconds: int = 0) -> None:
        data = {"user": user_id, "webhook": webhook_id, "delivery": delivery_id}
        self.queue.send(Message(kind=MessageKind.DELIVERY, data=data), delay_seconds=seconds)


def _wants(hooks: list[Webhook], event: EventType) -> bool:
    return any(event in hook.events for hook in hooks)


def _moves_budgets(commits: Sequence[Commit]) -> bool:
    return any(change.type in MOVES_BUDGETS for commit in commits for change in commit.changes)
