"""The use cases of billing: subscribe, manage, and take what the provider tells."""

from dataclasses import asdict, dataclass, replace
from typing import Protocol
from urllib.parse import urlsplit

from budgetbuddy.domain.bank_webhooks import Handling, SeenEvents
from budgetbuddy.domain.billing import (
    RUNNING,
    AlreadySubscribed,
    BillingEvent,
    BillingProvider,
    CheckoutPage,
    Entitlements,
    NoCustomer,
    Order,
    UrlNotAllowed,
)
from budgetbuddy.domain.deadline import REQUEST_SECONDS, time_limit
from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.problems import BadRequest, FieldError, ProviderNotConfigured


class PaymentSignatureInvalid(BadRequest):
    """The provider did not send this, or not now, or not with this body."""

    code = "signature_invalid"
    title = "The signature is not valid"


class PaymentEventVerifier(Protocol):
    """Tells the provider's events from forgeries."""

    def verify(self, body: bytes, signature: str) -> BillingEvent | tuple[str, None]:
        """The event, or its id and None when nobody waits for its type.

        Raises `PaymentSignatureInvalid`, `BadRequest`.
        """


class CustomerOwners(Protocol):
    """Whose customer it is."""

    def __call__(self, customer: str, /) -> UserRef | None:
        """The user; None for a customer of nobody."""


@dataclass(frozen=True, kw_only=True)
class Payments:
    """Without a provider every method that needs it raises `ProviderNotConfigured`."""

    provider: BillingProvider | None
    verifier: PaymentEventVerifier | None
    entitlements: Entitlements
    owners: CustomerOwners
    seen: SeenEvents
    queue: Queue
    clock: Clock
    return_origins: frozenset[str]

    def checkout(self, context: Context, *, order: Order) -> CheckoutPage:
        """A page to subscribe on; one trial a user. Raises `AlreadySubscribed`, `UrlNotAllowed`."""
        provider = self._billing
        self._require_ours(successUrl=order.success_url, cancelUrl=order.cancel_url)
        known = self.entitlements.get(context.user)
        if known.status in RUNNING:
            raise AlreadySubscribed
        with time_limit(REQUEST_SECONDS):
            customer = known.customer or provider.create_customer(context.user)
            key = f"{context.user.subject}-{context.claim.key if context.claim else ''}"
            page = provider.checkout(customer, replace(order, trial=not known.trial_used), key)
        return self.entitlements.opened(context, customer, page)

    def portal(self, context: Context, return_url: str) -> str:
        """A page to manage the subscription on. Raises `NoCustomer`, `UrlNotAllowed`."""
        provider = self._billing
        self._require_ours(returnUrl=return_url)
        customer = self.entitlements.get(context.user).customer
        if customer is None:
            raise NoCustomer
        with time_limit(REQUEST_SECONDS):
            url = provider.portal(customer, return_url)
        return self.entitlements.managed(context, url)

    def receive(self, body: bytes, signature: str, request_id: str) -> Handling:
        """Keep one event for the worker. Raises `PaymentSignatureInvalid`, or why it cannot."""
        if self.verifier is None:
            raise PaymentSignatureInvalid
        event = self.verifier.verify(body, signature)
        event_id = event.id if isinstance(event, BillingEvent) else event[0]
        if not self.seen.take(event_id):
            return Handling.DUPLICATE
        if not isinstance(event, BillingEvent):
            return Handling.IGNORED
        kept = Message(kind=MessageKind.BILLING_EVENT, data=asdict(event), request_id=request_id)
        try:
            with time_limit(REQUEST_SECONDS):
                self.queue.send(kept)
        except BaseException:
            self.seen.forget(event_id)
            raise
        return Handling.TAKEN

    def handle(self, event: BillingEvent, request_id: str) -> None:
        """Ask the provider how things stand, and keep that; repeating it changes nothing."""
        seen_at = self.clock()  # before the question: what is asked later knows more
        told = self._billing.subscription(event.subscription)
        user = self.owners(told.customer) if told else None
        if told is None or user is None:
            return  # not ours, or its user was erased
        context = Context(user=user, request_id=request_id, actor="system")
        self.entitlements.apply(context, told, seen_at)

    @property
    def _billing(self) -> BillingProvider:
        if self.provider is None:
            raise ProviderNotConfigured
        return self.provider

    def _require_ours(self, **urls: str) -> None:
        """An open redirect through the provider's page would carry our name."""
        refused = [
            FieldError(pointer=f"/{name}", code=UrlNotAllowed.code, detail=UrlNotAllowed.title)
            for name, url in urls.items()
            if origin_of(url) not in self.return_origins
        ]
        if refused:
            raise UrlNotAllowed(errors=refused)


@dataclass(frozen=True, kw_only=True)
class PaymentEndings:
    """The step of an erasure that ends what is paid, while we still know who pays."""

    provider: BillingProvider | None
    entitlements: Entitlements

    def __call__(self, user: UserRef) -> int:
        """How many customers were forgotten. Raises `ProviderNotConfigured` and the provider's."""
        customer = self.entitlements.get(user).customer
        if customer is None:
            return 0
        if self.provider is None:
            raise ProviderNotConfigured
        with time_limit(REQUEST_SECONDS):
            self.provider.end(customer)
        return 1


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an address; empty where there is user information."""
    parts = urlsplit(url)
    return "" if "@" in parts.netloc else f"{parts.scheme}://{parts.netloc}".lower()
