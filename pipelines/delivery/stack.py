"""What every component starts from: settings, names and the provider of the running stack."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from delivery.naming import PROJECT, Names
from delivery.settings import Settings, load_settings

MAX_RETRIES = 10


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`opts` put a component on the one provider."""

    settings: Settings
    names: Names
    opts: pulumi.ResourceOptions


def running_stack() -> Stack:
    """The stack the engine runs; a wrong stack file ends the program with one error."""
    settings = load_settings()
    names = Names(
        account_id=settings.account_id,
        region=settings.region,
        backup_region=settings.backup_region,
    )
    return Stack(
        settings=settings,
        names=names,
        opts=pulumi.ResourceOptions(providers=[_provider(settings)]),
    )


def _provider(settings: Settings) -> aws.Provider:
    """`allowed_account_ids` stops a deployment to a wrong account before the first call."""
    return aws.Provider(
        "home",
        region=settings.region,
        allowed_account_ids=[settings.account_id],
        default_tags={
            "tags": {
                "project": PROJECT,
                "service": "delivery",
                "owner": settings.owner,
                "env": settings.environment,
                "cost-center": PROJECT,
                "data-class": "internal",
                "pci-scope": "out",
                "managed-by": "pulumi",
            }
        },
        max_retries=MAX_RETRIES,
        retry_mode="adaptive",
    )
