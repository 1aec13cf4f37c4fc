"""Health: live without dependencies, ready when the required tables answer."""

from flask import Flask, Response, current_app

from budgetbuddy.api._http import json_response, services
from budgetbuddy.contract import HEALTH_LIVE, HEALTH_READY
from budgetbuddy.telemetry import note

ACTUATOR = "/actuator/health"  # what probes of Spring services ask


def register_health(app: Flask) -> None:
    """Public; not part of the API's document."""
    app.add_url_rule(HEALTH_LIVE, "health_live", _live)
    app.add_url_rule(HEALTH_READY, "health_ready", _ready)
    app.add_url_rule(ACTUATOR, "actuator_health", _actuator)


def _live() -> Response:
    note(area="health")
    return json_response({"status": "up"})


def _ready() -> Response:
    note(area="health")
    checks = services().health.checks()
    ready = all(checks.values())
    words = {name: "up" if good else "down" for name, good in checks.items()}
    body = {
        "status": "up" if ready else "down",
        "release": current_app.config["RELEASE"],  # deployments ask whether it is theirs
        "checks": words,
    }
    return json_response(body, 200 if ready else 503)


def _actuator() -> Response:
    response = _ready()
    status = "UP" if response.status_code == 200 else "DOWN"  # noqa: PLR2004 - HTTP OK
    return json_response({"status": status}, response.status_code)
