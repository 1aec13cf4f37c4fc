"""Identifiers and outputs in AWS's formats, for what the embedded AWS does not make.

Templates in `facts` are format strings over: `account`, `region`, `partition`, `hex8`, `hex13`,
`hex16`, `hex17`, `hex32` (and `hex32b`, `hex32c`), `upper13`, `uuid`, `digits`, `octet`, `name`,
`id`, `arn` and `in[<input>]`. A template that is no string stands for itself.
"""

import re
import secrets
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws import computed, facts, outputs
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.aws.schema import Shape

EMPTY: Mapping[str, Any] = {"string": "", "bool": False, "number": 0, "array": [], "map": {}}
ACCOUNT_OUTPUTS = {"ownerId", "accountId", "registryId", "awsAccountId", "owner"}
GENERIC_ARN = "arn:{partition}:{service}:{region}:{account}:{kind}/{id}"
# Packages of the SDK whose ARNs carry another service name.
SERVICES = {
    "alb": "elasticloadbalancing",
    "cfg": "config",
    "lb": "elasticloadbalancing",
    "sesv2": "ses",
    "vpc": "ec2",
}
PREFIXED_DIGITS = 26  # length of what is appended to a `namePrefix`
EPOCH = 1735689600  # 2025-01-01T00:00:00Z, from where revisions are counted in seconds

Variables = defaultdict[str, Any]


def made(
    token: str, name: str, inputs: Mapping[str, Any], config: ProviderConfig
) -> tuple[str, dict[str, Any]]:
    """Identifier and outputs of a new resource; `name` is its logical name."""
    values = outputs.given(token, inputs)
    variables = _variables(token, name, values, config)
    own = computed.outputs(token, values, variables)
    variables["arn"] = own.get("arn", "")
    template = facts.of(token).id or "{in[name]}"
    identity = template.format_map(variables) or f"{variables['kind']}-{secrets.token_hex(8)}"
    variables["id"] = identity
    return identity, _filled(token, values, own, variables)


def completed(
    token: str, name: str, identity: str, values: Mapping[str, Any], config: ProviderConfig
) -> dict[str, Any]:
    """`values` and every output that would otherwise be missing, which the SDK takes as unknown."""
    variables = _variables(token, name, values, config)
    variables["id"] = identity
    variables["arn"] = values.get("arn", "")
    return _filled(token, values, {}, variables)


def _filled(
    token: str, values: Mapping[str, Any], own: Mapping[str, Any], variables: Variables
) -> dict[str, Any]:
    about = facts.of(token)
    result = dict(values)
    missing = outputs.computed(token, values)
    # `arn` first: other templates may refer to it.
    for key in sorted(missing, key=lambda one: one != "arn"):
        if key in own:
            result[key] = own[key]
        elif key in about.outputs:
            result[key] = _rendered(about.outputs[key], variables)
        else:
            result[key] = _generic(key, missing[key].shape, variables)
        if key == "arn":
            variables["arn"] = result[key]
    for key, templates in about.nested.items():
        if isinstance(result.get(key), dict):
            result[key] = _rendered(dict(templates), variables) | result[key]
    return result


def _variables(
    token: str, name: str, values: Mapping[str, Any], config: ProviderConfig
) -> Variables:
    package = token.split(":")[1].partition("/")[0]
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
            "service": SERVICES.get(package, package),
            "kind": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", token.rpartition(":")[2]).lower(),
            "name": inputs["name"] or name,
            "revision": int(time.time()) - EPOCH,
            "in": inputs,
        }
        | _random(),
    )


def _random() -> dict[str, str]:
    """What identifiers are made of."""
    return {
        "hex8": secrets.token_hex(4),
        "hex13": secrets.token_hex(7)[:13],
        "hex16": secrets.token_hex(8),
        "hex17": secrets.token_hex(9)[:17],
        "hex32": secrets.token_hex(16),
        "hex32b": secrets.token_hex(16),
        "hex32c": secrets.token_hex(16),
        "upper13": secrets.token_hex(7).upper()[:13],
        "digits": str(secrets.randbelow(10**10)).zfill(10),
        "octet": str(1 + secrets.randbelow(254)),
        "uuid": str(uuid.uuid4()),
    }


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
        if key in ("name", "region"):
            return variables[key]
    return EMPTY.get(shape.kind, {} if shape.kind == "object" else "")
