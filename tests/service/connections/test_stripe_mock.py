"""Every call of ours, through the real SDK, against Stripe's own mock of its published API."""

from collections.abc import Iterator

import pytest
from stripe import StripeClient

from budgetbuddy.domain.billing import Order, Plan
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.gateways.resilience import STRIPE, Guard
from budgetbuddy.gateways.stripe import StripeAccess, StripeBilling
from budgetbuddy.problems import UpstreamInvalid
from localcloud.doubles import stripe_mock

KEY = "sk_test_123"
ORDER = Order(
    plan=Plan.PLUS,
    success_url="https://app.example.com/paid",
    cancel_url="https://app.example.com/plans",
    trial=True,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Stripe's mock, which refuses what Stripe's API does not have."""
    with stripe_mock.serve() as url:
        yield url


@pytest.fixture
def billing(url: str) -> StripeBilling:
    """Our gateway; its price is the one that the mock answers with."""
    client = StripeClient(KEY, base_addresses={"api": url})
    price = client.v1.subscriptions.retrieve("sub_1")["items"]["data"][0]["price"]["id"]
    access = StripeAccess(base_url=url, key=KEY, prices={Plan.PLUS: price})
    return StripeBilling(access, Guard(STRIPE))


def test_stripe_takes_every_call_and_we_read_every_answer(billing: StripeBilling) -> None:
    customer = billing.create_customer(UserRef(id="usr_1", subject="pseudonym"))
    page = billing.checkout(customer, ORDER, "key")
    known = billing.subscription("sub_1")

    assert customer.startswith("cus_")
    assert page.url.startswith("https://")
    assert billing.portal(customer, ORDER.success_url).startswith("https://")
    assert known is not None
    assert known.plan is Plan.PLUS
    billing.end(customer)


def test_the_mock_refuses_what_stripe_has_not(billing: StripeBilling, url: str) -> None:
    """Or the test above would prove nothing."""
    access = StripeAccess(base_url=url, key="no key of Stripe's", prices={Plan.PLUS: "price_1"})
    stranger = StripeBilling(access, Guard(STRIPE))

    with pytest.raises(UpstreamInvalid):
        stranger.portal("cus_1", "https://app.example.com")
    with pytest.raises(UpstreamInvalid):
        billing._call(  # noqa: SLF001 - a parameter that our calls do not have
            lambda api, options: api.v1.customers.create({"nonsense": "1"}, options), lambda _: None
        )
