"""Payment through Stripe. Every writing call has an idempotency key, so that it may be repeated."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from budgetbuddy.domain.billing import (
    TRIAL_DAYS,
    CheckoutPage,
    Order,
    PaymentStatus,
    Plan,
    Subscription,
    instant,
)
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.gateways.pinning import Pins
from budgetbuddy.gateways.pool import BoundedPool
from budgetbuddy.gateways.resilience import DependencyFailed, Guard, RetryPolicy, Timeout
from budgetbuddy.problems import ProviderNotConfigured, UpstreamInvalid
from budgetbuddy.telemetry import log

T = TypeVar("T")

ANSWER_BYTES: Final = 2 * 1_024 * 1_024
RETRIES: Final = RetryPolicy(attempts=3, first_seconds=0.5, within_seconds=12)
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_CONFLICT: Final = 409  # another call with this idempotency key is under way
_UNREADABLE: Final = (ValueError, KeyError, AttributeError, TypeError, IndexError)


@dataclass(frozen=True, kw_only=True)
class StripeAccess:
    """Where Stripe is, what we are to it, and what our plans are called there."""

    base_url: str
    key: str = field(repr=False)
    prices: Mapping[Plan, str]


class _Missing(Exception):  # noqa: N818 - states a fact
    """Stripe has no such object."""


class StripeBilling:
    """Implements `domain.billing.BillingProvider`."""

    def __init__(self, access: StripeAccess, guard: Guard, pins: Pins | None = None) -> None:
        self._access = access
        self._guard = guard
        self._pins = pins
        self._lock = threading.Lock()
        self._loaded: Any = None

    def create_customer(self, user: UserRef) -> str:
        """Known to Stripe by the pseudonym alone; the page asks for what it needs."""
        return self._call(
            lambda api, key: api.v1.customers.create({"metadata": {"subject": user.subject}}, key),
            lambda told: _text(told.id),
            key=f"customer-{user.subject}",
        )

    def checkout(self, customer: str, order: Order, key: str) -> CheckoutPage:
        """A Checkout session for one subscription."""
        asked: dict[str, Any] = {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": self._price(order.plan), "quantity": 1}],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
        }
        if order.trial:
            asked["subscription_data"] = {"trial_period_days": TRIAL_DAYS}
        return self._call(
            lambda api, options: api.v1.checkout.sessions.create(asked, options),
            lambda told: CheckoutPage(url=_text(told.url), expires_at=_moment(told.expires_at)),
            key=f"checkout-{key}",
        )

    def _price(self, plan: Plan) -> str:
        """Raises `ProviderNotConfigured` for a plan that the operator has given no price."""
        price = self._access.prices.get(plan)
        if price is None:
            raise ProviderNotConfigured
        return price

    def portal(self, customer: str, return_url: str) -> str:
        """Not repeated: a page is good once, and another one costs nothing."""
        asked = {"customer": customer, "return_url": return_url}
        return self._call(
            lambda api, options: api.v1.billing_portal.sessions.create(asked, options),
            lambda told: _text(told.url),
        )

    def subscription(self, subscription_id: str) -> Subscription | None:
        """As it is now."""
        try:
            return self._call(
                lambda api, options: api.v1.subscriptions.retrieve(subscription_id, None, options),
                self._read,
                is_read=True,
            )
        except _Missing:
            return None

    def end(self, customer: str) -> None:
        """Stripe ends the subscriptions of a customer that is deleted."""
        try:
            self._call(
                lambda api, options: api.v1.customers.delete(customer, None, options),
                lambda _: None,
                key=f"end-{customer}",
            )
        except _Missing:
            return

    def _read(self, told: Any) -> Subscription:
        (item,) = told["items"]["data"]
        price = item["price"]["id"]
        plans = {known: plan for plan, known in self._access.prices.items()}
        customer = told["customer"]
        return Subscription(
            id=_text(told["id"]),
            customer=_text(customer if isinstance(customer, str) else customer["id"]),
            plan=plans[price],
            status=PaymentStatus(told["status"]),
            period_end=_moment(item["current_period_end"]),
            cancel_at=instant(told["cancel_at"])
            or (_moment(item["current_period_end"]) if told["cancel_at_period_end"] else None),
            ended_at=instant(told["ended_at"]),
            had_trial=told["trial_start"] is not None,
        )

    def _call(
        self,
        ask: Callable[[Any, dict[str, Any]], Any],
        read: Callable[[Any], T],
        *,
        key: str | None = None,
        is_read: bool = False,
    ) -> T:
        """One operation, repeated where that cannot double anything."""
        sdk, way_out, api = self._sdk()

        def attempt(limit: Timeout) -> T:
            way_out.limit(limit)
            try:
                return read(ask(api, {"idempotency_key": key} if key else {}))
            except sdk.StripeError as exc:
                raise _translated(sdk, exc) from None  # its text holds the answer's body
            except _UNREADABLE as exc:
                log("upstream.invalid", level="error", errorClass=type(exc).__name__)
                raise DependencyFailed(repeatable=False, invalid=True) from None

        once = RetryPolicy(attempts=1, first_seconds=0, within_seconds=RETRIES.within_seconds)
        return self._guard.call(attempt, retry=RETRIES if key or is_read else once)

    def _sdk(self) -> Any:
        with self._lock:
            if self._loaded is None:
                from budgetbuddy.gateways import stripe_sdk  # noqa: PLC0415 - 30 MB

                way_out = stripe_sdk.BoundedClient(BoundedPool(ANSWER_BYTES, self._pins))
                api = stripe_sdk.load(self._access.base_url, self._access.key, way_out)
                self._loaded = (stripe_sdk, way_out, api)
            return self._loaded


def _translated(sdk: Any, exc: Any) -> Exception:
    """A failure that counts, or an answer to what was asked wrongly."""
    status = exc.http_status
    if getattr(exc, "code", None) == "resource_missing":
        return _Missing()
    if isinstance(exc, sdk.APIConnectionError) or not status:
        return DependencyFailed()
    if status in {_TOO_MANY, _CONFLICT} or status >= _SERVER_ERROR:
        return DependencyFailed()
    if status < 400:  # noqa: PLR2004 - it says all is well, and what it says is no JSON
        return DependencyFailed(repeatable=False, invalid=True)
    log("upstream.refused", level="error", dependency="stripe", code=str(exc.code))
    return UpstreamInvalid()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is expected")
    return value


def _moment(seconds: Any) -> Any:
    if not isinstance(seconds, int):
        raise TypeError("seconds since the epoch are expected")
    return instant(seconds)
