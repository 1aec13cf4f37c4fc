"""Every way to a provider and every event of one, through the real SDKs, well and in every weather.

What a gateway can do is read from its class: a new method has to be named here before it passes.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import plaid
import pytest
import stripe

from budgetbuddy.domain.bank_webhooks import LINK_CODES, SYNC_CODES
from budgetbuddy.domain.billing import BillingEvent, Order, Plan
from budgetbuddy.domain.deadline import time_limit
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.gateways.plaid import PlaidAccess, PlaidBanks
from budgetbuddy.gateways.plaid_webhooks import PlaidEvents, PlaidKeys
from budgetbuddy.gateways.resilience import PLAID, STRIPE, DependencyPolicy, Guard, Timeout
from budgetbuddy.gateways.stripe import StripeAccess, StripeBilling
from budgetbuddy.gateways.stripe_webhooks import OTHER_EVENTS, SUBSCRIPTION_EVENTS, StripeEvents
from budgetbuddy.problems import UpstreamInvalid, UpstreamUnavailable
from localcloud.doubles.faults import Fault
from localcloud.doubles.plaid import PlaidDouble
from localcloud.doubles.stripe import StripeDouble

ANN = UserRef(id="usr_1", subject="ab" * 16)
ORDER = Order(plan=Plan.PLUS, success_url="https://a.example", cancel_url="https://a.example")
LONGEST_SECONDS = 0.4
WEATHER = {
    "429": Fault(status=429, kind="RATE_LIMIT_EXCEEDED", code="RATE_LIMIT"),
    "500": Fault(status=500, code="INTERNAL_SERVER_ERROR"),
    "a proxy's page": Fault(status=503, body=b"<html>"),
    "silence": Fault(hangs=True),
    "half a body": Fault(body=b'{"half": ', promised=999),
    "no JSON": Fault(body=b"no json"),
    "another shape": Fault(body=b'{"id": 7, "added": 7, "url": 7, "items": 7}'),
    "an empty body": Fault(body=b""),
}


@dataclass
class Providers:
    """Both gateways on both doubles, one link and one subscription."""

    banks: PlaidBanks
    billing: StripeBilling
    plaid: PlaidDouble
    stripe: StripeDouble
    token: str
    customer: str
    subscription: str


def hasty(policy: DependencyPolicy) -> Guard:
    """Neither pauses nor waits long."""
    timeout = Timeout(connect=1, read=0.1)
    short = DependencyPolicy(
        name=policy.name, timeout=timeout, parallel=policy.parallel, breaker=policy.breaker
    )
    return Guard(short, pause=lambda _: None)


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    plaid_double, stripe_double = PlaidDouble(days=10), StripeDouble()
    with ExitStack() as stack:
        urls = [stack.enter_context(double.serve()) for double in (plaid_double, stripe_double)]
        access = PlaidAccess(base_url=urls[0], client_id="c", secret="s", webhook_url="")
        sold = StripeAccess(base_url=urls[1], key="rk_test_1", prices={Plan.PLUS: "price_1"})
        banks, billing = PlaidBanks(access, hasty(PLAID)), StripeBilling(sold, hasty(STRIPE))
        token = banks.exchange(plaid_double.banks.public_token("ins_1")).access_token
        customer = billing.create_customer(ANN)
        billing.checkout(customer, ORDER, "first")
        bought = stripe_double.account.pay()
        yield Providers(banks, billing, plaid_double, stripe_double, token, customer, bought["id"])


@pytest.fixture(autouse=True)
def fresh(providers: Providers) -> None:
    """Breakers that know of no failure; doubles that plan none."""
    providers.banks._guard = hasty(PLAID)  # noqa: SLF001 - one for each case
    providers.billing._guard = hasty(STRIPE)  # noqa: SLF001 - as above
    for double in (providers.plaid, providers.stripe):
        double.faults.clear()


Call = Callable[[Providers], object]
PLAID_CALLS: dict[str, tuple[str, Call]] = {
    "create_link_token": (
        "/link/token/create",
        lambda p: p.banks.create_link_token(ANN, redirect_uri="https://a.example"),
    ),
    "exchange": (
        "/item/public_token/exchange",
        lambda p: p.banks.exchange(p.plaid.banks.public_token("ins_2")),
    ),
    "institution": ("/accounts/get", lambda p: p.banks.institution(p.token)),
    "standing": ("/item/get", lambda p: p.banks.standing(p.token)),
    "changes": ("/transactions/sync", lambda p: p.banks.changes(p.token, "")),
    "remove": (
        "/item/remove",
        lambda p: p.banks.remove(
            p.plaid.banks.exchange(p.plaid.banks.public_token("ins_3"), "")[0]
        ),
    ),
    "webhook_key": (
        "/webhook_verification_key/get",
        lambda p: p.banks.webhook_key(p.plaid.keys[-1].kid),
    ),
}
STRIPE_CALLS: dict[str, tuple[str, Call]] = {
    "create_customer": ("/v1/customers", lambda p: p.billing.create_customer(ANN)),
    "checkout": (
        "/v1/checkout/sessions",
        lambda p: p.billing.checkout(p.customer, ORDER, "second"),
    ),
    "portal": (
        "/v1/billing_portal/sessions",
        lambda p: p.billing.portal(p.customer, "https://a.example"),
    ),
    "subscription": (
        "/v1/subscriptions/<name>",
        lambda p: p.billing.subscription(p.subscription),
    ),
    "end": (
        "/v1/customers/<name>",
        lambda p: p.billing.end(p.stripe.account.create_customer({})["id"]),
    ),
}
CALLS = [
    *(pytest.param("plaid", *told, id=f"plaid {name}") for name, told in PLAID_CALLS.items()),
    *(pytest.param("stripe", *told, id=f"stripe {name}") for name, told in STRIPE_CALLS.items()),
]


def public(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls, inspect.isfunction) if name[0] != "_"}


def test_no_way_to_a_provider_is_left_out() -> None:
    assert public(PlaidBanks) == PLAID_CALLS.keys()
    assert public(StripeBilling) == STRIPE_CALLS.keys()


@pytest.mark.parametrize(("provider", "route", "call"), CALLS)
def test_each_goes_through_the_real_sdk_to_the_provider(
    providers: Providers, provider: str, route: str, call: Call
) -> None:
    double = getattr(providers, provider)
    before = double.calls[route]
    call(providers)

    assert double.calls[route] == before + 1


@pytest.mark.parametrize("fault", WEATHER.values(), ids=WEATHER)
@pytest.mark.parametrize(("provider", "route", "call"), CALLS)
def test_each_fails_in_words_of_ours_whatever_goes_wrong(
    providers: Providers, provider: str, route: str, call: Call, fault: Fault
) -> None:
    getattr(providers, provider).faults.tell(route, fault, 3)

    # What was asked for is gone, or made anew: an answer that nobody reads is good enough.
    answers_nothing = route in {"/item/remove", "/v1/customers/<name>"} and fault.status == 200
    try:
        with time_limit(LONGEST_SECONDS):
            call(providers)
    except (UpstreamUnavailable, UpstreamInvalid):
        return
    assert answers_nothing, "nonsense was taken for an answer"


# --- Events --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(SYNC_CODES | LINK_CODES | {"NEVER_HEARD_OF"}))
def test_every_event_of_plaids_is_believed_by_a_key_that_the_sdk_fetched(
    providers: Providers, code: str
) -> None:
    body = json.dumps({"webhook_type": "ITEM", "webhook_code": code, "item_id": "i"}).encode()
    events = PlaidEvents(PlaidKeys(providers.banks), lambda: datetime.now(UTC))

    assert events.verify(body, providers.plaid.signature(body)).code == code


@pytest.mark.parametrize("kind", sorted(SUBSCRIPTION_EVENTS | OTHER_EVENTS))
def test_every_event_of_stripes_is_believed_by_the_sdks_own_check(
    providers: Providers, kind: str
) -> None:
    told = {"id": providers.subscription, "subscription": providers.subscription}
    body = providers.stripe.account.event(kind, told)
    events = StripeEvents([providers.stripe.secret], lambda: datetime.now(UTC))
    event = events.verify(body, providers.stripe.signature(body))

    assert isinstance(event, BillingEvent)
    assert (event.type, event.subscription) == (kind, providers.subscription)


# --- The SDKs are the real ones ------------------------------------------------------------------


def test_both_sdks_are_the_installed_packages(providers: Providers) -> None:
    loaded: Any = providers.banks._sdk()  # noqa: SLF001 - what it calls with
    for module, found in ((plaid, loaded.api.item_get), (stripe, stripe.StripeClient)):
        assert module.__file__ is not None
        assert "site-packages" in module.__file__
        assert Path(inspect.getfile(found)).is_relative_to(Path(module.__file__).parent)


def test_no_test_puts_something_else_in_the_place_of_an_sdk() -> None:
    replacing = ("monkeypatch.setattr(", "mock.patch", "MagicMock", "create_autospec")
    for path in Path(__file__).parent.glob("*.py"):
        for line in path.read_text().splitlines():
            is_replaced = any(word in line for word in replacing) and "replacing" not in line
            assert not (is_replaced and ("plaid" in line or "stripe" in line)), (path.name, line)
