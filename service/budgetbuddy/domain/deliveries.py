"""Deliveries: an event on its way to one hook, tried again later and later, and its log.

What waits is a row beside the delivery, so that a lost message delays it and never loses it: the
worker's sweep asks for everything that is due.
"""

import hashlib
import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ports import Context, Page, Position, UserRef
from budgetbuddy.domain.webhooks import EventType, Webhook, signing

KEPT: Final = timedelta(days=30)
ANSWER_BYTES: Final = 2_048  # kept of what a receiver answers
# Seconds from one attempt to the next: the first follows at once, the eighth is the last.
PAUSES: Final = (60, 300, 1_800, 7_200, 21_600, 43_200, 86_400)
JITTER: Final = 0.1  # of a pause, more or less, so that receivers that were down meet no wave
SIGNATURE: Final = "BudgetBuddy-Signature"
EVENT_ID: Final = "BudgetBuddy-Event-Id"


class DeliveryStatus(StrEnum):
    """How far it is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # and not tried again
    CANCELLED = "cancelled"  # the hook was switched off meanwhile


class Fault(StrEnum):
    """Why an attempt failed."""

    STATUS = "status"  # it answered, and not with 2xx; redirects are not followed
    ADDRESS = "address_not_allowed"  # the host's name leads where nothing is sent
    UNKNOWN_HOST = "unknown_host"
    CONNECTION = "connection_failed"
    CERTIFICATE = "certificate_invalid"
    TIMEOUT = "timeout"
    ANSWER = "answer_invalid"  # not HTTP, or longer than anybody reads


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How an attempt ended; `text` is how the receiver's answer begins."""

    fault: Fault | None
    status: int | None = None
    text: str = ""
    millis: int = 0


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """`attempts` were made; instants are RFC 3339, `next_at` None when none follows."""

    id: str
    webhook_id: str
    event_id: str
    event: EventType
    body: str
    created_at: str
    next_at: str | None
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    answer: Answer | None = None


class DeliveryRows(Protocol):
    """Where deliveries are kept."""

    def add(self, user: UserRef, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Store those that are new, at most some dozens, and return them."""

    def add_for(self, context: Context, delivery: Delivery, replayed: str | None) -> Delivery:
        """Store one that its owner asked for, with an audit row."""

    def page(
        self, user: UserRef, webhook_id: str, *, limit: int, start: Position | None
    ) -> Page[Delivery]:
        """The log of a hook, newest first."""

    def get(self, user: UserRef, webhook_id: str, delivery_id: str) -> Delivery:
        """One; raises `NotFound`."""

    def take(self, user: UserRef, delivery: Delivery) -> bool:
        """Hold it for an attempt; false when another worker has it or had it meanwhile."""

    def settle(self, user: UserRef, read: Delivery, now: Delivery) -> None:
        """Store how it stands, and when it is tried again."""

    def due(self, user_id: str) -> Sequence[tuple[str, str]]:
        """Hook and delivery of what should have been tried by now."""


class Outgoing(Protocol):
    """The way to receivers."""

    def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """One attempt; its failure is an answer. None when all places are taken just now."""


def signature(secrets: Sequence[str], at: int, body: bytes) -> str:
    """`t=<unix>,v1=<hex>[,v1=<hex>]`: HMAC-SHA-256 of `<unix>.<body>`, once for each secret."""
    signed = f"{at}.".encode() + body
    marks = (hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in secrets)
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])


def headers_of(webhook: Webhook, delivery: Delivery, now: datetime) -> dict[str, str]:
    """What is sent beside the body."""
    body = delivery.body.encode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "BudgetBuddy-Webhooks/1",
        EVENT_ID: delivery.event_id,
        SIGNATURE: signature(signing(webhook, now), int(now.timestamp()), body),
    }


def settled(delivery: Delivery, answer: Answer, now: datetime) -> Delivery:
    """After an attempt: delivered, given up, or to be tried again."""
    attempts = delivery.attempts + 1
    tried = replace(delivery, attempts=attempts, answer=answer, next_at=None)
    if answer.fault is None:
        return replace(tried, status=DeliveryStatus.DELIVERED)
    if attempts > len(PAUSES) or delivery.event is EventType.TEST:
        return replace(tried, status=DeliveryStatus.FAILED)
    pause = PAUSES[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter, no secret
    return replace(tried, next_at=format_instant(now + timedelta(seconds=pause)))


def is_due(delivery: Delivery, now: datetime) -> bool:
    """Whether it is to be tried now."""
    is_waiting = delivery.status is DeliveryStatus.PENDING and delivery.next_at is not None
    return is_waiting and str(delivery.next_at) <= format_instant(now)
