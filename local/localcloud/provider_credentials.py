"""Credentials of the doubles, written where an operator would write those of the real providers.

The platform makes the secrets of providers empty, and the service says 503 until they are filled.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

import boto3
from botocore.config import Config

from localcloud.emulator.process import ACCOUNT_ID, REGION

PLAID, STRIPE = "PLAID_CLIENT_ID", "STRIPE_SECRET_KEY"  # one variable of each provider's secret


def fill_plaid_secret(outputs: dict[str, Any], endpoint: str) -> None:
    """Random values, as Plaid's dashboard would show them; a secret that is filled stays."""
    secret = _Secret(outputs, endpoint, PLAID)
    if secret.is_empty:
        secret.fill({key: secrets.token_hex(16) for key in secret.value})


def fill_stripe_secret(outputs: dict[str, Any], endpoint: str, stripe_url: str, hook: str) -> None:
    """A random key, and the signing secret of a webhook endpoint that is made for `hook`.

    Stripe tells such a secret once, so an endpoint whose secret nobody has makes room for another.
    """
    from stripe import StripeClient  # noqa: PLC0415 - large

    secret = _Secret(outputs, endpoint, STRIPE)
    key = secret.value["secretKey"] or f"rk_test_{secrets.token_hex(12)}"
    endpoints = StripeClient(key, base_addresses={"api": stripe_url}).v1.webhook_endpoints
    known = [each.id for each in endpoints.list().data if each.url == hook]
    if known and not secret.is_empty:
        return
    for name in known:
        endpoints.delete(name)
    made = endpoints.create({"url": hook, "enabled_events": ["*"]})
    secret.fill({"secretKey": key}, webhookSecret=str(made.secret))


class _Secret:
    """The secret of a provider, by a variable that is filled from it."""

    def __init__(self, outputs: dict[str, Any], endpoint: str, variable: str) -> None:
        self._service = secrets_manager(endpoint)
        self._name = outputs["serviceSecretRefs"][variable]["secret"]
        answer = self._service.get_secret_value(SecretId=self._name)
        self.value: dict[str, str] = json.loads(answer["SecretString"])

    @property
    def is_empty(self) -> bool:
        """Whether something is missing."""
        return not all(self.value.values())

    def fill(self, values: dict[str, str], **replaced: str) -> None:
        """Keep what is there but for what is replaced; the rest is new."""
        filled = values | {key: text for key, text in self.value.items() if text} | replaced
        self._service.put_secret_value(SecretId=self._name, SecretString=json.dumps(filled))


def secrets_manager(endpoint: str) -> Any:
    """A client of the embedded Secrets Manager."""
    return boto3.client(
        "secretsmanager",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="local",  # noqa: S106 - the embedded AWS checks none
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}),
    )
