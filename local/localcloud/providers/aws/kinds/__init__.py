"""Resource types that are really created in the embedded AWS; every other type is recorded."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from localcloud.providers.aws.kinds.kind import Kind

SERVICES = (
    "cloudwatch",
    "dynamodb",
    "ecr",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "ses",
    "sns",
    "sqs",
    "ssm",
)


@cache
def created() -> Mapping[str, Kind]:
    """How each really created type is made, by token."""
    merged: dict[str, Kind] = {}
    for service in SERVICES:
        merged |= import_module(f"{__name__}.{service}").KINDS
    return merged


def created_types() -> frozenset[str]:
    """Tokens of the types that exist for real in the embedded AWS after `up`."""
    return frozenset(created())
