"""Secrets of providers are filled once, for the doubles; what an operator wrote stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.emulator.process import Emulator, running
from localcloud.provider_credentials import fill_provider_secrets, secrets_manager

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUTS = {
    "serviceSecretRefs": {
        "PLAID_CLIENT_ID": {"secret": "app/plaid", "jsonKey": "clientId"},
        "PLAID_SECRET": {"secret": "app/plaid", "jsonKey": "secret"},
    }
}
EMPTY = {"clientId": "", "secret": ""}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        service = secrets_manager(emulator.endpoint)
        service.create_secret(Name="app/plaid", SecretString=json.dumps(EMPTY))
        yield emulator


def read(emulator: Emulator) -> Any:
    answer = secrets_manager(emulator.endpoint).get_secret_value(SecretId="app/plaid")
    return json.loads(answer["SecretString"])


@pytest.mark.emulator
def test_an_empty_secret_is_filled_once_with_values_nobody_chose(emulator: Emulator) -> None:
    fill_provider_secrets(OUTPUTS, emulator.endpoint)
    filled = read(emulator)
    fill_provider_secrets(OUTPUTS, emulator.endpoint)

    assert filled.keys() == EMPTY.keys()
    assert len(set(filled.values())) == 2
    assert all(len(value) == 32 for value in filled.values())
    assert read(emulator) == filled
