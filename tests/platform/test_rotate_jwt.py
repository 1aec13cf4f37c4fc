"""The rotation function, step by step, on a vault that keeps versions and labels as AWS does."""

import ast
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
import yaml
from botocore.exceptions import ClientError

from budgetbuddy import contract
from budgetbuddy.settings import load_settings
from infra.configuration import read_settings
from infra.container import service_environment
from infra.lambdas import rotate_jwt
from infra.lambdas.rotate_jwt import RotationError, key_id, successor
from infra.naming import CLUSTER, JWT_SECRET, SERVICE, Names
from infra.secrets import BOOTSTRAP

ROOT = Path(__file__).parents[2]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class NotFoundError(Exception):
    """There is no such version, or it has no value yet."""


class Exceptions:
    ResourceNotFoundException = NotFoundError


@dataclass
class Version:
    stages: set[str]
    value: str | None = None


@dataclass
class Vault:
    """Versions of one secret; a label belongs to one version at a time."""

    versions: dict[str, Version] = field(default_factory=dict)
    exceptions = Exceptions

    def begin(self, token: str) -> None:
        """What RotateSecret does before it calls the function."""
        self._label(token, "AWSPENDING")

    def _label(self, token: str, stage: str) -> None:
        for version in self.versions.values():
            version.stages.discard(stage)
        self.versions.setdefault(token, Version(stages=set())).stages.add(stage)

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert SecretId
        return {"VersionIdsToStages": {k: sorted(v.stages) for k, v in self.versions.items()}}

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803 - boto3's name
        VersionStage: str,  # noqa: N803 - boto3's name
        VersionId: str = "",  # noqa: N803 - boto3's name
    ) -> dict[str, str]:
        assert SecretId
        for token, version in self.versions.items():
            if VersionStage in version.stages and VersionId in {"", token} and version.value:
                return {"SecretString": version.value}
        raise NotFoundError

    def put_secret_value(self, **request: Any) -> None:
        (stage,) = request["VersionStages"]
        self._label(request["ClientRequestToken"], stage)
        self.versions[request["ClientRequestToken"]].value = request["SecretString"]

    def update_secret_version_stage(self, **request: Any) -> None:
        stage, before = request["VersionStage"], request["RemoveFromVersionId"]
        assert stage in self.versions[before].stages
        self._label(request["MoveToVersionId"], stage)

    @property
    def current(self) -> dict[str, str]:
        value: dict[str, str] = json.loads(
            self.get_secret_value(SecretId="s", VersionStage="AWSCURRENT")["SecretString"]
        )
        return value


@dataclass
class Tasks:
    """ECS, as far as it is asked."""

    refusal: str = ""
    restarted: list[tuple[str, str, bool]] = field(default_factory=list)

    def update_service(
        self,
        *,
        cluster: str,
        service: str,
        forceNewDeployment: bool,  # noqa: N803 - boto3's name
    ) -> None:
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal}}, "UpdateService")
        self.restarted.append((cluster, service, forceNewDeployment))


@pytest.fixture
def vault() -> Vault:
    """As the program leaves it: two keys nobody has seen."""
    bootstrap = json.dumps(BOOTSTRAP[JWT_SECRET]())
    return Vault(versions={"v1": Version(stages={"AWSCURRENT"}, value=bootstrap)})


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def rotate(vault: Vault, tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Calls the handler as Secrets Manager would."""
    clients = {"secretsmanager": vault, "ecs": tasks}
    monkeypatch.setattr(boto3, "client", clients.__getitem__)

    def call(token: str, *steps: str) -> None:
        for step in steps or STEPS:
            event = {"SecretId": "arn:secret", "ClientRequestToken": token, "Step": step}
            rotate_jwt.handler(event, None)

    return call


@cache
def environment() -> dict[str, str]:
    """What the platform starts a task of staging with, secrets apart."""
    text = yaml.safe_load((ROOT / "Pulumi.staging.yaml").read_text())["config"]
    config = {k: v if isinstance(v, str) else json.dumps(v) for k, v in text.items()}
    set_at_release = {"budgetbuddy:release": "0123abc", "budgetbuddy:originVerify": "v" * 32}
    settings = read_settings(config | set_at_release, "staging")
    names = Names(account_id=settings.account_id, region=settings.region, environment="staging")
    return service_environment(settings, names, "no-reply@budgetbuddy.com")


def service_keys(value: dict[str, str]) -> tuple[str, dict[str, bytes]]:
    """What a task that starts now would sign and verify with."""
    stored = {short: make() for short, make in BOOTSTRAP.items()} | {JWT_SECRET: value}
    # What only a provider can give starts empty.
    secrets = {
        spec.variable: stored[spec.secret][spec.json_key] or "given-by-the-provider"
        for spec in contract.SECRETS
    }
    settings = load_settings(environment() | secrets)
    return settings.jwt_key_id, settings.token_keys


def signed(value: dict[str, str]) -> str:
    kid, keys = service_keys(value)
    return jwt.encode({"sub": "usr"}, keys[kid], algorithm="HS256", headers={"kid": kid})


def verified(token: str, value: dict[str, str]) -> bool:
    kid = jwt.get_unverified_header(token)["kid"]
    key = service_keys(value)[1].get(kid)
    return key is not None and jwt.decode(token, key, algorithms=["HS256"]) == {"sub": "usr"}


def test_tokens_from_before_and_after_a_rotation_verify(vault: Vault, rotate: Any) -> None:
    before = vault.current
    vault.begin("v2")

    rotate("v2")

    after = vault.current
    assert after["secret"] not in {before["secret"], before["previousSecret"]}
    assert verified(signed(before), after)
    assert verified(signed(after), after)


def test_a_key_stops_verifying_with_the_second_rotation(vault: Vault, rotate: Any) -> None:
    old = signed(vault.current)
    for token in ("v2", "v3"):
        vault.begin(token)
        rotate(token)

    assert not verified(old, vault.current)


def test_the_tasks_start_again_once_the_new_key_is_current(
    vault: Vault, tasks: Tasks, rotate: Any
) -> None:
    vault.begin("v2")
    rotate("v2", *STEPS[:3])
    assert tasks.restarted == []

    rotate("v2", "finishSecret")

    assert tasks.restarted == [("budgetbuddy-cluster", "budgetbuddy-backend", True)]
    assert vault.versions["v2"].stages >= {"AWSCURRENT"}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_may_be_repeated(vault: Vault, rotate: Any, step: str) -> None:
    vault.begin("v2")
    through = STEPS[: STEPS.index(step) + 1]
    rotate("v2", *through)
    value = vault.versions["v2"].value

    rotate("v2", step)

    assert vault.versions["v2"].value == value


def test_a_finished_rotation_may_be_repeated_whole(vault: Vault, rotate: Any) -> None:
    vault.begin("v2")
    rotate("v2")
    value = vault.current

    rotate("v2")

    assert vault.current == value


def test_a_version_that_is_not_pending_is_refused(vault: Vault, rotate: Any) -> None:
    vault.begin("v2")
    for step in STEPS:
        with pytest.raises(RotationError, match="v9 is not the one to rotate to"):
            rotate("v9", step)


def test_an_unknown_step_is_refused(vault: Vault, rotate: Any) -> None:
    vault.begin("v2")
    with pytest.raises(RotationError, match="no step dropSecret"):
        rotate("v2", "dropSecret")


@pytest.mark.parametrize(
    "refusal",
    ["ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException"],
)
def test_before_the_first_release_there_is_nothing_to_restart(
    vault: Vault, tasks: Tasks, rotate: Any, refusal: str
) -> None:
    tasks.refusal = refusal
    vault.begin("v2")

    rotate("v2")

    assert vault.versions["v2"].stages >= {"AWSCURRENT"}


def test_a_refused_restart_fails_the_rotation(vault: Vault, tasks: Tasks, rotate: Any) -> None:
    tasks.refusal = "AccessDeniedException"
    vault.begin("v2")
    with pytest.raises(ClientError, match="AccessDenied"):
        rotate("v2")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"secret": "short", "kid": key_id("short")}, "too short"),
        ({"kid": "00000000"}, "another key's id"),
        ({"previousSecret": "x" * 64}, "no longer verify"),
    ],
)
def test_a_value_that_would_break_the_service_never_becomes_current(
    vault: Vault, rotate: Any, change: dict[str, str], problem: str
) -> None:
    before = vault.current
    vault.begin("v2")
    rotate("v2", "createSecret")
    wrong = json.loads(str(vault.versions["v2"].value)) | change
    vault.versions["v2"].value = json.dumps(wrong)

    with pytest.raises(RotationError, match=problem):
        rotate("v2", "testSecret")

    assert vault.current == before


def test_no_log_line_and_no_message_holds_a_key(
    vault: Vault, rotate: Any, caplog: pytest.LogCaptureFixture
) -> None:
    vault.begin("v2")
    rotate("v2")
    current = vault.current

    assert "finishSecret of version v2 is done" in caplog.text
    assert current["secret"] not in caplog.text
    assert current["previousSecret"] not in caplog.text


def test_the_function_names_the_service_as_the_platform_does() -> None:
    assert (rotate_jwt.CLUSTER, rotate_jwt.SERVICE) == (CLUSTER, SERVICE)


def test_the_function_needs_nothing_but_its_runtime() -> None:
    source = Path(str(rotate_jwt.__file__)).read_text(encoding="utf-8")
    imports = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else each.name
        for node in ast.parse(source).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for each in node.names
    }

    assert imports - set(sys.stdlib_module_names) == {"boto3", "botocore"}


def test_a_value_lists_when_it_was_made() -> None:
    bootstrap = dict(BOOTSTRAP[JWT_SECRET]())
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    assert successor(bootstrap, moment)["rotatedAt"] == "2026-01-02T03:04:05+00:00"
