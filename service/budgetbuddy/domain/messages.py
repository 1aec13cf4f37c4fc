"""Work that is handed to the worker: what a message says, and how the work on it is found.

A new kind of work is a member of `MessageKind` and a function in `budgetbuddy.handlers`; whoever
sends it needs the port `Queue`. A message can come twice and in any order, and comes again when its
handler raises, so a handler is safe to repeat. One step ends within `STEP_SECONDS`; longer work
sends itself a message for its next step.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

STEP_SECONDS: Final = 100.0  # less than the queue keeps a message from other workers
LONGEST_DELAY_SECONDS: Final = 900  # the queue's most


class MessageKind(StrEnum):
    """Every kind of work; also a dimension of metrics, so never a name of a user's thing."""

    BANK_EVENT = "bank-event"
    BANK_SYNC = "bank-sync"
    ERASURE = "erasure"
    BILLING_EVENT = "billing-event"
    OUTBOX = "outbox"
    DELIVERY = "delivery"
    IMPORT = "import"
    AUDIT_VERIFICATION = "audit-verification"


class MessageUnreadable(Exception):  # noqa: N818 - states a fact
    """Not a message of ours, or of a later version."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """`data` is JSON: ids, codes and instants, never a secret and never personal text."""

    kind: MessageKind
    data: Mapping[str, Any]
    request_id: str = ""

    def encode(self) -> str:
        """As it lies in the queue."""
        return json.dumps({"v": 1, "kind": self.kind, "id": self.request_id, "data": self.data})


Handler = Callable[[Message], None]
Handlers = Mapping[MessageKind, Handler]


class Queue(Protocol):
    """Where work is put for the worker."""

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        """Keep the message until it is handled. Raises `UpstreamUnavailable` when it cannot be."""


def decode(text: str) -> Message:
    """The message of a text; raises `MessageUnreadable`."""
    try:
        told = json.loads(text)
        if told["v"] != 1 or not isinstance(told["data"], dict):
            raise MessageUnreadable
        kind = MessageKind(told["kind"])
        return Message(kind=kind, data=told["data"], request_id=str(told["id"]))
    except (ValueError, KeyError, TypeError) as exc:
        raise MessageUnreadable from exc
