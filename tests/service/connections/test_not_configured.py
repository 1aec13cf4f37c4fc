"""A provider that the operator has not set up: its routes say so, everything else works."""

import pytest

from budgetbuddy.settings import Settings, load_settings

from ..conftest import Account, Caller, create_tables, environment  # noqa: TID252 - fixtures' module


@pytest.fixture
def settings(aws: Account) -> Settings:
    """Settings of a service without any provider."""
    create_tables(aws.sdk.client("dynamodb"), "Bare")
    return load_settings(environment(DYNAMODB_TABLE_PREFIX="Bare", DATA_KEY_ID=aws.key_id))


def test_without_plaid_its_routes_answer_503_and_say_why(signed_in: Caller) -> None:
    body = {"publicToken": "public-sandbox-x", "institutionId": "ins_1"}
    answers = (
        signed_in("POST", "/plaid/link-tokens", {}),
        signed_in("POST", "/plaid/items", body, key="k" * 8),
    )

    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (503, "provider_not_configured")
        assert answer.headers["Retry-After"] == "3600"
    assert signed_in("GET", "/plaid/items").json["items"] == []


def test_without_stripe_nobody_can_pay_and_everybody_has_the_free_plan(signed_in: Caller) -> None:
    url = "https://app.example.com"
    body = {"plan": "plus", "successUrl": url, "cancelUrl": url}
    answers = (
        signed_in("POST", "/billing/checkout-sessions", body, key="k" * 8),
        signed_in("POST", "/billing/portal-sessions", {"returnUrl": url}),
    )

    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (503, "provider_not_configured")
    assert signed_in("GET", "/billing/entitlements").json["plan"] == "free"
    forged = signed_in("POST", "/stripe/webhook", {"type": "x"}, Stripe_Signature="t=1,v1=x")
    assert (forged.status_code, forged.json["code"]) == (400, "signature_invalid")
