"""Billing's part of the composition root."""

from budgetbuddy.composition_identity import Tools
from budgetbuddy.domain.messages import Queue
from budgetbuddy.domain.payments import Payments, origin_of
from budgetbuddy.gateways.pinning import PinningSwitch, Pins
from budgetbuddy.gateways.resilience import STRIPE, Guards
from budgetbuddy.gateways.stripe import StripeAccess, StripeBilling
from budgetbuddy.gateways.stripe_webhooks import StripeEvents
from budgetbuddy.settings import Settings
from budgetbuddy.store.entitlements import CustomerRows, EntitlementStore
from budgetbuddy.store.webhook_events import SeenEventRows

KEPT_SECONDS = 30 * 86_400  # Stripe sends an event again for three days, and by hand for thirty


def build_payments(
    settings: Settings, tools: Tools, queue: Queue, pinning: PinningSwitch
) -> Payments:
    """Wire them; without credentials of Stripe there is no way to pay."""
    secrets = settings.stripe_secrets
    return Payments(
        provider=_stripe(settings, tools.guards, pinning),
        verifier=StripeEvents(secrets, tools.clock) if secrets else None,
        entitlements=EntitlementStore(tools.store, tools.commands),
        owners=CustomerRows(tools.store),
        seen=SeenEventRows(tools.store, "stripe", KEPT_SECONDS),
        queue=queue,
        clock=tools.clock,
        return_origins=frozenset(
            map(origin_of, [str(settings.public_base_url), *settings.return_origins])
        ),
    )


def _stripe(settings: Settings, guards: Guards, pinning: PinningSwitch) -> StripeBilling | None:
    if settings.stripe_secret_key is None:
        return None
    access = StripeAccess(
        base_url=settings.stripe_origin,
        key=settings.stripe_secret_key.get_secret_value(),
        prices=settings.prices,
    )
    pins = Pins(STRIPE.name, settings.pins_of(settings.stripe_origin), pinning)
    return StripeBilling(access, guards.of(STRIPE), pins)
