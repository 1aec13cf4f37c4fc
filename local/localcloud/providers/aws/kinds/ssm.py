"""Parameters of the Systems Manager."""

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

KIND = "Parameter"


def _arguments(op: Operation) -> dict[str, Any]:
    value = op.inputs.get("value") or op.inputs.get("insecureValue") or op.inputs.get("valueWo")
    return present(
        Type=op.inputs["type"],
        Value=value,
        Description=op.inputs.get("description"),
        KeyId=op.inputs.get("keyId"),
        Tier=op.inputs.get("tier"),
        AllowedPattern=op.inputs.get("allowedPattern"),
        DataType=op.inputs.get("dataType"),
    )


def _create(op: Operation) -> str:
    name = str(op.inputs["name"])
    replaced = present(Overwrite=op.inputs.get("overwrite"))
    op.client("ssm").put_parameter(Name=name, **_arguments(op), **replaced)
    return name


def _apply(op: Operation) -> None:
    ssm = op.client("ssm")
    if op.olds and op.changed(
        "value", "insecureValue", "type", "description", "keyId", "tier", "allowedPattern"
    ):
        ssm.put_parameter(Name=op.id, Overwrite=True, **_arguments(op))
    settle_tags(
        _tags(op),
        op.tags,
        lambda tags: ssm.add_tags_to_resource(
            ResourceType=KIND, ResourceId=op.id, Tags=pairs(tags)
        ),
        lambda keys: ssm.remove_tags_from_resource(
            ResourceType=KIND, ResourceId=op.id, TagKeys=keys
        ),
    )


def _tags(op: Operation) -> dict[str, str]:
    found = op.client("ssm").list_tags_for_resource(ResourceType=KIND, ResourceId=op.id)
    return unpaired(found.get("TagList", []))


def _read(op: Operation) -> Mapping[str, Any] | None:
    ssm = op.client("ssm")
    found = ssm.get_parameter(Name=op.id, WithDecryption=True)["Parameter"]
    named = [{"Key": "Name", "Option": "Equals", "Values": [op.id]}]
    described = ssm.describe_parameters(ParameterFilters=named).get("Parameters", [])
    about = described[0] if described else {}
    shown = "insecureValue" if op.inputs.get("insecureValue") else "value"
    return {
        "arn": found["ARN"],
        "name": found["Name"],
        "type": found["Type"],
        "version": found["Version"],
        "description": about.get("Description") or None,
        "tier": about.get("Tier", "Standard"),
        "dataType": found.get("DataType", "text"),
        "hasValueWo": False,
        "tagsAll": _tags(op),
    } | ({} if op.inputs.get("valueWo") else {shown: found["Value"]})


def _delete(op: Operation) -> None:
    op.client("ssm").delete_parameter(Name=op.id)


KINDS = {"aws:ssm/parameter:Parameter": Kind(_create, _read, _delete, _apply)}
