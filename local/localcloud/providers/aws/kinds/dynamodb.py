"""DynamoDB tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import (
    Kind,
    Operation,
    pairs,
    present,
    settle_tags,
    unpaired,
)
from localcloud.providers.aws.values import equivalent
from localcloud.providers.errors import ProviderError

WAIT = {"Delay": 1, "MaxAttempts": 60}
ON_DEMAND = "PAY_PER_REQUEST"
STANDARD = "STANDARD"
OFF: Mapping[str, Any] = {"enabled": False}


def _create(op: Operation) -> str:
    given = op.inputs
    if given.get("replicas"):
        raise ProviderError("replicas of a table are not made in the embedded AWS, which is one")
    name = str(given["name"])
    op.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=_attributes(given),
        KeySchema=_keys(given["hashKey"], given.get("rangeKey")),
        BillingMode=given["billingMode"],
        DeletionProtectionEnabled=bool(given.get("deletionProtectionEnabled")),
        Tags=pairs(op.tags),
        **present(
            LocalSecondaryIndexes=[
                _local_index(given["hashKey"], one)
                for one in given.get("localSecondaryIndexes") or []
            ]
            or None,
            GlobalSecondaryIndexes=[
                _global_index(given, one) for one in given.get("globalSecondaryIndexes") or []
            ]
            or None,
            ProvisionedThroughput=_throughput(given, given),
            OnDemandThroughput=_on_demand(given),
            SSESpecification=_encryption(given) if given.get("serverSideEncryption") else None,
            StreamSpecification=_stream(given) if given.get("streamEnabled") else None,
            TableClass=given.get("tableClass"),
        ),
    )
    op.client("dynamodb").get_waiter("table_exists").wait(TableName=name, WaiterConfig=WAIT)
    return name


def _attributes(given: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"AttributeName": one["name"], "AttributeType": one["type"]}
        for one in given.get("attributes") or []
    ]


def _keys(partition: str, sort: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return [*keys, {"AttributeName": sort, "KeyType": "RANGE"}] if sort else keys


def _projection(index: Mapping[str, Any]) -> dict[str, Any]:
    return present(
        ProjectionType=index["projectionType"],
        NonKeyAttributes=index.get("nonKeyAttributes") or None,
    )


def _local_index(partition: str, index: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "IndexName": index["name"],
        "KeySchema": _keys(partition, index["rangeKey"]),
        "Projection": _projection(index),
    }


def _global_index(given: Mapping[str, Any], index: Mapping[str, Any]) -> dict[str, Any]:
    schemas = index.get("keySchemas")
    keys = (
        [{"AttributeName": k["attributeName"], "KeyType": k["keyType"]} for k in schemas]
        if schemas
        else _keys(index["hashKey"], index.get("rangeKey"))
    )
    return {
        "IndexName": index["name"],
        "KeySchema": keys,
        "Projection": _projection(index),
    } | present(
        ProvisionedThroughput=_throughput(given, index), OnDemandThroughput=_on_demand(index)
    )


def _throughput(table: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, int] | None:
    if table["billingMode"] == ON_DEMAND:
        return None
    return {
        "ReadCapacityUnits": part.get("readCapacity") or 1,
        "WriteCapacityUnits": part.get("writeCapacity") or 1,
    }


def _on_demand(part: Mapping[str, Any]) -> dict[str, int] | None:
    limits = part.get("onDemandThroughput")
    if not limits:
        return None
    return present(
        MaxReadRequestUnits=limits.get("maxReadRequestUnits"),
        MaxWriteRequestUnits=limits.get("maxWriteRequestUnits"),
    )


def _encryption(given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = given.get("serverSideEncryption") or OFF
    if not wanted["enabled"]:
        return {"Enabled": False}
    return {"Enabled": True, "SSEType": "KMS"} | present(KMSMasterKeyId=wanted.get("kmsKeyArn"))


def _stream(given: Mapping[str, Any]) -> dict[str, Any]:
    if not given.get("streamEnabled"):
        return {"StreamEnabled": False}
    return {"StreamEnabled": True} | present(StreamViewType=given.get("streamViewType"))


def _apply(op: Operation) -> None:
    """One call per aspect that differs: the service refuses an update that changes nothing."""
    live = _read(op)
    if live is None:
        raise ProviderError(f"table {op.id} disappeared while it was being set up")
    service = op.client("dynamodb")
    for change in _table_changes(op.inputs, live):
        service.update_table(TableName=op.id, **change)
        service.get_waiter("table_exists").wait(TableName=op.id, WaiterConfig=WAIT)
    _apply_time_to_live(op, live)
    recovery = op.inputs.get("pointInTimeRecovery") or OFF
    if not equivalent(recovery, live["pointInTimeRecovery"]):
        service.update_continuous_backups(
            TableName=op.id,
            PointInTimeRecoverySpecification={
                "PointInTimeRecoveryEnabled": recovery["enabled"],
                **present(RecoveryPeriodInDays=recovery.get("recoveryPeriodInDays")),
            },
        )
    settle_tags(
        live["tagsAll"],
        op.tags,
        lambda tags: service.tag_resource(ResourceArn=live["arn"], Tags=pairs(tags)),
        lambda keys: service.untag_resource(ResourceArn=live["arn"], TagKeys=keys),
    )


def _table_changes(given: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Arguments of the `UpdateTable` calls that lead from the live table to the wanted one."""
    throughput = _throughput(given, given)
    capacity = {
        "readCapacity": given.get("readCapacity"),
        "writeCapacity": given.get("writeCapacity"),
    }
    if given["billingMode"] != live["billingMode"]:
        yield {"BillingMode": given["billingMode"]} | present(ProvisionedThroughput=throughput)
    elif throughput and not equivalent({k: v for k, v in capacity.items() if v}, live):
        yield {"ProvisionedThroughput": throughput}
    if bool(given.get("deletionProtectionEnabled")) != live["deletionProtectionEnabled"]:
        yield {"DeletionProtectionEnabled": bool(given.get("deletionProtectionEnabled"))}
    if (given.get("tableClass") or STANDARD) != live["tableClass"]:
        yield {"TableClass": given.get("tableClass") or STANDARD}
    if not equivalent(given.get("serverSideEncryption") or OFF, live["serverSideEncryption"]):
        yield {"SSESpecification": _encryption(given)}
    if bool(given.get("streamEnabled")) != live["streamEnabled"]:
        yield {"StreamSpecification": _stream(given)}
    limits = given.get("onDemandThroughput")
    if limits and not equivalent(limits, live.get("onDemandThroughput")):
        yield {"OnDemandThroughput": _on_demand(given)}
    yield from _index_changes(given, live)


def _index_changes(given: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Global indexes one by one, as the service wants it; a changed one is made anew."""
    wanted = {one["name"]: one for one in given.get("globalSecondaryIndexes") or []}
    found = {one["name"]: one for one in live["globalSecondaryIndexes"]}
    stale = [n for n, one in found.items() if n not in wanted or not equivalent(wanted[n], one)]
    for name in stale:
        yield {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
    for name, index in wanted.items():
        if name in stale or name not in found:
            yield {
                "AttributeDefinitions": _attributes(given),
                "GlobalSecondaryIndexUpdates": [{"Create": _global_index(given, index)}],
            }


def _apply_time_to_live(op: Operation, live: Mapping[str, Any]) -> None:
    wanted = op.inputs.get("ttl") or OFF
    if equivalent(wanted, live["ttl"]):
        return
    name = wanted.get("attributeName") or live["ttl"].get("attributeName")
    op.client("dynamodb").update_time_to_live(
        TableName=op.id,
        TimeToLiveSpecification={
            "Enabled": bool(wanted.get("enabled", True) if wanted is not OFF else False),
            "AttributeName": name,
        },
    )


def _read(op: Operation) -> Mapping[str, Any] | None:
    service = op.client("dynamodb")
    table = service.describe_table(TableName=op.id)["Table"]
    keys = _key_names(table["KeySchema"])
    capacity = table.get("ProvisionedThroughput", {})
    stream = table.get("StreamSpecification", {})
    billing = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    return {
        "arn": table["TableArn"],
        "name": table["TableName"],
        "attributes": [
            {"name": one["AttributeName"], "type": one["AttributeType"]}
            for one in table["AttributeDefinitions"]
        ],
        "billingMode": billing,
        "hashKey": keys["HASH"],
        "rangeKey": keys.get("RANGE"),
        "readCapacity": capacity.get("ReadCapacityUnits", 0),
        "writeCapacity": capacity.get("WriteCapacityUnits", 0),
        "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
        "tableClass": table.get("TableClassSummary", {}).get("TableClass", STANDARD),
        "localSecondaryIndexes": [_shown(one) for one in table.get("LocalSecondaryIndexes", [])],
        "globalSecondaryIndexes": [
            _shown_global(one) for one in table.get("GlobalSecondaryIndexes", [])
        ],
        "serverSideEncryption": _shown_encryption(table.get("SSEDescription", {})),
        "streamEnabled": stream.get("StreamEnabled", False),
        "streamViewType": stream.get("StreamViewType", ""),
        "streamArn": table.get("LatestStreamArn", ""),
        "streamLabel": table.get("LatestStreamLabel", ""),
        "ttl": _shown_ttl(op),
        "pointInTimeRecovery": _shown_recovery(op),
        "tagsAll": _tags(op, table["TableArn"]),
    } | _shown_limits(table)


def _key_names(schema: list[dict[str, str]]) -> dict[str, str]:
    return {one["KeyType"]: one["AttributeName"] for one in schema}


def _shown(index: Mapping[str, Any]) -> dict[str, Any]:
    return present(
        name=index["IndexName"],
        rangeKey=_key_names(index["KeySchema"]).get("RANGE"),
        projectionType=index["Projection"]["ProjectionType"],
        nonKeyAttributes=index["Projection"].get("NonKeyAttributes") or None,
    )


def _shown_global(index: Mapping[str, Any]) -> dict[str, Any]:
    keys = index["KeySchema"]
    return _shown(index) | {
        "hashKey": _key_names(keys)["HASH"],
        "keySchemas": [
            {"attributeName": one["AttributeName"], "keyType": one["KeyType"]} for one in keys
        ],
    }


def _shown_encryption(found: Mapping[str, Any]) -> dict[str, Any]:
    enabled = found.get("Status") in ("ENABLED", "ENABLING", "UPDATING")
    return {"enabled": enabled, "kmsKeyArn": found.get("KMSMasterKeyArn", "") if enabled else ""}


def _shown_limits(table: Mapping[str, Any]) -> dict[str, Any]:
    limits = table.get("OnDemandThroughput")
    if not limits:
        return {}
    return {
        "onDemandThroughput": {
            "maxReadRequestUnits": limits.get("MaxReadRequestUnits", -1),
            "maxWriteRequestUnits": limits.get("MaxWriteRequestUnits", -1),
        }
    }


def _shown_ttl(op: Operation) -> dict[str, Any]:
    found = op.client("dynamodb").describe_time_to_live(TableName=op.id)["TimeToLiveDescription"]
    enabled = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    return {"enabled": enabled} | present(attributeName=found.get("AttributeName"))


def _shown_recovery(op: Operation) -> dict[str, Any]:
    found = op.client("dynamodb").describe_continuous_backups(TableName=op.id)
    recovery = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    enabled = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
    # The embedded AWS keeps no period: what it does not say is taken to be as deployed.
    deployed = (op.inputs.get("pointInTimeRecovery") or {}).get("recoveryPeriodInDays")
    days = recovery.get("RecoveryPeriodInDays", deployed) if enabled else None
    return {"enabled": enabled} | present(recoveryPeriodInDays=days)


def _tags(op: Operation, arn: str) -> dict[str, str]:
    found = op.client("dynamodb").list_tags_of_resource(ResourceArn=arn)
    return unpaired(found.get("Tags", []))


def _delete(op: Operation) -> None:
    service = op.client("dynamodb")
    service.delete_table(TableName=op.id)
    service.get_waiter("table_not_exists").wait(TableName=op.id, WaiterConfig=WAIT)


KINDS = {"aws:dynamodb/table:Table": Kind(_create, _read, _delete, _apply)}
