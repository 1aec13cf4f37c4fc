"""The BudgetBuddy service.

Only the standard library is imported here, so that `budgetbuddy.contract` needs nothing else.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from budgetbuddy.domain.services import Services
    from budgetbuddy.settings import Settings


def create_app(settings: "Settings | None" = None, services: "Services | None" = None) -> "Flask":
    """The WSGI application. Settings come from the environment, services from them, unless given.

    Raises `InvalidSettings` before anything else happens.
    """
    import os  # noqa: PLC0415 - here, so that the contract can be imported without Flask and boto3

    from budgetbuddy.api._app import build_app  # noqa: PLC0415
    from budgetbuddy.composition import build_services  # noqa: PLC0415
    from budgetbuddy.settings import load_settings  # noqa: PLC0415
    from budgetbuddy.telemetry import Telemetry, configure  # noqa: PLC0415

    chosen = settings or load_settings(os.environ)
    configure(
        Telemetry(
            environment=chosen.environment,
            release=chosen.release,
            emit_metrics=chosen.aws_cloudwatch_enabled,
            level=chosen.log_level,
        )
    )
    return build_app(chosen, services or build_services(chosen))
