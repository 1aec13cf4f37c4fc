"""Secrets of providers are filled once, for the doubles; what an operator wrote stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.doubles.stripe import StripeDouble
from localcloud.emulator.process import Emulator, running
from localcloud.provider_credentials import (
    fill_plaid_secret,
    fill_stripe_secret,
    secrets_manager,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUTS = {
    "serviceSecretRefs": {
        "PLAID_CLIENT_ID": {"secret": "app/plaid", "jsonKey": "clientId"},
        "PLAID_SECRET": {"secret": "app/plaid", "jsonKey": "secret"},
        "STRIPE_SECRET_KEY": {"secret": "app/stripe", "jsonKey": "secretKey"},
        "STRIPE_WEBHOOK_SECRETS": {"secret": "app/stripe", "jsonKey": "webhookSecret"},
    }
}
EMPTY = {"clientId": "", "secret": ""}
NOTHING_SOLD = {"secretKey": "", "webhookSecret": ""}
HOOK = "http://127.0.0.1:1/hook"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        service = secrets_manager(emulator.endpoint)
        service.create_secret(Name="app/plaid", SecretString=json.dumps(EMPTY))
        service.create_secret(Name="app/stripe", SecretString=json.dumps(NOTHING_SOLD))
        yield emulator


def read(emulator: Emulator, name: str = "app/plaid") -> Any:
    answer = secrets_manager(emulator.endpoint).get_secret_value(SecretId=name)
    return json.loads(answer["SecretString"])


@pytest.mark.emulator
def test_an_empty_secret_is_filled_once_with_values_nobody_chose(emulator: Emulator) -> None:
    fill_plaid_secret(OUTPUTS, emulator.endpoint)
    filled = read(emulator)
    fill_plaid_secret(OUTPUTS, emulator.endpoint)

    assert filled.keys() == EMPTY.keys()
    assert len(set(filled.values())) == 2
    assert all(len(value) == 32 for value in filled.values())
    assert read(emulator) == filled


@pytest.mark.emulator
def test_what_stripe_signs_events_with_is_the_secret_of_an_endpoint_for_our_address(
    emulator: Emulator,
) -> None:
    double = StripeDouble()
    with double.serve() as url:
        for _ in range(2):
            fill_stripe_secret(OUTPUTS, emulator.endpoint, url, HOOK)
        ((_, first),) = double.account.endpoints.items()
        filled = read(emulator, "app/stripe")
        assert (first["url"], first["secret"]) == (HOOK, filled["webhookSecret"])
        assert filled["secretKey"].startswith("rk_test_")

        fill_stripe_secret(OUTPUTS, emulator.endpoint, url, f"{HOOK}/moved")
        moved = list(double.account.endpoints.values())[-1]
        again = read(emulator, "app/stripe")
    assert again == {**filled, "webhookSecret": moved["secret"]}
