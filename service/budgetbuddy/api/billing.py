"""`/billing` and Stripe's webhook: subscribing, managing it, and what a user may use."""

from typing import Annotated, Literal

from flask import Response, request
from pydantic import ConfigDict, StringConstraints

from budgetbuddy.api._body import Input, View
from budgetbuddy.api._declaration import KILOBYTE
from budgetbuddy.api._http import (
    answer,
    context,
    json_response,
    principal,
    rendered,
    services,
    state,
)
from budgetbuddy.api._plaid_models import WebhookTaken
from budgetbuddy.api._routes import Routes
from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import PROVIDER, SESSION, scope
from budgetbuddy.domain.bank_webhooks import Handling
from budgetbuddy.domain.billing import (
    FEATURES,
    AlreadySubscribed,
    CheckoutPage,
    NoCustomer,
    Order,
    PaymentStatus,
    Plan,
    UrlNotAllowed,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.payments import PaymentSignatureInvalid
from budgetbuddy.problems import (
    BadRequest,
    ProviderNotConfigured,
    UpstreamInvalid,
    UpstreamUnavailable,
)
from budgetbuddy.telemetry import count, log

routes = Routes("billing", "/api/v1/billing")
webhooks = Routes("stripe", "/api/v1/stripe", area="billing")
SIGNATURE = "Stripe-Signature"
WEBHOOK_BYTES = 512 * KILOBYTE
UPSTREAM = (ProviderNotConfigured, UpstreamInvalid, UpstreamUnavailable)

Url = Annotated[str, StringConstraints(min_length=9, max_length=500, pattern=r"^https?://\S+$")]


class Checkout(Input):
    """What to subscribe to, and where to go afterwards."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "plan": "plus",
                "successUrl": "https://app.example.com/paid",
                "cancelUrl": "https://app.example.com/plans",
            }
        }
    )

    plan: Literal[Plan.PLUS]
    success_url: Url
    cancel_url: Url


class CheckoutView(View):
    """A page of Stripe's on which the user pays."""

    url: str
    expires_at: str

    @classmethod
    def of(cls, page: CheckoutPage) -> "CheckoutView":
        """The view of a page."""
        return cls(url=page.url, expires_at=format_instant(page.expires_at))


class Portal(Input):
    """Where to go afterwards."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"returnUrl": "https://app.example.com/plans"}}
    )

    return_url: Url


class PortalView(View):
    """A page of Stripe's on which a subscription is managed."""

    url: str


class SubscriptionView(View):
    """The state of the payment, as Stripe told it last."""

    plan: Plan
    status: PaymentStatus
    current_period_end: str | None
    cancel_at: str | None


class EntitlementsView(View):
    """What the user may use now; apart from the payment's state, with a grace."""

    plan: Plan
    features: list[str]
    valid_until: str | None


@routes.post(
    "/checkout-sessions",
    access=SESSION,
    returns={201: CheckoutView},
    problems=(*UPSTREAM, AlreadySubscribed, UrlNotAllowed),
    idempotency="I!",
    limits=("link",),
)
def create_checkout_session(body: Checkout) -> Response:
    """Open a page of Stripe's to subscribe on, with one trial a user.

    No card data ever reaches this service.
    """
    return answer(
        rendered(CheckoutView.of, status=201, versioned=False),
        services().payments.checkout,
        order=Order(plan=body.plan, success_url=body.success_url, cancel_url=body.cancel_url),
    )


@routes.post(
    "/portal-sessions",
    access=SESSION,
    returns={201: PortalView},
    problems=(*UPSTREAM, NoCustomer, UrlNotAllowed),
    limits=("link",),
)
def create_portal_session(body: Portal) -> Response:
    """Open a page of Stripe's to change or end the subscription on."""
    url = services().payments.portal(context(), body.return_url)
    return json_response(PortalView(url=url), 201)


@routes.get("/subscription", access=SESSION, returns={200: SubscriptionView})
def show_subscription() -> Response:
    """Show the state of the payment."""
    known = services().payments.entitlements.get(principal().user)
    view = SubscriptionView(
        plan=known.plan,
        status=known.status,
        current_period_end=format_instant(known.period_end) if known.period_end else None,
        cancel_at=format_instant(known.cancel_at) if known.cancel_at else None,
    )
    return json_response(view)


@routes.get("/entitlements", access=scope("profile:read"), returns={200: EntitlementsView})
def show_entitlements() -> Response:
    """Show what may be used now, whether or not the last payment worked."""
    known = services().payments.entitlements.get(principal().user)
    plan = known.plan_at(services().clock())
    until = known.valid_until if plan is not Plan.FREE else None
    view = EntitlementsView(
        plan=plan,
        features=list(FEATURES[plan]),
        valid_until=format_instant(until) if until else None,
    )
    return json_response(view)


@webhooks.post(
    "/webhook",
    access=PROVIDER,
    returns={200: WebhookTaken},
    problems=(BadRequest, PaymentSignatureInvalid, *UPSTREAM),
    max_bytes=WEBHOOK_BYTES,
    signed_by=SIGNATURE,
)
def stripe_webhook() -> Response:
    """Take an event of Stripe's: how a subscription stands is asked for again, not believed.

    Stripe signs the body in `Stripe-Signature`. An event that comes twice is taken once; one that
    cannot be kept for the worker is refused, so that Stripe sends it again.
    """
    try:
        handling = services().payments.receive(
            request.get_data(), request.headers.get(SIGNATURE, ""), state().request_id
        )
    except BadRequest:
        count(Metric.WEBHOOK_REJECTED, dimension="stripe")
        log("security.webhook_rejected", level="warning", dependency="stripe")
        raise
    count(Metric.WEBHOOK_RECEIVED, dimension="stripe")
    if handling is Handling.DUPLICATE:
        count(Metric.WEBHOOK_DUPLICATE, dimension="stripe")
    if handling is Handling.IGNORED:
        count(Metric.WEBHOOK_IGNORED, dimension="stripe")
    return json_response(WebhookTaken(handling=handling))
