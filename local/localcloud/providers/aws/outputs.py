"""Outputs of a resource: its inputs, and what AWS would compute, in AWS's formats.

Templates in `facts` are format strings over: `account`, `region`, `partition`, `hex8`, `hex17`,
`hex32`, `upper13`, `uuid`, `digits`, `name`, `id`, `arn` and `in[<input>]`. A template that is no
string stands for itself.
"""

import re
import secrets
import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws import facts, schema
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.aws.schema import Property, Shape
from localcloud.providers.aws.values import UNKNOWN, plain

EMPTY: Mapping[str, Any] = {"string": "", "bool": False, "number": 0, "array": [], "map": {}}
ACCOUNT_OUTPUTS = {"ownerId", "accountId", "registryId", "awsAccountId", "owner"}
GENERIC_ARN = "arn:{partition}:{service}:{region}:{account}:{kind}/{id}"
PREFIXED_DIGITS = 26  # length of what is appended to a `namePrefix`

Variables = defaultdict[str, Any]


def given(token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as outputs: without bookkeeping, each scalar in its declared type."""
    known = schema.resource(token).inputs
    return {
        key: coerced(known[key].shape, value) if key in known else value
        for key, value in plain(inputs).items()
    }


def coerced(shape: Shape, value: Any) -> Any:
    """`value` in the type `shape` names: "true" becomes True, 80 becomes "80" where text is meant."""
    match value:
        case dict() if shape.kind == "object" and not shape.text:
            fields = shape.fields()
            return {k: coerced(fields[k].shape, v) if k in fields else v for k, v in value.items()}
        case dict() | list() if shape.item is not None:
            if isinstance(value, dict):
                return {k: coerced(shape.item, v) for k, v in value.items()}
            return [coerced(shape.item, v) for v in value]
        case str() if value != UNKNOWN and shape.kind == "bool":
            return value == "true"
        case str() if value != UNKNOWN and shape.kind == "number":
            number = float(value)
            return int(number) if number.is_integer() else number
        case bool() if shape.kind == "string":
            return str(value).lower()
        case int() | float() if shape.kind == "string":
            return str(value)
        case _:
            return value


def previewed(token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs before creation: what is not given but will certainly be there is unknown."""
    computed = _computed(token, given(token, inputs))
    return given(token, inputs) | dict.fromkeys(computed, UNKNOWN)


def previewed_update(
    token: str, olds: Mapping[str, Any], old_inputs: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, Any]:
    """Outputs before an update: new inputs over what AWS computed earlier."""
    known = schema.resource(token).outputs
    dropped = {
        key for key in plain(old_inputs).keys() - news.keys() if key in known and known[key].optional
    }
    kept = {key: value for key, value in olds.items() if key not in dropped}
    return kept | given(token, news)


def _computed(token: str, inputs: Mapping[str, Any]) -> dict[str, Property]:
    """Outputs that appear although no input says them."""
    templates = facts.of(token).outputs
    return {
        key: output
        for key, output in schema.resource(token).outputs.items()
        if key not in inputs and (not output.optional or key in templates)
    }


def recorded(
    token: str, name: str, inputs: Mapping[str, Any], config: ProviderConfig
) -> tuple[str, dict[str, Any]]:
    """Identifier and outputs of a new resource that has no backing: plausible, never blank.

    `name` is the logical name, used where a type has no physical one.
    """
    values = given(token, inputs)
    variables = _variables(token, name, values, config)
    template = facts.of(token).id or "{in[name]}"
    identity = template.format_map(variables) or f"{variables['kind']}-{secrets.token_hex(8)}"
    return identity, completed(token, name, identity, values, config, variables)


def completed(  # noqa: PLR0913 - one value per thing an output can depend on
    token: str,
    name: str,
    identity: str,
    values: Mapping[str, Any],
    config: ProviderConfig,
    variables: Variables | None = None,
) -> dict[str, Any]:
    """`values` and every output that would otherwise be missing, which the SDK takes as unknown."""
    variables = variables or _variables(token, name, values, config)
    variables["id"] = identity
    result = dict(values)
    templates = facts.of(token).outputs
    missing = _computed(token, values)
    # `arn` first: other templates may refer to it.
    for key in sorted(missing, key=lambda one: one != "arn"):
        if key in templates:
            result[key] = _rendered(templates[key], variables)
        else:
            result[key] = _generic(key, missing[key].shape, variables)
        if key == "arn":
            variables["arn"] = result[key]
    return result


def _variables(
    token: str, name: str, values: Mapping[str, Any], config: ProviderConfig
) -> Variables:
    package = token.split(":")[1].partition("/")[0]
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", token.rpartition(":")[2]).lower()
    inputs: Variables = defaultdict(str, values)
    if values.get("namePrefix") and not values.get("name"):
        digits = str(secrets.randbelow(10**PREFIXED_DIGITS)).zfill(PREFIXED_DIGITS)
        inputs["name"] = f"{values['namePrefix']}{digits}"
    return defaultdict(
        str,
        {
            "account": config.account,
            "region": values.get("region") or config.region,
            "partition": config.partition,
            "service": package,
            "kind": kind,
            "name": inputs["name"] or name,
            "hex8": secrets.token_hex(4),
            "hex16": secrets.token_hex(8),
            "hex17": secrets.token_hex(9)[:17],
            "hex32": secrets.token_hex(16),
            "upper13": secrets.token_hex(8).upper()[:13],
            "digits": str(secrets.randbelow(10**10)).zfill(10),
            "octet": str(1 + secrets.randbelow(254)),
            "uuid": str(uuid.uuid4()),
            "in": inputs,
        },
    )


def _rendered(template: Any, variables: Variables) -> Any:
    match template:
        case str():
            return template.format_map(variables)
        case dict():
            return {key: _rendered(value, variables) for key, value in template.items()}
        case list():
            return [_rendered(value, variables) for value in template]
        case _:
            return template


def _generic(key: str, shape: Shape, variables: Variables) -> Any:
    """A plausible value for an output nobody described: by name where names are telling."""
    if shape.kind == "string":
        if key == "arn":
            return GENERIC_ARN.format_map(variables)
        if key in ACCOUNT_OUTPUTS:
            return variables["account"]
        if key == "name":
            return variables["name"]
        if key == "region":
            return variables["region"]
    return EMPTY.get(shape.kind, {} if shape.kind == "object" else "")


def inputs_of(token: str) -> frozenset[str]:
    """Wire names of a type's inputs."""
    return frozenset(schema.resource(token).inputs)
