"""Credentials of other companies are checked, stored once, and never shown."""

import json
from typing import Any

import pytest

from budgetbuddy import contract
from delivery.ops.secrets import RefusedError, expected_keys, seal

PLAID = {"clientId": "0" * 24, "secret": "a" * 30}


KEYS = {"plaid": ("clientId", "secret"), "stripe": ("secretKey", "webhookSecret")}


@pytest.fixture(autouse=True)
def _read_by_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service reads the keys of both companies, whatever it reads today."""
    declared = tuple(
        contract.SecretSpec(variable=f"{kind}_{key}", secret=kind, json_key=key, required=False)
        for kind, keys in KEYS.items()
        for key in keys
    )
    others = tuple(each for each in contract.SECRETS if each.secret not in KEYS)
    monkeypatch.setattr(contract, "SECRETS", (*others, *declared))


@pytest.mark.parametrize("kind", KEYS)
def test_the_keys_are_those_the_service_reads(kind: str) -> None:
    assert expected_keys(kind) == set(KEYS[kind])


def test_the_same_value_gives_the_same_token_in_any_order() -> None:
    one = seal("plaid", json.dumps(PLAID), "staging")
    other = seal("plaid", json.dumps(dict(reversed(PLAID.items()))), "staging")

    assert (one.token, one.text) == (other.token, other.text)
    assert one.secret == "budgetbuddy/plaid"
    assert len(one.fingerprint) == 6


def test_another_value_gives_another_token() -> None:
    other = {**PLAID, "secret": "b" * 30}

    assert (
        seal("plaid", json.dumps(PLAID), "staging").token
        != seal("plaid", json.dumps(other), "staging").token
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "not JSON"),
        ("[]", "JSON object"),
        ("{}", "exactly the keys clientId, secret"),
        (json.dumps({**PLAID, "extra": "x"}), "exactly the keys"),
        (json.dumps({**PLAID, "secret": ""}), "secret must be a text"),
        (json.dumps({**PLAID, "secret": 7}), "secret must be a text"),
        (json.dumps({**PLAID, "secret": "a" * 29 + " "}), "secret holds white space"),
        (json.dumps({**PLAID, "secret": "changeme"}), "secret is a placeholder"),
        (json.dumps({**PLAID, "clientId": "your-client-id"}), "clientId is a placeholder"),
        (json.dumps({**PLAID, "clientId": "z" * 24}), "clientId is no such credential"),
    ],
)
def test_what_cannot_be_right_is_refused_without_being_quoted(text: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        seal("plaid", text, "staging")

    assert "a" * 29 not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def stripe_text(mode: str) -> str:
    return json.dumps(
        {"secretKey": f"sk_{mode}_" + "A1" * 12, "webhookSecret": "whsec_" + "A1" * 12}
    )


@pytest.mark.parametrize(("environment", "mode"), [("staging", "test"), ("production", "live")])
def test_a_stripe_key_is_of_its_environment(environment: str, mode: str) -> None:
    other: Any = {"test": "live", "live": "test"}[mode]

    assert seal("stripe", stripe_text(mode), environment).fingerprint
    with pytest.raises(RefusedError, match=f"secretKey is no such credential of {environment}"):
        seal("stripe", stripe_text(other), environment)


def test_a_secret_nobody_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "SECRETS", ())

    with pytest.raises(RefusedError, match="reads no secret of plaid"):
        seal("plaid", json.dumps(PLAID), "staging")


def test_a_sealed_value_does_not_show_itself() -> None:
    assert "a" * 30 not in repr(seal("plaid", json.dumps(PLAID), "staging"))
