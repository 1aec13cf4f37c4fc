"""Subscribing through Stripe's SDK and a double of Stripe; what events may do, and may not."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from budgetbuddy.domain.billing import Entitlement, PaymentStatus, Plan, applied
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.domain.services import Services
from budgetbuddy.gateways.resilience import STRIPE
from budgetbuddy.settings import Settings, load_settings
from localcloud.doubles.faults import Fault
from localcloud.doubles.stripe import StripeDouble
from localcloud.doubles.stripe_account import StripeAccount

from ..conftest import (  # noqa: TID252 - fixtures' module
    NOON,
    PASSWORD,
    Account,
    Caller,
    ManualClock,
    create_tables,
    environment,
)

PATH = "/api/v1/stripe/webhook"
SECRET, NEXT_SECRET = "whsec_first", "whsec_next"
ORDER = {
    "plan": "plus",
    "successUrl": "https://app.example.com/paid",
    "cancelUrl": "https://app.example.com/plans",
}
HANG = Fault(body=b"{", promised=100)
Send = Callable[..., Any]
Records = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def double(clock: ManualClock) -> StripeDouble:
    """Stripe, on the service's own clock."""
    return StripeDouble(secret=SECRET, account=StripeAccount(now=clock))


@pytest.fixture
def stripe_url(double: StripeDouble) -> Iterator[str]:
    """Where it answers."""
    with double.serve() as url:
        yield url


@pytest.fixture
def settings(aws: Account, stripe_url: str) -> Settings:
    """Settings of a service that has Stripe and two secrets for its webhooks."""
    prefix = f"T{secrets.token_hex(4)}"
    create_tables(aws.sdk.client("dynamodb"), prefix)
    return load_settings(
        environment(
            DYNAMODB_TABLE_PREFIX=prefix,
            DATA_KEY_ID=aws.key_id,
            STRIPE_SECRET_KEY="rk_test_1",
            STRIPE_WEBHOOK_SECRETS=f"{SECRET}, {NEXT_SECRET}",
            STRIPE_PRICES='{"plus": "price_plus"}',
            STRIPE_BASE_URL=stripe_url,
            RETURN_ORIGINS="https://app.example.com",
        )
    )


@pytest.fixture
def send(client: FlaskClient, double: StripeDouble) -> Send:
    """Sends a body as Stripe would, signed now unless a signature is given."""

    def send(body: bytes, signature: str | None = None) -> Any:
        signed = double.signature(body) if signature is None else signature
        headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
        return client.post(PATH, data=body, headers=headers)

    return send


def check_out(caller: Caller, key: str = "", **changes: str) -> Any:
    return caller(
        "POST", "/billing/checkout-sessions", ORDER | changes, key=key or secrets.token_hex(8)
    )


@pytest.fixture
def subscribed(signed_in: Caller, send: Send, double: StripeDouble) -> dict[str, Any]:
    """A subscription that the user has just paid for; what Stripe knows of it."""
    assert check_out(signed_in).status_code == 201
    bought = double.account.pay()
    assert send(double.account.event("customer.subscription.created", bought)).json == {
        "handling": "taken"
    }
    return bought


def state(caller: Caller) -> tuple[str, str]:
    """Plan that may be used, and state of the payment."""
    return (
        caller("GET", "/billing/entitlements").json["plan"],
        caller("GET", "/billing/subscription").json["status"],
    )


def require_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json


@dataclass
class Payer:
    """A user who has subscribed, and Stripe's side of it."""

    caller: Caller
    bought: dict[str, Any]
    double: StripeDouble
    send: Send
    services: Services
    user: UserRef

    def tell(self, kind: str, told: dict[str, Any] | None = None) -> Any:
        """Stripe sends an event about the subscription."""
        return self.send(self.double.account.event(kind, told or self.bought))

    def entitlement(self) -> Entitlement:
        """What is kept, whatever has become of the access token."""
        return self.services.payments.entitlements.get(self.user)


@pytest.fixture
def payer(
    signed_in: Caller, subscribed: dict[str, Any], double: StripeDouble, send: Send, wired: Services
) -> Payer:
    """A user who has subscribed."""
    user = wired.authenticator.authenticate(signed_in.token).user
    return Payer(signed_in, subscribed, double, send, wired, user)


# --- Subscribing ---------------------------------------------------------------------------------


def test_somebody_subscribes_uses_it_and_cancels(
    signed_in: Caller, send: Send, double: StripeDouble, clock: ManualClock
) -> None:
    assert state(signed_in) == ("free", "none")
    page = check_out(signed_in)
    assert page.status_code == 201
    assert page.json["url"].startswith("http://127.0.0.1:")
    assert state(signed_in) == ("free", "none")

    bought = double.account.pay()
    send(
        double.account.event(
            "checkout.session.completed", next(iter(double.account.sessions.values()))
        )
    )
    assert state(signed_in) == ("plus", "trialing")
    assert "bank_links" in signed_in("GET", "/billing/entitlements").json["features"]
    require_problem(check_out(signed_in), 409, "already_subscribed")

    double.account.cancel(bought["id"])
    clock.advance(seconds=1)
    send(double.account.event("customer.subscription.deleted", bought))
    assert state(signed_in) == ("free", "canceled")


def test_stripe_knows_a_user_by_their_pseudonym_alone(
    signed_in: Caller, double: StripeDouble
) -> None:
    check_out(signed_in)
    ((_, customer),) = double.account.customers.items()
    user = signed_in.session["user"]

    assert customer["metadata"].keys() == {"subject"}
    told = json.dumps([customer, *double.account.sessions.values()])
    assert user["id"] not in told
    assert user["email"] not in told


def test_the_same_key_opens_the_same_page_and_makes_one_customer(
    signed_in: Caller, double: StripeDouble
) -> None:
    first, again = (check_out(signed_in, key="k" * 8) for _ in range(2))
    check_out(signed_in)

    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert (len(double.account.customers), len(double.account.sessions)) == (1, 2)


def test_a_trial_is_had_once(
    signed_in: Caller, subscribed: dict[str, Any], send: Send, double: StripeDouble
) -> None:
    double.account.cancel(subscribed["id"])
    send(double.account.event("customer.subscription.deleted", subscribed))
    check_out(signed_in)
    again = double.account.pay()
    send(double.account.event("customer.subscription.created", again))

    assert (subscribed["trial_start"] is None, again["trial_start"]) == (False, None)
    assert state(signed_in) == ("plus", "active")


@pytest.mark.parametrize("url", ["https://evil.example", "https://app.example.com@evil.example/x"])
@pytest.mark.parametrize("field", ["successUrl", "cancelUrl"])
def test_the_page_returns_to_our_addresses_only(
    signed_in: Caller, double: StripeDouble, field: str, url: str
) -> None:
    answer = check_out(signed_in, **{field: url})

    require_problem(answer, 422, "url_not_allowed")
    assert [each["pointer"] for each in answer.json["errors"]] == [f"/{field}"]
    assert not double.calls


def test_no_field_takes_a_card(signed_in: Caller) -> None:
    number = "4242424242424242"
    for name in ("cardNumber", "cvc", "number"):
        require_problem(check_out(signed_in, **{name: number}), 422, "validation_failed")


def test_the_portal_is_for_those_who_pay(
    signed_in: Caller, double: StripeDouble, trail: Callable[[Caller], list[str]]
) -> None:
    body = {"returnUrl": "https://app.example.com/plans"}
    require_problem(signed_in("POST", "/billing/portal-sessions", body), 409, "no_customer")
    check_out(signed_in)
    answer = signed_in("POST", "/billing/portal-sessions", body)

    assert answer.status_code == 201
    assert answer.json["url"].startswith("http://127.0.0.1:")
    assert trail(signed_in)[-2:] == ["billing.checkout", "billing.portal"]
    assert double.calls["/v1/billing_portal/sessions"] == 1


# --- Payment and entitlement ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "days", "plan"),
    [
        ("active", 20, "plus"),
        ("past_due", 20, "plus"),  # a card that failed has a grace of a week
        ("past_due", 22, "free"),
        ("unpaid", 13, "plus"),
        ("unpaid", 15, "free"),
        ("incomplete_expired", 0, "free"),
        ("paused", 0, "free"),
    ],
)
def test_what_may_be_used_is_another_question_than_what_is_paid(
    payer: Payer, clock: ManualClock, status: str, days: int, plan: str
) -> None:
    payer.bought["status"] = status
    payer.tell("customer.subscription.updated")
    clock.advance(days=days, seconds=-1 if days else 0)

    assert payer.entitlement().plan_at(clock()) is Plan(plan)


def test_a_subscription_that_will_end_is_used_until_then_and_no_longer(
    payer: Payer, clock: ManualClock
) -> None:
    payer.bought["cancel_at_period_end"] = True
    payer.tell("customer.subscription.updated")
    clock.advance(days=14, seconds=-1)
    assert payer.entitlement().plan_at(clock()) is Plan.PLUS
    clock.advance(seconds=1)

    assert payer.entitlement().plan_at(clock()) is Plan.FREE


# --- Events: late, twice, in any order ------------------------------------------------------------


def test_the_order_of_events_does_not_matter(payer: Payer) -> None:
    created = payer.double.account.event("customer.subscription.created", payer.bought)
    payer.double.account.cancel(payer.bought["id"])
    payer.tell("customer.subscription.deleted")
    payer.send(created)

    assert state(payer.caller) == ("free", "canceled")


def test_the_end_of_an_earlier_subscription_ends_no_later_one(
    payer: Payer, clock: ManualClock
) -> None:
    payer.double.account.cancel(payer.bought["id"])
    payer.tell("customer.subscription.deleted")
    check_out(payer.caller)
    payer.tell("customer.subscription.created", payer.double.account.pay())
    clock.advance(minutes=1)
    payer.tell("customer.subscription.deleted")

    assert state(payer.caller) == ("plus", "active")


def test_words_that_are_older_than_what_is_known_change_nothing(payer: Payer) -> None:
    known = payer.entitlement()
    assert known.seen_at is not None
    told = payer.services.payments.provider
    assert told is not None
    payer.double.account.cancel(payer.bought["id"])
    late = told.subscription(payer.bought["id"])
    assert late is not None

    assert applied(known, late, known.seen_at - timedelta(seconds=1)) is known
    assert applied(known, late, known.seen_at).status is PaymentStatus.CANCELED


def test_an_event_is_taken_once_and_again_when_it_could_not_be_kept(
    payer: Payer, records: Records
) -> None:
    body = payer.double.account.event("customer.subscription.updated", payer.bought)
    payer.double.fail(Fault(status=500), times=3)

    require_problem(payer.send(body), 503, "upstream_unavailable")
    answers = [payer.send(body).json["handling"] for _ in range(2)]
    assert answers == ["taken", "duplicate"]
    assert sum(line.get("WebhookDuplicate", 0) for line in records()) == 1


@pytest.mark.parametrize("kind", ["customer.created", "invoice.paid", "charge.refunded"])
def test_events_nobody_waits_for_are_taken_ignored_and_counted(
    payer: Payer, records: Records, kind: str
) -> None:
    calls = payer.double.calls["/v1/subscriptions/<name>"]
    told = {"id": "in_1", "object": "invoice", "parent": None}

    assert payer.tell(kind, told).json == {"handling": "ignored"}
    assert payer.double.calls["/v1/subscriptions/<name>"] == calls
    assert sum(line.get("WebhookIgnored", 0) for line in records()) == 1


def test_an_invoice_leads_to_its_subscription(payer: Payer) -> None:
    payer.bought["status"] = "past_due"
    details = {"subscription_details": {"subscription": payer.bought["id"]}}
    payer.tell("invoice.payment_failed", {"id": "in_1", "parent": details})

    assert state(payer.caller) == ("plus", "past_due")


def test_events_of_strangers_and_of_what_is_gone_change_nothing(payer: Payer) -> None:
    before = payer.entitlement()
    stranger = {**payer.bought, "id": "sub_other", "customer": "cus_other"}
    payer.double.account.subscriptions["sub_other"] = stranger

    assert payer.tell("customer.subscription.updated", stranger).json == {"handling": "taken"}
    assert payer.tell("customer.subscription.updated", {"id": "sub_gone"}).status_code == 200
    assert payer.entitlement() == before


def test_a_forgotten_customer_pays_no_more_and_forgetting_twice_is_no_error(payer: Payer) -> None:
    provider, customer = payer.services.payments.provider, payer.bought["customer"]
    assert provider is not None
    provider.end(customer)
    payer.double.kept.clear()
    provider.end(customer)

    assert payer.bought["status"] == "canceled"
    assert payer.double.account.customers == {}


def test_the_erasure_of_a_user_ends_what_they_pay_and_leaves_nothing_that_leads_to_them(
    payer: Payer, stored: Callable[[], str]
) -> None:
    customer = payer.bought["customer"]
    assert customer in stored()
    payer.double.fail(Fault(status=500), times=3)
    asked = {"confirm": "ERASE", "password": PASSWORD}
    answer = payer.caller("POST", "/privacy/erasure", asked)
    assert answer.status_code == 202, answer.json
    assert payer.bought["status"] == "trialing"  # Stripe fails, so nothing is shredded yet
    assert customer in stored()
    payer.services.erasures.sweep()

    assert (payer.bought["status"], payer.double.account.customers) == ("canceled", {})
    assert customer not in stored()
    assert payer.tell("customer.subscription.deleted").json == {"handling": "taken"}


# --- Forgeries -----------------------------------------------------------------------------------


def test_only_a_fresh_signature_of_stripes_is_believed(
    send: Send, double: StripeDouble, records: Records
) -> None:
    body = double.account.event("customer.subscription.updated", {"id": "sub_1"})
    good = double.signature(body)
    stamp, _, digest = good.partition(",")
    for signature in (
        "",
        "x",
        "t=,v1=",
        stamp,
        digest,
        f"{stamp},{stamp},{digest}",
        f"{stamp},v0={digest[3:]}",
        double.signature(body + b" "),
        double.signature(body, secret="whsec_other"),
        good + "x" * 3_000,
        "t=٣,v1=x".encode().decode("latin-1"),
    ):
        require_problem(send(body, signature), 400, "signature_invalid")
    assert double.calls["/v1/subscriptions/<name>"] == 0
    assert sum(line.get("WebhookRejected", 0) for line in records()) == 11


@pytest.mark.parametrize(
    ("age", "status"), [(0, 200), (299, 200), (301, 400), (3 * 86_400, 400), (-59, 200), (-61, 400)]
)
def test_a_signature_is_good_for_five_minutes_and_a_minute_ahead(
    send: Send, double: StripeDouble, age: int, status: int
) -> None:
    body = double.account.event("customer.created", {"id": "cus_1"})

    assert send(body, double.signature(body, at=NOON.timestamp() - age)).status_code == status


def test_an_event_that_is_sent_again_after_days_has_a_new_signature_and_is_taken(
    payer: Payer, clock: ManualClock
) -> None:
    body = payer.double.account.event("customer.subscription.updated", payer.bought)
    payer.bought["status"] = "past_due"
    clock.advance(days=3)

    assert payer.send(body).json == {"handling": "taken"}
    assert payer.entitlement().status is PaymentStatus.PAST_DUE


def test_while_a_secret_is_changed_both_are_good(send: Send, double: StripeDouble) -> None:
    for secret in (SECRET, NEXT_SECRET):
        body = double.account.event("customer.created", {"id": "cus_1"})
        assert send(body, double.signature(body, secret=secret)).status_code == 200


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'{"id":"evt_1","type":"x"}'])
def test_a_signed_body_of_another_shape_is_malformed(
    send: Send, double: StripeDouble, body: bytes
) -> None:
    require_problem(send(body, double.signature(body)), 400, "malformed_request")


def test_bytes_that_are_no_text_are_no_event(send: Send, double: StripeDouble) -> None:
    body = b'{"id": "\xff"}'
    require_problem(send(body, double.signature(body)), 400, "signature_invalid")


# --- Stripe fails --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault(status=429), Fault(status=500), Fault(status=409), HANG])
def test_a_call_that_failed_is_repeated_and_doubles_nothing(
    signed_in: Caller, double: StripeDouble, fault: Fault
) -> None:
    double.fail(fault)

    assert check_out(signed_in).status_code == 201
    assert (len(double.account.customers), double.calls["/v1/customers"]) == (1, 2)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(body=b"no json"), 502, "upstream_invalid"),
        (Fault(body=b"[]"), 502, "upstream_invalid"),
        (Fault(body=b"{}"), 502, "upstream_invalid"),
        (Fault(status=401, code="api_key_expired"), 502, "upstream_invalid"),
        (Fault(status=400, code="parameter_unknown"), 502, "upstream_invalid"),
        (Fault(body=b" " * (2 * 1_024 * 1_024 + 1)), 503, "upstream_unavailable"),
    ],
)
def test_an_answer_without_sense_is_told_as_such(
    signed_in: Caller, double: StripeDouble, fault: Fault, status: int, code: str
) -> None:
    double.fail(fault, times=3)

    require_problem(check_out(signed_in), status, code)


def test_a_stripe_that_fails_is_left_alone_and_everything_else_goes_on(
    signed_in: Caller, double: StripeDouble, records: Records
) -> None:
    double.fail(Fault(body=b"no json"), times=99)
    for _ in range(STRIPE.breaker.minimum):
        require_problem(check_out(signed_in), 502, "upstream_invalid")
    calls = sum(double.calls.values())
    answer = check_out(signed_in)

    require_problem(answer, 503, "upstream_unavailable")
    assert 1 <= int(answer.headers["Retry-After"]) <= STRIPE.breaker.open_seconds
    assert sum(double.calls.values()) == calls
    assert signed_in("GET", "/billing/entitlements").status_code == 200
    assert sum(line.get("BreakerOpened", 0) for line in records()) == 1
