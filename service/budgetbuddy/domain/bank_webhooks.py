"""What a provider tells by webhook: taken at most once, kept in the queue, done by the worker.

An event that cannot be kept is answered with an error and told again by the provider; until then it
counts as unseen.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.bank_syncs import BankSyncs
from budgetbuddy.domain.deadline import time_limit
from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.problems import Unauthorized, Unavailable

HANDLING_SECONDS: Final = 8.0  # Plaid hangs up after 10
SYNC_CODES: Final = frozenset(
    {"SYNC_UPDATES_AVAILABLE", "INITIAL_UPDATE", "HISTORICAL_UPDATE", "DEFAULT_UPDATE"}
)
EXPIRY_CODES: Final = frozenset({"PENDING_EXPIRATION", "PENDING_DISCONNECT"})
LINK_CODES: Final = EXPIRY_CODES | {"ERROR", "USER_PERMISSION_REVOKED", "LOGIN_REPAIRED"}


class SignatureInvalid(Unauthorized):
    """The provider did not send this, or not now, or not with this body."""

    code = "signature_invalid"
    title = "The signature is not valid"


class KeysUnavailable(Unavailable):
    """The provider's signing keys cannot be had; it will send the event again."""

    code = "keys_unavailable"
    title = "The provider's signing keys cannot be had right now"


class Handling(StrEnum):
    """What became of an event."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"  # a code nobody waits for


@dataclass(frozen=True, kw_only=True)
class BankEvent:
    """A verified event. Only that it happened counts: what holds now is asked for."""

    id: str  # digest of its signature: the same event sent again has it again
    type: str
    code: str
    provider_id: str


class EventVerifier(Protocol):
    """Tells the provider's events from forgeries."""

    def verify(self, body: bytes, signature: str) -> BankEvent:
        """Raises `SignatureInvalid`, `KeysUnavailable`, `BadRequest`."""


class SeenEvents(Protocol):
    """Which events were taken already."""

    def take(self, event_id: str) -> bool:
        """Whether this is the first time."""

    def forget(self, event_id: str) -> None:
        """Let it come again."""


@dataclass(frozen=True, kw_only=True)
class BankWebhooks:
    """Verifies first and reads afterwards."""

    verifier: EventVerifier | None
    seen: SeenEvents
    syncs: BankSyncs
    queue: Queue

    def receive(self, body: bytes, signature: str, request_id: str) -> Handling:
        """Keep one event. Raises `SignatureInvalid`, `KeysUnavailable`, or why it cannot now."""
        if self.verifier is None:
            raise SignatureInvalid
        event = self.verifier.verify(body, signature)
        if not self.seen.take(event.id):
            return Handling.DUPLICATE
        if not (_brings_rows(event) or _concerns_link(event)):
            return Handling.IGNORED
        kept = Message(kind=MessageKind.BANK_EVENT, data=asdict(event), request_id=request_id)
        try:
            with time_limit(HANDLING_SECONDS):
                self.queue.send(kept)
        except BaseException:
            self.seen.forget(event.id)
            raise
        return Handling.TAKEN

    def handle(self, event: BankEvent, request_id: str) -> None:
        """Do what an event asks for; repeating it changes nothing. Raises why it cannot now."""
        if _brings_rows(event):
            self.syncs.bring_in(event.provider_id, request_id, None)
        else:
            warned = event.code in EXPIRY_CODES
            self.syncs.look(event.provider_id, request_id, warned=warned)


def _brings_rows(event: BankEvent) -> bool:
    return event.type == "TRANSACTIONS" and event.code in SYNC_CODES


def _concerns_link(event: BankEvent) -> bool:
    return event.type == "ITEM" and event.code in LINK_CODES
