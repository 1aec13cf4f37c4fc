"""Stripe's webhooks: believed only with a fresh signature of Stripe's over the raw body.

The SDK checks the signature and its age. It takes a stamp of the future, and lets errors of the
body through as they are; both are dealt with here.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from budgetbuddy.domain.billing import BillingEvent
from budgetbuddy.domain.payments import PaymentSignatureInvalid
from budgetbuddy.domain.ports import Clock
from budgetbuddy.problems import BadRequest

TOLERANCE_SECONDS: Final = 300
AHEAD_SECONDS: Final = 60
LONGEST_HEADER: Final = 2_048
SUBSCRIPTION_EVENTS: Final = frozenset(
    f"customer.subscription.{what}"
    for what in ("created", "updated", "deleted", "paused", "resumed")
)
OTHER_EVENTS: Final = frozenset(
    {"checkout.session.completed", "invoice.paid", "invoice.payment_failed"}
)


class StripeEvents:
    """Implements `domain.payments.PaymentEventVerifier`; two secrets while one is changed."""

    def __init__(self, secrets: Sequence[str], clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock

    def verify(self, body: bytes, signature: str) -> BillingEvent | tuple[str, None]:
        """The event of a body that Stripe has signed within five minutes."""
        self._require_signed(body, signature)
        try:
            told = json.loads(body)
            event_id, kind, told_of = str(told["id"]), str(told["type"]), told["data"]["object"]
            subscription = _subscription(kind, told_of)
        except (ValueError, KeyError, AttributeError, TypeError) as exc:
            raise BadRequest("the event has not the shape of Stripe's") from exc
        if subscription is None:
            return event_id, None
        return BillingEvent(id=event_id, type=kind, subscription=subscription)

    def _require_signed(self, body: bytes, signature: str) -> None:
        from budgetbuddy.gateways.stripe_sdk import (  # noqa: PLC0415 - 30 MB
            SignatureVerificationError,
            WebhookSignature,
        )

        now = self._clock().timestamp()
        age = now - _stamp(signature)
        if not -AHEAD_SECONDS <= age <= TOLERANCE_SECONDS:
            raise PaymentSignatureInvalid
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise PaymentSignatureInvalid from None
        for secret in self._secrets:
            try:
                WebhookSignature.verify_header(text, signature, secret)
            except SignatureVerificationError:
                continue
            return
        raise PaymentSignatureInvalid


def _stamp(signature: str) -> int:
    """The time in `t=…,v1=…`."""
    if not 0 < len(signature) <= LONGEST_HEADER or not signature.isascii():
        raise PaymentSignatureInvalid
    parts = (part.partition("=") for part in signature.split(","))
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not stamps[0].isdigit():
        raise PaymentSignatureInvalid
    return int(stamps[0])


def _subscription(kind: str, told: Any) -> str | None:
    """The subscription an event is about; None where nobody waits for it."""
    if kind in SUBSCRIPTION_EVENTS:
        return str(told["id"])
    if kind not in OTHER_EVENTS:
        return None
    parent = told.get("parent") or {}
    details = parent.get("subscription_details") or {}
    found = told.get("subscription") or details.get("subscription")
    return found if isinstance(found, str) else None
