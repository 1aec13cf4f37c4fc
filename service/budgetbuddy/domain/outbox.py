"""What a commit means to the outside: lines of the change feed as events of webhooks.

An event names what changed and never what it says: a receiver fetches that with a token of its own.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from budgetbuddy.domain.ids import Kind, id_at
from budgetbuddy.domain.ports import Change, UserRef
from budgetbuddy.domain.webhooks import EventType

# Kinds of changes that are told by webhook alone: no entity of their own is synced.
ALERT: Final = "alert"
MILESTONE: Final = "milestone"  # `version` is the percentage that was reached
IMPORT: Final = "import"
ATTENTION: Final = "attention"  # of a bank link


@dataclass(frozen=True, kw_only=True)
class Event:
    """`seq` is the commit it comes from; `body` is what is sent, to the byte."""

    id: str
    type: EventType
    seq: int
    body: str


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One row of the change feed; `at` in seconds since the epoch."""

    seq: int
    at: int
    changes: Sequence[Change]


class Outbox(Protocol):
    """Commits of a user that were not told yet."""

    def find(self, user_id: str) -> UserRef | None:
        """The user, while they are active."""

    def waiting(self, user: UserRef) -> Sequence[Commit]:
        """The next of them, in their order; none when all is told."""

    def told(self, user: UserRef, seq: int) -> None:
        """Everything up to this commit is told."""

    def behind(self) -> Sequence[str]:
        """Ids of users with hooks and something to tell."""

    def hooked(self) -> Sequence[str]:
        """Ids of users with hooks."""


def events_of(user: UserRef, commit: Commit, now: str) -> list[Event]:
    """The events of one commit; the same commit has the same events whenever it is looked at."""
    found = []
    for index, change in enumerate(commit.changes):
        kind = _type(change)
        if kind is None:
            continue
        event_id = made_id(Kind.EVENT, commit.at, user.id, str(commit.seq), str(index))
        body = body_of(event_id, kind, now, _data(change))
        found.append(Event(id=event_id, type=kind, seq=commit.seq, body=body))
    return found


def made_id(kind: Kind, at: int, *parts: str) -> str:
    """An id that the same parts always have, in the order of `at` (seconds)."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return id_at(kind, at * 1_000, int.from_bytes(digest, "big"))


def body_of(event_id: str, kind: EventType, now: str, data: Mapping[str, Any]) -> str:
    """The JSON that is sent."""
    document = {"id": event_id, "type": kind, "createdAt": now, "data": dict(data)}
    return json.dumps(document, separators=(",", ":"))


def _type(change: Change) -> EventType | None:  # noqa: PLR0911 - one line a kind
    match change.type, change.op, change.version:
        case "transaction", "delete", _:
            return EventType.TRANSACTION_DELETED
        case "transaction", _, 1:
            return EventType.TRANSACTION_CREATED
        case "transaction", _, _:
            return EventType.TRANSACTION_UPDATED
        case "account", _, _:
            return EventType.ACCOUNT_UPDATED
        case "alert", _, _:
            return EventType.BUDGET_THRESHOLD_REACHED
        case "milestone", _, _:
            return EventType.GOAL_MILESTONE_REACHED
        case "import", _, _:
            return EventType.IMPORT_FINISHED
        case "attention", _, _:
            return EventType.BANK_NEEDS_ATTENTION
        case _:
            return None


def _data(change: Change) -> Mapping[str, Any]:
    match change.type:
        case "alert":
            return {"type": "budget_alert", "id": change.id, "threshold": change.version}
        case "milestone":
            return {"type": "goal", "id": change.id, "milestone": change.version}
        case "import":
            return {"type": "import", "id": change.id}
        case "attention":
            return {"type": "bank_item", "id": change.id}
        case _:
            return {"type": change.type, "id": change.id, "version": change.version}
