"""A Pulumi preview as the document `terraform show -json` writes, for tools that read only that.

pulumi_aws is derived from the Terraform provider: a type's name and a property's name follow from
Pulumi's by rule, and what the rule gets wrong stands in a table here. Format:
https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# What a preview has instead of a value that AWS decides at creation.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
AWS = "aws:"

# Modules and types whose Terraform name is not `aws_<module>_<type>`.
MODULES: Mapping[str, str] = {"cfg": "config", "ec2": ""}
TYPES: Mapping[str, str] = {
    "aws:cfg/recorder:Recorder": "aws_config_configuration_recorder",
    "aws:cfg/recorderStatus:RecorderStatus": "aws_config_configuration_recorder_status",
    "aws:cloudtrail/trail:Trail": "aws_cloudtrail",
    "aws:codepipeline/pipeline:Pipeline": "aws_codepipeline",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
}
# Properties whose keys are the user's own and whose value is one map, not a block.
MAPS = frozenset({"dimensions", "tags", "tags_all", "variables"})
# Never part of a Terraform resource: the region is the provider's, `tags_all` is computed.
LEFT_OUT = frozenset({"__defaults", "region", "tagsAll"})


def terraform_type(token: str) -> str:
    """`aws:dynamodb/table:Table` is `aws_dynamodb_table`."""
    if token in TYPES:
        return TYPES[token]
    module, _, name = token.removeprefix(AWS).rpartition(":")[0].partition("/")
    parts = ("aws", MODULES.get(module, module), snake(name))
    return "_".join(part for part in parts if part)


def snake(name: str) -> str:
    """`kmsKeyArn` is `kms_key_arn`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def singular(name: str) -> str:
    """The block that a list of objects repeats: `metric_queries` is `metric_query`."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ases", "as"), ("s", "")):
        if name.endswith(ending):
            return name.removesuffix(ending) + instead
    return name


def terraform_plan(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The plan of resources as a preview's steps have them (`newState`), AWS's only."""
    aws = [state for state in states if str(state["type"]).startswith(AWS)]
    addresses = {str(state["urn"]): _address(state) for state in aws}
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [_planned(state) for state in aws]}},
        "resource_changes": [_change(state) for state in aws],
        "configuration": {
            "root_module": {"resources": [_configured(state, addresses) for state in aws]}
        },
    }


def _name(state: Mapping[str, Any]) -> str:
    """The logical name; two providers may each have one, and a name holds no other character."""
    provider = str(state.get("provider", "")).rsplit("::", 2)[-2:][0]
    name = re.sub(r"\W", "-", str(state["urn"]).rsplit("::", 1)[1])
    return name if provider in {"", "home"} else f"{provider}-{name}"


def _address(state: Mapping[str, Any]) -> str:
    return f"{terraform_type(state['type'])}.{_name(state)}"


def _identity(state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "address": _address(state),
        "mode": "managed",
        "type": terraform_type(state["type"]),
        "name": _name(state),
    }


def _planned(state: Mapping[str, Any]) -> dict[str, Any]:
    return {**_identity(state), "values": _values(state["inputs"])}


def _change(state: Mapping[str, Any]) -> dict[str, Any]:
    after = _values(state["inputs"])
    change = {"actions": ["create"], "before": None, "after": after, "after_unknown": {}}
    return {**_identity(state), "change": change}


def _configured(state: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    """Which resources a property's value comes from; it joins resources whose ids are unknown."""
    expressions = {}
    for key, urns in (state.get("propertyDependencies") or {}).items():
        references = [addresses[urn] for urn in urns or () if urn in addresses]
        if references and key in state["inputs"]:
            name, shape = _expression(key, state["inputs"][key], references)
            expressions[name] = shape
    return {**_identity(state), "expressions": expressions}


def _expression(key: str, value: Any, references: Sequence[str]) -> tuple[str, Any]:
    """References stand where the unknown value stands, inside the block that holds it."""
    name, shaped = _property(key, value)
    blocks = shaped if isinstance(shaped, list) else []
    if blocks and all(isinstance(block, dict) for block in blocks):
        inputs = value if isinstance(value, list) else [value]
        return name, [dict(_inner(each, references)) for each in inputs]
    return name, {"references": list(references)}


def _inner(block: Mapping[str, Any], references: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for key, value in block.items():
        if key not in LEFT_OUT and _holds_unknown(value):
            yield _expression(key, value, references)


def _holds_unknown(value: Any) -> bool:
    match value:
        case dict():
            return any(_holds_unknown(each) for each in value.values())
        case list():
            return any(_holds_unknown(each) for each in value)
        case str():
            return UNKNOWN in value
        case _:
            return False


def _values(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return dict(
        _property(key, value)
        for key, value in inputs.items()
        if key not in LEFT_OUT and not _is_unknown(value)
    )


def _is_unknown(value: Any) -> bool:
    return isinstance(value, str) and UNKNOWN in value


def _property(key: str, value: Any) -> tuple[str, Any]:
    """Objects are blocks, and a block is always a list; a list of objects loses its plural."""
    name = snake(key)
    match value:
        case dict() if name in MAPS:
            return name, {each: part for each, part in value.items() if each not in LEFT_OUT}
        case dict():
            return name, [_values(value)]
        case list() if value and all(isinstance(each, dict) for each in value):
            return singular(name), [_values(each) for each in value]
        case list():
            return name, [None if _is_unknown(each) else each for each in value]
        case _:
            return name, None if _is_unknown(value) else value
