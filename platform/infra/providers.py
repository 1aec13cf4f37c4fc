"""The two AWS providers; the ambient default provider is never used."""

from collections.abc import Sequence

import pulumi_aws as aws

from infra.naming import PROJECT, SERVICE
from infra.settings import Settings

MAX_RETRIES = 10

# AWS services the program calls, by the provider's names; all go to `provider.endpoint` when set.
SERVICES: Sequence[str] = (
    "accessanalyzer",
    "acm",
    "appautoscaling",
    "backup",
    "budgets",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "configservice",
    "dynamodb",
    "ec2",
    "ecs",
    "elbv2",
    "events",
    "firehose",
    "guardduty",
    "iam",
    "kms",
    "lambda_",
    "logs",
    "route53",
    "s3",
    "s3control",
    "secretsmanager",
    "securityhub",
    "sesv2",
    "sns",
    "sts",
    "wafv2",
)


def default_tags(settings: Settings) -> dict[str, str]:
    """Tags of every resource; a resource adds only what differs.

    `pci-scope` is out because no card number is accepted anywhere.
    """
    return {
        "project": PROJECT,
        "service": SERVICE,
        "owner": settings.owner,
        "env": settings.environment,
        "cost-center": PROJECT,
        "data-class": "internal",
        "pci-scope": "out",
        "managed-by": "pulumi",
    }


def home_provider(settings: Settings) -> aws.Provider:
    """Provider of the home region."""
    return _provider("home", settings.region, settings)


def backup_provider(settings: Settings) -> aws.Provider:
    """Provider of the region that holds the copies of backups."""
    return _provider("backup", settings.data.backup_region, settings)


def _provider(name: str, region: str, settings: Settings) -> aws.Provider:
    """`allowed_account_ids` stops a deployment to a wrong account before the first call."""
    embedded = settings.provider.endpoint is not None or None
    return aws.Provider(
        name,
        region=region,
        allowed_account_ids=[settings.account_id],
        default_tags={"tags": default_tags(settings)},
        max_retries=MAX_RETRIES,
        retry_mode="adaptive",
        endpoints=_endpoints(settings.provider.endpoint),
        s3_use_path_style=embedded,
        skip_credentials_validation=embedded,
        skip_metadata_api_check=embedded,
    )


def _endpoints(url: str | None) -> list[aws.ProviderEndpointArgs] | None:
    """One entry that sends every service we call to `url`."""
    return [aws.ProviderEndpointArgs(**dict.fromkeys(SERVICES, url))] if url else None
