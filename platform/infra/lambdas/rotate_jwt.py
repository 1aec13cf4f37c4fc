"""Rotates the key that signs access tokens; the key before it goes on verifying.

Secrets Manager calls `handler` with the steps create, set, test and finish, in this order, and may
repeat any of them. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
Tasks read the secret when they start, so the last step has ECS replace them. No value is logged.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_secretsmanager import SecretsManagerClient

CLUSTER = "budgetbuddy-cluster"
SERVICE = "budgetbuddy-backend"
KEY_BYTES = 64  # HS512 asks for a key as long as its hash; any shorter HMAC is served as well
KEY_ID_HEX = 8
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
# Before the first release there is a secret, but nothing yet that reads it.
NO_SERVICE = frozenset({"ClusterNotFoundException", "ServiceNotFoundException"})
NO_SERVICE_NOW = "ServiceNotActiveException"

log = logging.getLogger(__name__)


class RotationError(Exception):
    """The rotation must stop; the current value stays in use."""


class Deployer(Protocol):
    """What is used of the ECS client."""

    def update_service(
        self,
        *,
        cluster: str,
        service: str,
        forceNewDeployment: bool,  # noqa: N803 - boto3's name
    ) -> object:
        """Start a deployment."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """One version of one secret on its way to be the current one."""

    secret_id: str
    token: str  # id of the new version
    vault: SecretsManagerClient
    deployer: Deployer

    def run(self, step: str) -> None:
        """Take one step. Raises `RotationError` when the version is not the one to rotate to."""
        steps = {
            "createSecret": self.create,
            "setSecret": self.set,
            "testSecret": self.test,
            "finishSecret": self.finish,
        }
        if step not in steps:
            raise RotationError(f"there is no step {step}")
        steps[step]()
        log.info("%s of version %s is done", step, self.token)

    def create(self) -> None:
        """Store the new value as pending, once."""
        stages = self._stages()
        if CURRENT in stages or self._has_value():
            return
        value = successor(self._value(CURRENT), datetime.now(UTC))
        self.vault.put_secret_value(
            SecretId=self.secret_id,
            ClientRequestToken=self.token,
            SecretString=json.dumps(value),
            VersionStages=[PENDING],
        )

    def set(self) -> None:
        """There is no other place that has to learn the key."""
        self._stages()

    def test(self) -> None:
        """The new value would start a task and verify the tokens that are out."""
        if CURRENT not in self._stages():
            require_succession(self._value(CURRENT), self._value(PENDING))

    def finish(self) -> None:
        """Make the new value current, then have every task start again with it."""
        stages = self._versions()
        if CURRENT not in self._stages():
            (before,) = [version for version, labels in stages.items() if CURRENT in labels]
            self.vault.update_secret_version_stage(
                SecretId=self.secret_id,
                VersionStage=CURRENT,
                MoveToVersionId=self.token,
                RemoveFromVersionId=before,
            )
        self._restart_tasks()

    def _restart_tasks(self) -> None:
        try:
            self.deployer.update_service(cluster=CLUSTER, service=SERVICE, forceNewDeployment=True)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NO_SERVICE | {NO_SERVICE_NOW}:
                raise
            log.info("no service runs yet, so no task has to start again")

    def _versions(self) -> Mapping[str, list[str]]:
        return self.vault.describe_secret(SecretId=self.secret_id)["VersionIdsToStages"]

    def _stages(self) -> list[str]:
        """Labels of the new version; it must be the pending one, or already current."""
        stages = self._versions().get(self.token, [])
        if CURRENT not in stages and PENDING not in stages:
            raise RotationError(f"version {self.token} is not the one to rotate to")
        return stages

    def _has_value(self) -> bool:
        try:
            self._value(PENDING, self.token)
        except self.vault.exceptions.ResourceNotFoundException:
            return False
        return True

    def _value(self, stage: str, version: str = "") -> dict[str, str]:
        which = {"VersionId": version} if version else {}
        answer = self.vault.get_secret_value(SecretId=self.secret_id, VersionStage=stage, **which)
        value: dict[str, str] = json.loads(answer["SecretString"])
        return value


def handler(event: Mapping[str, str], _context: object) -> None:
    """Entry point of the function."""
    logging.getLogger().setLevel(logging.INFO)
    rotation = Rotation(
        secret_id=event["SecretId"],
        token=event["ClientRequestToken"],
        vault=boto3.client("secretsmanager"),
        deployer=boto3.client("ecs"),
    )
    rotation.run(event["Step"])


def successor(current: Mapping[str, str], now: datetime) -> dict[str, str]:
    """A new key; the current one becomes the previous one."""
    key = secrets.token_urlsafe(KEY_BYTES)
    return {
        "secret": key,
        "kid": key_id(key),
        "previousSecret": current["secret"],
        "previousKid": current["kid"],
        "rotatedAt": now.isoformat(timespec="seconds"),
    }


def key_id(key: str) -> str:
    """Names a key without telling anything of it."""
    return hashlib.sha256(key.encode()).hexdigest()[:KEY_ID_HEX]


def require_succession(current: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Raise `RotationError` unless `new` follows `current`; the message holds no value."""
    problems = {
        "the key is too short": len(new["secret"]) < KEY_BYTES,
        "the key has another key's id": new["kid"] != key_id(new["secret"]),
        "two keys share an id": new["kid"] == new["previousKid"],
        "the current key would no longer verify": (
            (new["previousSecret"], new["previousKid"]) != (current["secret"], current["kid"])
        ),
    }
    found = [problem for problem, is_so in problems.items() if is_so]
    if found:
        raise RotationError(", ".join(found))
