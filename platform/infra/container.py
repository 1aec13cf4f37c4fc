"""The container definition as a pure function, and the environment the tasks start with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from budgetbuddy import contract
from infra.evidence import EVIDENCE_BUCKET
from infra.naming import Names
from infra.queues import queue_url
from infra.settings import EdgeSettings, Settings

CONTAINER = "api"
USER = "10001:10001"
TMP_VOLUME = "tmp"
TMP_PATH = "/tmp"  # noqa: S108 - a volume of this task alone, mounted there  # nosec B108 - the mount point inside the container
STOP_TIMEOUT_SECONDS = contract.STOP_SECONDS + 10
LOG_BUFFER = "25m"


@dataclass(frozen=True, kw_only=True)
class Process:
    """What the image is started as; without a `command`, as the image says."""

    name: str
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()


API_PROCESS = Process(name=CONTAINER, ports=(contract.PORT,))
WORKER_PROCESS = Process(name="worker", command=("python", "-m", "budgetbuddy.worker"))


def image_reference(settings: Settings) -> str:
    """The image by digest, never by tag. Raises ValueError without a digest."""
    if settings.image_digest is None:
        raise ValueError("the stack has no imageDigest")
    registry = f"{settings.account_id}.dkr.ecr.{settings.region}.amazonaws.com"
    return f"{registry}/{settings.service.repository}@{settings.image_digest}"


def service_environment(settings: Settings, names: Names, sender: str) -> dict[str, str]:
    """Every plain variable of the contract, the ones with a default of the service left out."""
    # Real banks where real users are; test banks everywhere else.
    banks = "production" if settings.environment == "production" else "sandbox"
    environment = {
        "AWS_REGION": settings.region,
        "ENVIRONMENT": settings.environment,
        "RELEASE": settings.release or "none",
        "DATA_KEY_ID": names.key_alias_arn(contract.ENVELOPE_KEY_CLASS),
        "EMAIL_FROM": sender,
        "PUBLIC_BASE_URL": settings.api_url,
        **{
            spec.variable: queue_url(names, spec.name, settings.provider.endpoint)
            for spec in contract.QUEUES
        },
        "DYNAMODB_TABLE_PREFIX": settings.data.table_prefix,
        "AWS_CLOUDWATCH_ENABLED": "true",
        "LOG_LEVEL": settings.service.log_level,
        "PLAID_ENVIRONMENT": banks,
        "PINNING_MODE": settings.pinning.mode,
        "OUTBOUND_PINS": json.dumps(
            {
                contract.PLAID_HOSTS[banks]: settings.pinning.plaid,
                contract.STRIPE_HOST: settings.pinning.stripe,
            }
        ),
        "TRUSTED_PROXY_HOPS": str(_proxies(settings.edge)),
    }
    if settings.billing.plus_price:
        environment["STRIPE_PRICES"] = json.dumps({"plus": settings.billing.plus_price})
    if settings.billing.return_origins:
        environment["RETURN_ORIGINS"] = ",".join(settings.billing.return_origins)
    if settings.provider.endpoint:
        environment["AWS_ENDPOINT_URL"] = settings.provider.endpoint
    else:  # nothing delivers to a laptop
        environment["EVIDENCE_BUCKET"] = names.bucket(EVIDENCE_BUCKET)
    return environment


def _proxies(edge: EdgeSettings) -> int:
    """How many of ours vouch for the header: none where clients reach the service past them."""
    if edge.public_url:
        return 0
    return 2 if edge.cdn else 1  # CloudFront and the load balancer


def container_definition(  # noqa: PLR0913, PLR0917 - what differs between stacks and processes
    image: str,
    environment: Mapping[str, str],
    secret_arns: Mapping[str, str],
    log_group: str,
    region: str,
    process: Process = API_PROCESS,
) -> dict[str, Any]:
    """Read-only, unprivileged, without capabilities; secrets by full ARN and JSON key.

    `secret_arns` maps a secret's short name to its full ARN: a partial ARN of `jwt-secret` would
    be taken for a secret named `jwt`.
    """
    return {
        "name": process.name,
        **({"command": list(process.command)} if process.command else {}),
        "image": image,
        "essential": True,
        "user": USER,
        "readonlyRootFilesystem": True,
        "privileged": False,
        "linuxParameters": {
            "initProcessEnabled": True,
            "capabilities": {"drop": ["ALL"], "add": []},
        },
        "portMappings": [{"containerPort": port, "protocol": "tcp"} for port in process.ports],
        "mountPoints": [{"sourceVolume": TMP_VOLUME, "containerPath": TMP_PATH, "readOnly": False}],
        "environment": [
            {"name": name, "value": value} for name, value in sorted(environment.items())
        ],
        "secrets": [
            {
                "name": spec.variable,
                "valueFrom": f"{secret_arns[spec.secret]}:{spec.json_key}::",
            }
            for spec in contract.SECRETS
        ],
        "stopTimeout": STOP_TIMEOUT_SECONDS,
        "healthCheck": {
            "command": ["CMD", "python", "-m", "budgetbuddy.health"],
            "interval": 30,
            "timeout": 5,
            "retries": 3,
            "startPeriod": 40,
        },
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": process.name,
                # A slow log service must not stop requests; metrics are on stdout as well.
                "mode": "non-blocking",
                "max-buffer-size": LOG_BUFFER,
            },
        },
    }
