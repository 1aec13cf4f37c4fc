"""KMS keys and aliases."""

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

DELETION_DAYS = 30  # AWS's own default
TAG = ("TagKey", "TagValue")


def _create_key(op: Operation) -> str:
    made = op.client("kms").create_key(
        **present(
            Description=op.inputs.get("description"),
            KeyUsage=op.inputs["keyUsage"],
            KeySpec=op.inputs["customerMasterKeySpec"],
            MultiRegion=op.inputs.get("multiRegion"),
            Policy=op.inputs.get("policy"),
            BypassPolicyLockoutSafetyCheck=op.inputs["bypassPolicyLockoutSafetyCheck"],
            Tags=pairs(op.tags, *TAG),
        )
    )
    return str(made["KeyMetadata"]["KeyId"])


def _apply_key(op: Operation) -> None:
    kms = op.client("kms")
    kms.update_key_description(KeyId=op.id, Description=op.inputs.get("description", ""))
    if op.inputs.get("policy"):
        kms.put_key_policy(KeyId=op.id, PolicyName="default", Policy=op.inputs["policy"])
    if op.inputs["enableKeyRotation"]:
        period = present(RotationPeriodInDays=op.inputs.get("rotationPeriodInDays"))
        kms.enable_key_rotation(KeyId=op.id, **period)
    elif kms.get_key_rotation_status(KeyId=op.id)["KeyRotationEnabled"]:
        kms.disable_key_rotation(KeyId=op.id)
    if op.inputs["isEnabled"]:
        kms.enable_key(KeyId=op.id)
    else:
        kms.disable_key(KeyId=op.id)
    settle_tags(
        _key_tags(op),
        op.tags,
        lambda tags: kms.tag_resource(KeyId=op.id, Tags=pairs(tags, *TAG)),
        lambda keys: kms.untag_resource(KeyId=op.id, TagKeys=keys),
    )


def _key_tags(op: Operation) -> dict[str, str]:
    return unpaired(op.client("kms").list_resource_tags(KeyId=op.id).get("Tags", []), *TAG)


def _read_key(op: Operation) -> Mapping[str, Any] | None:
    kms = op.client("kms")
    key = kms.describe_key(KeyId=op.id)["KeyMetadata"]
    if key["KeyState"] == "PendingDeletion":
        return None
    rotation = kms.get_key_rotation_status(KeyId=op.id)
    live = {
        "arn": key["Arn"],
        "keyId": key["KeyId"],
        "description": key.get("Description", ""),
        "keyUsage": key["KeyUsage"],
        "customerMasterKeySpec": key.get("KeySpec", key.get("CustomerMasterKeySpec")),
        "isEnabled": key["Enabled"],
        "multiRegion": key.get("MultiRegion", False),
        "enableKeyRotation": rotation["KeyRotationEnabled"],
        "policy": kms.get_key_policy(KeyId=op.id, PolicyName="default")["Policy"],
        "tagsAll": _key_tags(op),
    }
    if rotation["KeyRotationEnabled"] and "RotationPeriodInDays" in rotation:
        live["rotationPeriodInDays"] = rotation["RotationPeriodInDays"]
    return live


def _delete_key(op: Operation) -> None:
    days = op.inputs.get("deletionWindowInDays") or DELETION_DAYS
    op.client("kms").schedule_key_deletion(KeyId=op.id, PendingWindowInDays=days)


def _create_alias(op: Operation) -> str:
    name = str(op.inputs["name"])
    op.client("kms").create_alias(AliasName=name, TargetKeyId=op.inputs["targetKeyId"])
    return name


def _apply_alias(op: Operation) -> None:
    live = _read_alias(op)
    target = op.inputs["targetKeyId"]
    if live is not None and target not in (live["targetKeyId"], live["targetKeyArn"]):
        op.client("kms").update_alias(AliasName=op.id, TargetKeyId=target)


def _read_alias(op: Operation) -> Mapping[str, Any] | None:
    pages = op.client("kms").get_paginator("list_aliases").paginate()
    for alias in (alias for page in pages for alias in page["Aliases"]):
        if alias["AliasName"] == op.id:
            key = op.client("kms").describe_key(KeyId=alias["TargetKeyId"])["KeyMetadata"]
            wanted = op.inputs.get("targetKeyId")
            # The key may be named by its ARN; both spellings say the same.
            shown = key["Arn"] if wanted == key["Arn"] else key["KeyId"]
            return {
                "name": op.id,
                "arn": alias["AliasArn"],
                "targetKeyId": shown,
                "targetKeyArn": key["Arn"],
            }
    return None


def _delete_alias(op: Operation) -> None:
    op.client("kms").delete_alias(AliasName=op.id)


KINDS = {
    "aws:kms/key:Key": Kind(_create_key, _read_key, _delete_key, _apply_key),
    "aws:kms/alias:Alias": Kind(_create_alias, _read_alias, _delete_alias, _apply_alias),
}
