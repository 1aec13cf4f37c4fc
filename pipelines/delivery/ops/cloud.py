"""What the verbs ask AWS and have it do; every decision stands elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from delivery.ops.secrets import Sealed


def store_secret(sealed: Sealed, client: SecretsManagerClient | None = None) -> str:
    """Make `sealed` the current version; storing it again changes nothing. Returns the version."""
    secrets = client or boto3.client("secretsmanager")
    answer = secrets.put_secret_value(
        SecretId=sealed.secret, SecretString=sealed.text, ClientRequestToken=sealed.token
    )
    return answer["VersionId"]
