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

PROVIDERS = ("PLAID_CLIENT_ID",)  # one variable of each provider's secret


def fill_provider_secrets(outputs: dict[str, Any], endpoint: str) -> None:
    """Give every empty secret of a provider random values; those that are filled stay."""
    service = secrets_manager(endpoint)
    references = outputs["serviceSecretRefs"]
    for name in sorted({references[variable]["secret"] for variable in PROVIDERS}):
        value = json.loads(service.get_secret_value(SecretId=name)["SecretString"])
        if not all(value.values()):
            filled = {key: text or secrets.token_hex(16) for key, text in value.items()}
            service.put_secret_value(SecretId=name, SecretString=json.dumps(filled))


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
