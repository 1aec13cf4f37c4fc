"""Starts the service or its worker as ECS would: plain variables, and secrets by reference.

Reads the outputs of stack `local`, resolves each secret from the embedded Secrets Manager, and
replaces itself with the service. No secret value touches a file, an argument or a log on the way.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.emulator.process import ACCOUNT_ID, HOST
from localcloud.failure import LocalCloudError
from localcloud.progress import fail
from localcloud.provider_credentials import secrets_manager
from localcloud.supervision import EX_CONFIG


def task_environment(
    outputs: dict[str, Any], endpoint: str, port: int, doubles: dict[str, str]
) -> dict[str, str]:
    """The service's environment for a stack's `outputs`, secret values included.

    `doubles` are the variables that name them, and where they answer.

    Raises `LocalCloudError` naming the secret that cannot be read.
    """
    secrets = secrets_manager(endpoint)
    values: dict[str, dict[str, str]] = {}
    environment: dict[str, str] = dict(outputs["serviceEnvironment"])
    for variable, reference in outputs["serviceSecretRefs"].items():
        name = reference["secret"]
        if name not in values:
            values[name] = _read_secret(secrets, name)
        environment[variable] = _field(values[name], name, reference["jsonKey"])
    return (
        environment
        | doubles
        | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
            "AWS_SECRET_ACCESS_KEY": "local",
            "HOST": HOST,
            "PORT": str(port),
        }
    )


def _deployed(outputs: Path) -> dict[str, Any]:
    """The outputs that the last deployment left. Raises `LocalCloudError` where none did."""
    if not outputs.exists():
        raise LocalCloudError(
            "The service cannot start: stack local was not deployed yet.",
            why=f"{outputs.name} does not exist",
            remedy="make up",
        )
    deployed: dict[str, Any] = json.loads(outputs.read_text())
    return deployed


def _read_secret(secrets: Any, name: str) -> dict[str, str]:
    try:
        answer = secrets.get_secret_value(SecretId=name)
    except (BotoCoreError, ClientError) as error:
        raise LocalCloudError(
            f"Secret {name} cannot be read from the embedded AWS.",
            why=type(error).__name__,
            remedy="make up",
        ) from error
    try:
        value = json.loads(answer["SecretString"])
    except ValueError:
        value = None  # its position and text say too much of the value to be a cause
    if not isinstance(value, dict):
        raise _unusable(name, "its value is not a JSON object")
    return value


def _field(value: dict[str, str], name: str, key: str) -> str:
    if not isinstance(value.get(key), str):
        raise _unusable(name, f"its JSON object has no text under {key}")
    return value[key]


def _unusable(name: str, why: str) -> LocalCloudError:
    return LocalCloudError(
        f"Secret {name} in the embedded AWS cannot be used.", why=why, remedy="make up"
    )


def main(arguments: list[str]) -> None:
    """`python -m localcloud.task MODULE OUTPUTS ENDPOINT PORT VARIABLE=URL…`: become `MODULE`."""
    module, outputs, endpoint, port, *assigned = arguments
    doubles = dict(each.split("=", 1) for each in assigned)
    try:
        environment = task_environment(_deployed(Path(outputs)), endpoint, int(port), doubles)
    except LocalCloudError as error:
        fail(error.what, error.why, error.remedy)
        sys.exit(EX_CONFIG)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    os.execve(  # noqa: S606 - the service takes this process over
        sys.executable,
        [sys.executable, "-P", "-m", module],
        inherited | environment,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
