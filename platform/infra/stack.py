"""What every area of the program starts from: settings, names, provider of the running stack."""

from dataclasses import dataclass

import pulumi

from infra.configuration import load_settings
from infra.naming import Names
from infra.providers import home_provider
from infra.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`opts` put a component on the home provider; `boundary_arn` limits every role."""

    settings: Settings
    names: Names
    boundary_arn: str | None
    opts: pulumi.ResourceOptions


def running_stack() -> Stack:
    """The stack the engine runs; a wrong stack file ends the program with one error."""
    settings = load_settings()
    names = Names(
        account_id=settings.account_id, region=settings.region, environment=settings.environment
    )
    return Stack(
        settings=settings,
        names=names,
        boundary_arn=names.boundary_arn(settings.security.boundary),
        opts=pulumi.ResourceOptions(providers=[home_provider(settings)]),
    )
