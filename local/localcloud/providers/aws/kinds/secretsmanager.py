"""Secrets, their versions and policies. Values pass through to the service and nowhere else."""

import base64
from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import (
    Kind,
    Operation,
    pairs,
    present,
    settle_tags,
    unpaired,
)

CURRENT = "AWSCURRENT"


def _create_secret(op: Operation) -> str:
    made = op.client("secretsmanager").create_secret(
        **present(
            Name=op.inputs["name"],
            Description=op.inputs.get("description"),
            KmsKeyId=op.inputs.get("kmsKeyId"),
            Tags=pairs(op.tags),
        )
    )
    return str(made["ARN"])


def _apply_secret(op: Operation) -> None:
    service = op.client("secretsmanager")
    if op.changed("description", "kmsKeyId"):
        service.update_secret(
            SecretId=op.id,
            Description=op.inputs.get("description", ""),
            **present(KmsKeyId=op.inputs.get("kmsKeyId")),
        )
    if op.inputs.get("policy"):
        service.put_resource_policy(SecretId=op.id, ResourcePolicy=op.inputs["policy"])
    settle_tags(
        unpaired(service.describe_secret(SecretId=op.id).get("Tags", [])),
        op.tags,
        lambda tags: service.tag_resource(SecretId=op.id, Tags=pairs(tags)),
        lambda keys: service.untag_resource(SecretId=op.id, TagKeys=keys),
    )


def _read_secret(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("secretsmanager").describe_secret(SecretId=op.id)
    if found.get("DeletedDate"):
        return None
    return {
        "arn": found["ARN"],
        "name": found["Name"],
        "description": found.get("Description") or None,
        "kmsKeyId": found.get("KmsKeyId") or None,
        "tagsAll": unpaired(found.get("Tags", [])),
    }


def _delete_secret(op: Operation) -> None:
    days = op.inputs.get("recoveryWindowInDays")
    how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    op.client("secretsmanager").delete_secret(SecretId=op.id, **how)


def _create_version(op: Operation) -> str:
    binary = op.inputs.get("secretBinary")
    made = op.client("secretsmanager").put_secret_value(
        SecretId=op.inputs["secretId"],
        **present(
            SecretString=op.inputs.get("secretString") or op.inputs.get("secretStringWo"),
            SecretBinary=base64.b64decode(binary) if binary else None,
            VersionStages=op.inputs.get("versionStages"),
        ),
    )
    return f"{op.inputs['secretId']}|{made['VersionId']}"


def _read_version(op: Operation) -> Mapping[str, Any] | None:
    secret, _, version = op.id.partition("|")
    found = op.client("secretsmanager").get_secret_value(SecretId=secret, VersionId=version)
    binary = found.get("SecretBinary")
    live = {
        "arn": found["ARN"],
        "secretArn": found["ARN"],
        "secretId": secret,
        "versionId": found["VersionId"],
        "versionStages": found.get("VersionStages", []),
        "hasSecretStringWo": bool(op.inputs.get("secretStringWo")),
    }
    if not live["hasSecretStringWo"]:
        live["secretString"] = found.get("SecretString")
        live["secretBinary"] = base64.b64encode(binary).decode() if binary else None
    return live


def _delete_version(op: Operation) -> None:
    """A version cannot be removed: its labels are, the current one's apart, as in the real one."""
    secret, _, version = op.id.partition("|")
    service = op.client("secretsmanager")
    stages = service.describe_secret(SecretId=secret).get("VersionIdsToStages", {}).get(version, [])
    for stage in stages:
        if stage != CURRENT:
            service.update_secret_version_stage(
                SecretId=secret, VersionStage=stage, RemoveFromVersionId=version
            )


def _put_policy(op: Operation) -> str:
    secret = str(op.inputs["secretArn"])
    op.client("secretsmanager").put_resource_policy(
        SecretId=secret,
        ResourcePolicy=op.inputs["policy"],
        **present(BlockPublicPolicy=op.inputs.get("blockPublicPolicy")),
    )
    return secret


def _apply_policy(op: Operation) -> None:
    _put_policy(op)


def _read_policy(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("secretsmanager").get_resource_policy(SecretId=op.id)
    policy = found.get("ResourcePolicy")
    return {"secretArn": op.id, "policy": policy} if policy else None


def _delete_policy(op: Operation) -> None:
    op.client("secretsmanager").delete_resource_policy(SecretId=op.id)


KINDS = {
    "aws:secretsmanager/secret:Secret": Kind(
        _create_secret, _read_secret, _delete_secret, _apply_secret
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": Kind(
        _create_version, _read_version, _delete_version
    ),
    "aws:secretsmanager/secretPolicy:SecretPolicy": Kind(
        _put_policy, _read_policy, _delete_policy, _apply_policy
    ),
}
