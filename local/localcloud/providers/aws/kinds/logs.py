"""Log groups and subscription filters."""

import hashlib
from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import Kind, Operation, present, settle_tags


def _create_group(op: Operation) -> str:
    name = str(op.inputs["name"])
    op.client("logs").create_log_group(
        logGroupName=name,
        **present(
            kmsKeyId=op.inputs.get("kmsKeyId"),
            logGroupClass=op.inputs.get("logGroupClass"),
            tags=op.tags or None,
        ),
    )
    return name


def _apply_group(op: Operation) -> None:
    logs = op.client("logs")
    days = op.inputs.get("retentionInDays")
    if days:
        logs.put_retention_policy(logGroupName=op.id, retentionInDays=days)
    elif op.olds.get("retentionInDays"):
        logs.delete_retention_policy(logGroupName=op.id)
    key, old_key = op.inputs.get("kmsKeyId"), op.olds.get("kmsKeyId")
    # A new group has its key from its creation.
    if op.olds and key and key != old_key:
        logs.associate_kms_key(logGroupName=op.id, kmsKeyId=key)
    elif op.olds and old_key and not key:
        logs.disassociate_kms_key(logGroupName=op.id)
    arn = _arn(op)
    settle_tags(
        _tags(op),
        op.tags,
        lambda tags: logs.tag_resource(resourceArn=arn, tags=tags),
        lambda keys: logs.untag_resource(resourceArn=arn, tagKeys=keys),
    )


def _found(op: Operation) -> Mapping[str, Any] | None:
    pages = (
        op.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=op.id)
    )
    groups = (group for page in pages for group in page["logGroups"])
    return next((group for group in groups if group["logGroupName"] == op.id), None)


def _arn(op: Operation) -> str:
    """ARN of the group itself; the API's own has `:*` at its end, for the streams."""
    group = _found(op)
    return str(group["arn"]).removesuffix(":*") if group else ""


def _tags(op: Operation) -> dict[str, str]:
    found = op.client("logs").list_tags_for_resource(resourceArn=_arn(op))
    return dict(found.get("tags", {}))


def _read_group(op: Operation) -> Mapping[str, Any] | None:
    group = _found(op)
    if group is None:
        return None
    return {
        "arn": str(group["arn"]).removesuffix(":*"),
        "name": op.id,
        "retentionInDays": group.get("retentionInDays", 0),
        "kmsKeyId": group.get("kmsKeyId") or None,
        "logGroupClass": group.get("logGroupClass", "STANDARD"),
        "tagsAll": _tags(op),
    }


def _delete_group(op: Operation) -> None:
    if not op.inputs.get("skipDestroy"):
        op.client("logs").delete_log_group(logGroupName=op.id)


def _put_filter(op: Operation) -> str:
    group, name = str(op.inputs["logGroup"]), str(op.inputs["name"])
    op.client("logs").put_subscription_filter(
        logGroupName=group,
        filterName=name,
        filterPattern=op.inputs["filterPattern"],
        destinationArn=op.inputs["destinationArn"],
        **present(roleArn=op.inputs.get("roleArn"), distribution=op.inputs.get("distribution")),
    )
    digest = hashlib.sha256(f"{group}-{name}".encode()).hexdigest()
    return f"cwlsf-{int(digest[:8], 16)}"


def _apply_filter(op: Operation) -> None:
    _put_filter(op)


def _of_filter(op: Operation, key: str) -> str:
    """Group and name are inputs that never change: the identifier is only a hash of them."""
    return str(op.inputs.get(key) or op.olds[key])


def _read_filter(op: Operation) -> Mapping[str, Any] | None:
    name, group = _of_filter(op, "name"), _of_filter(op, "logGroup")
    filters = op.client("logs").describe_subscription_filters(
        logGroupName=group, filterNamePrefix=name
    )["subscriptionFilters"]
    found = next((one for one in filters if one["filterName"] == name), None)
    if found is None:
        return None
    return {
        "name": name,
        "logGroup": group,
        "filterPattern": found.get("filterPattern", ""),
        "destinationArn": found["destinationArn"],
        "roleArn": found.get("roleArn") or None,
        "distribution": found.get("distribution", "ByLogStream"),
    }


def _delete_filter(op: Operation) -> None:
    op.client("logs").delete_subscription_filter(
        logGroupName=_of_filter(op, "logGroup"), filterName=_of_filter(op, "name")
    )


KINDS = {
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        _create_group, _read_group, _delete_group, _apply_group
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Kind(
        _put_filter, _read_filter, _delete_filter, _apply_filter
    ),
}
