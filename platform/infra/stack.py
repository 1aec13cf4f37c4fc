"""What every area of the program starts from: settings, names, provider of the running stack."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.configuration import load_settings
from infra.naming import Names
from infra.providers import home_provider
from infra.settings import Settings
from infra.stack_secrets import OriginHeader, origin_header


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`opts` put a component on the home provider; `boundary_arn` limits every role.

    Without CloudFront there is no `origin_header`.
    """

    settings: Settings
    names: Names
    boundary_arn: str | None
    origin_header: OriginHeader | None
    home: aws.Provider
    opts: pulumi.ResourceOptions


def running_stack() -> Stack:
    """The stack the engine runs; a wrong stack file ends the program with one error."""
    settings = load_settings()
    names = Names(
        account_id=settings.account_id, region=settings.region, environment=settings.environment
    )
    home = home_provider(settings)
    return Stack(
        settings=settings,
        names=names,
        boundary_arn=names.boundary_arn(settings.security.boundary),
        origin_header=origin_header() if settings.edge.cdn else None,
        home=home,
        opts=pulumi.ResourceOptions(providers=[home]),
    )
