"""What a user pays for, and what they may use: two things, kept apart.

The state of the payment is the provider's and is asked for again with every event, so that events
may come late, twice or in any order. What the user may use follows from it by a rule, with a grace
for cards that fail. No card data ever reaches the service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Conflict, Unprocessable

GRACE: Final = timedelta(days=7)
TRIAL_DAYS: Final = 14


class Plan(StrEnum):
    """What can be had."""

    FREE = "free"
    PLUS = "plus"


FEATURES: Final[Mapping[Plan, tuple[str, ...]]] = {
    Plan.FREE: ("budgets", "goals", "imports", "exports"),
    Plan.PLUS: ("budgets", "goals", "imports", "exports", "bank_links", "webhooks"),
}


class AlreadySubscribed(Conflict):
    """A second subscription would be paid twice."""

    code = "already_subscribed"
    title = "There is a subscription already"


class NoCustomer(Conflict):
    """Nobody pays for this user yet."""

    code = "no_customer"
    title = "There is nothing to manage yet"


class UrlNotAllowed(Unprocessable):
    """The payment page returns to addresses of ours only."""

    code = "url_not_allowed"
    title = "This address is not one to return to"


class PaymentStatus(StrEnum):
    """As the provider names it."""

    NONE = "none"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    PAUSED = "paused"


RUNNING: Final = frozenset({PaymentStatus.TRIALING, PaymentStatus.ACTIVE, PaymentStatus.PAST_DUE})


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What the provider says now. Instants are aware, UTC."""

    id: str
    customer: str
    plan: Plan
    status: PaymentStatus
    period_end: datetime
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    had_trial: bool = False


@dataclass(frozen=True, kw_only=True)
class Entitlement:
    """One user's: what is known of the payment, and until when a plan may be used."""

    plan: Plan = Plan.FREE
    valid_until: datetime | None = None
    customer: str | None = None
    subscription: str | None = None
    status: PaymentStatus = PaymentStatus.NONE
    period_end: datetime | None = None
    cancel_at: datetime | None = None
    trial_used: bool = False
    seen_at: datetime | None = None  # when the provider was asked

    def plan_at(self, now: datetime) -> Plan:
        """The plan that may be used at a moment, whatever the payment's state is called."""
        is_valid = self.valid_until is not None and now < self.valid_until
        return self.plan if is_valid else Plan.FREE


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody wants to pay for, and where the page returns to."""

    plan: Plan
    success_url: str
    cancel_url: str
    trial: bool = False


@dataclass(frozen=True, kw_only=True)
class CheckoutPage:
    """A page of the provider's on which somebody pays."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class BillingEvent:
    """A verified event: which subscription to ask for."""

    id: str
    type: str
    subscription: str


class BillingProvider(Protocol):
    """The way to the provider. Methods raise `UpstreamUnavailable` and `UpstreamInvalid`."""

    def create_customer(self, user: UserRef) -> str:
        """The customer of a user, known there by their pseudonym; the same one every time."""

    def checkout(self, customer: str, order: Order, key: str) -> CheckoutPage:
        """A page to subscribe on; the same `key` gives the same page."""

    def portal(self, customer: str, return_url: str) -> str:
        """Address of a page to change or end a subscription on."""

    def subscription(self, subscription_id: str) -> Subscription | None:
        """As it is now; None when the provider knows it no more."""

    def end(self, customer: str) -> None:
        """End every subscription of a customer and forget them; repeating it changes nothing."""


class Entitlements(Protocol):
    """What is kept."""

    def get(self, user: UserRef) -> Entitlement:
        """A user's; the free plan where nothing is kept."""

    def opened(self, context: Context, customer: str, page: CheckoutPage) -> CheckoutPage:
        """Note who pays for the user, with the answer of the request."""

    def managed(self, context: Context, url: str) -> str:
        """Note in the audit trail that the provider's page was opened."""

    def apply(self, context: Context, told: Subscription, seen_at: datetime) -> None:
        """Keep what the provider said at `seen_at`, unless later words are known."""


def applied(old: Entitlement, told: Subscription, seen_at: datetime) -> Entitlement:
    """The entitlement after the provider's words; the same object when they change nothing.

    Older words than the last change nothing, nor does the end of a subscription that another has
    taken the place of.
    """
    is_old = old.seen_at is not None and seen_at < old.seen_at
    is_other = old.subscription not in {None, told.id} and old.status in RUNNING
    if is_old or (is_other and told.status not in RUNNING):
        return old
    return Entitlement(
        plan=told.plan,
        valid_until=entitled_until(told),
        customer=told.customer,
        subscription=told.id,
        status=told.status,
        period_end=told.period_end,
        cancel_at=told.cancel_at,
        trial_used=old.trial_used or told.had_trial,
        seen_at=seen_at,
    )


def entitled_until(told: Subscription) -> datetime | None:
    """The end of what was paid for, a grace later where a payment is still expected."""
    if told.status in RUNNING:
        return told.cancel_at or told.period_end + GRACE
    if told.status is PaymentStatus.UNPAID:
        return told.period_end
    return told.ended_at if told.status is PaymentStatus.CANCELED else None


def instant(seconds: int | None) -> datetime | None:
    """The provider's seconds since the epoch as we keep instants."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
