"""Configuration fails fast, with all faults at once, and never shows a value."""

import base64
import subprocess
import sys

import pytest

from budgetbuddy import contract
from budgetbuddy.settings import EX_CONFIG, InvalidSettings, Settings, load_settings

from ..conftest import environment  # noqa: TID252 - fixtures' module

SECRET = "Tr0ub4dor&3"
PLAID = {"PLAID_CLIENT_ID": "client", "PLAID_SECRET": SECRET}
STRIPE = {"STRIPE_SECRET_KEY": SECRET, "STRIPE_WEBHOOK_SECRETS": SECRET}


def test_the_contract_names_exactly_the_variables_that_are_read() -> None:
    declared = {spec.name for spec in contract.ENVIRONMENT}
    declared |= {spec.variable for spec in contract.SECRETS}

    assert {name.upper() for name in Settings.model_fields} == declared


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings(environment())

    assert (settings.workers, settings.threads, settings.port) == (2, 8, contract.PORT)
    assert settings.dynamodb_table_prefix == "BudgetBuddy"
    assert settings.aws_endpoint_url is None


def test_all_faults_are_reported_together() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"WORKERS": "many", "LOG_LEVEL": "LOUD"})

    named = " ".join(caught.value.faults)
    for name in ("AWS_REGION", "ENVIRONMENT", "JWT_SECRET", "LOOKUP_KEY", "WORKERS", "LOG_LEVEL"):
        assert name in named


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"JWT_SECRET": SECRET}, "JWT_SECRET"),
        ({"LOOKUP_KEY": SECRET}, "LOOKUP_KEY"),
        ({"LOOKUP_KEY": base64.b64encode(b"short").decode()}, "LOOKUP_KEY"),
        ({"JWT_PREVIOUS_SECRET": SECRET * 4}, "JWT_PREVIOUS_KEY_ID"),
        ({"JWT_PREVIOUS_SECRET": SECRET * 4, "JWT_PREVIOUS_KEY_ID": "k1"}, "JWT_PREVIOUS_KEY_ID"),
        ({"EMAIL_FROM": SECRET}, "EMAIL_FROM"),
        ({"AWS_REGION": SECRET}, "AWS_REGION"),
        ({"PORT": "0"}, "PORT"),
        (
            {"ENVIRONMENT": "production", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            "AWS_ENDPOINT_URL",
        ),
        ({"ENVIRONMENT": "staging", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS_ENDPOINT_URL"),
        ({"ENVIRONMENT": "staging", "PLAID_BASE_URL": "http://127.0.0.1:1"}, "PLAID_BASE_URL"),
        ({"ENVIRONMENT": "staging"}, "PLAID_CLIENT_ID"),
        ({"ENVIRONMENT": "production", "PLAID_CLIENT_ID": SECRET}, "PLAID_SECRET"),
        ({"PLAID_SECRET": SECRET}, "PLAID_CLIENT_ID"),
        ({"ENVIRONMENT": "staging", **PLAID}, "STRIPE_SECRET_KEY"),
        ({"ENVIRONMENT": "staging", **PLAID, **STRIPE}, "JOBS_QUEUE_URL"),
        ({"STRIPE_SECRET_KEY": SECRET}, "STRIPE_WEBHOOK_SECRETS"),
        ({"STRIPE_PRICES": "no json"}, "STRIPE_PRICES"),
        ({"STRIPE_PRICES": '{"gold": "price_1"}'}, "STRIPE_PRICES"),
        ({"ENVIRONMENT": "staging", "STRIPE_BASE_URL": "http://127.0.0.1:1"}, "STRIPE_BASE_URL"),
        ({"PLAID_ENVIRONMENT": "production"}, "PLAID_ENVIRONMENT"),
    ],
)
def test_a_fault_names_the_variable_and_never_its_value(changes: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environment(**changes))

    assert len(caught.value.faults) == 1
    assert name in caught.value.faults[0]
    assert SECRET not in str(caught.value)


def test_secrets_do_not_show_in_the_settings() -> None:
    assert SECRET not in repr(load_settings(environment(JWT_SECRET=SECRET * 4)))


def test_empty_secrets_of_a_first_deployment_mean_one_key() -> None:
    settings = load_settings(environment(JWT_PREVIOUS_SECRET="", JWT_PREVIOUS_KEY_ID=""))

    assert list(settings.token_keys) == ["k1"]


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "text"),
    [
        ([], {}, EX_CONFIG, "JWT_SECRET is not set"),
        (["--help"], {}, 0, "configured by variables"),
        (["--port", "1"], {}, 2, "configured by variables"),
    ],
)
def test_the_server_says_why_it_does_not_start(
    arguments: list[str], variables: dict[str, str], code: int, text: str
) -> None:
    command = [sys.executable, "-P", "-m", "budgetbuddy.server", *arguments]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
