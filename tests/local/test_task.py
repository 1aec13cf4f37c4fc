from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from localcloud.emulator.process import Emulator, free_port, running
from localcloud.failure import LocalCloudError
from localcloud.task import task_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEPPER = "a-value-that-nobody-may-print"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        secrets = boto3.client(
            "secretsmanager",
            endpoint_url=emulator.endpoint,
            region_name="us-east-1",
            aws_access_key_id="000000000000",
            aws_secret_access_key="local",
        )
        value = json.dumps({"pepper": PEPPER, "salt": "grain"})
        secrets.create_secret(Name="app/keys", SecretString=value)
        secrets.create_secret(Name="app/plain", SecretString=PEPPER)
        yield emulator


def outputs(**references: tuple[str, str]) -> dict[str, Any]:
    """Outputs of a stack whose service takes variable `name` from (secret, JSON key)."""
    return {
        "serviceEnvironment": {"STAGE": "local"},
        "serviceSecretRefs": {
            name: {"secret": secret, "jsonKey": key} for name, (secret, key) in references.items()
        },
    }


@pytest.mark.emulator
def test_secrets_become_variables_beside_the_plain_ones(emulator: Emulator) -> None:
    stack = outputs(PEPPER=("app/keys", "pepper"), SALT=("app/keys", "salt"))

    variables = task_environment(
        stack, emulator.endpoint, 4321, {"PLAID_BASE_URL": "http://127.0.0.1:5"}
    )

    assert variables["STAGE"] == "local"
    assert (variables["PEPPER"], variables["SALT"]) == (PEPPER, "grain")
    assert (variables["HOST"], variables["PORT"]) == ("127.0.0.1", "4321")
    assert variables["AWS_ENDPOINT_URL"] == emulator.endpoint
    assert variables["PLAID_BASE_URL"] == "http://127.0.0.1:5"


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (("app/nothing", "pepper"), "Secret app/nothing cannot be read"),
        (("app/keys", "sugar"), "no text under sugar"),
        (("app/plain", "pepper"), "not a JSON object"),
    ],
)
def test_an_unusable_secret_ends_the_start_without_a_word_of_its_value(
    emulator: Emulator, tmp_path: Path, reference: tuple[str, str], said: str
) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(outputs(OTHER=("app/keys", "pepper"), WANTED=reference)))

    task = started(file, emulator.endpoint)

    assert task.returncode == 78
    assert said in task.stderr
    assert "do:  make up" in task.stderr
    assert "Traceback" not in task.stderr
    assert PEPPER not in task.stdout + task.stderr


def test_a_service_started_before_the_stack_was_deployed_says_so(tmp_path: Path) -> None:
    task = started(tmp_path / "outputs.json", "http://127.0.0.1:1")

    assert task.returncode == 78
    assert "stack local was not deployed yet" in task.stderr
    assert "do:  make up" in task.stderr
    assert "Traceback" not in task.stderr


def started(outputs_file: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    """The task as supervisord starts it, ended."""
    rest = ("budgetbuddy.server", str(outputs_file), endpoint, "1")
    return subprocess.run(
        [sys.executable, "-P", "-m", "localcloud.task", *rest],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_without_an_embedded_aws_the_secret_is_named() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(LocalCloudError, match="app/keys") as caught:
        task_environment(outputs(PEPPER=("app/keys", "pepper")), nowhere, 1, {})

    assert caught.value.remedy == "make up"
