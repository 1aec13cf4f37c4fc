"""Rendering of `aws:iam/getPolicyDocument`: statements, principals, conditions, merging.

As in the provider's documentation: a list of one is written as a text, `&{…}` stands for `${…}`,
source documents must not share statement ids, and override documents replace statements by id.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.providers.errors import ProviderError

VERSION = "2012-10-17"
LISTS = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}
PRINCIPALS = {"principals": "Principal", "notPrincipals": "NotPrincipal"}

Statement = dict[str, Any]


def answer(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The result of the data source: the document, pretty and minified, next to its arguments."""
    document = render(arguments)
    pretty = json.dumps(document, indent=2)
    version = str(document["Version"])
    return {
        **arguments,
        "id": str(zlib.crc32(pretty.encode())),
        "json": pretty,
        "minifiedJson": json.dumps(document, separators=(",", ":")),
        "version": version,
    }


def render(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The policy document. Raises `ProviderError` for repeated ids and unreadable documents."""
    own = [_statement(raw) for raw in arguments.get("statements") or []]
    _require_unique(own, "statements")
    sources = [
        statement
        for text in arguments.get("sourcePolicyDocuments") or []
        for statement in _statements_of(text)
    ]
    _require_unique(sources, "sourcePolicyDocuments")
    merged = _overlaid(sources, own)
    for text in arguments.get("overridePolicyDocuments") or []:
        merged = _overlaid(merged, _statements_of(text))
    document: dict[str, Any] = {"Version": arguments.get("version") or VERSION}
    if arguments.get("policyId"):
        document["Id"] = arguments["policyId"]
    return document | {"Statement": merged}


def _statement(raw: Mapping[str, Any]) -> Statement:
    statement: Statement = {"Sid": raw["sid"]} if raw.get("sid") else {}
    statement["Effect"] = raw.get("effect") or "Allow"
    for key, name in LISTS.items():
        if raw.get(key):
            statement[name] = _single(sorted(_literal(raw[key]), reverse=True))
    for key, name in PRINCIPALS.items():
        if raw.get(key):
            statement[name] = _principals(raw[key])
    if raw.get("conditions"):
        statement["Condition"] = _conditions(raw["conditions"])
    return statement


def _literal(values: Sequence[str]) -> list[str]:
    """Policy variables are written `&{…}`, for `${…}` means something else to other tools."""
    return [value.replace("&{", "${") for value in values]


def _single(values: list[str]) -> list[str] | str:
    return values[0] if len(values) == 1 else values


def _principals(raw: Sequence[Mapping[str, Any]]) -> Any:
    """Principals by type; everybody is the plain text `*`."""
    if [(one["type"], list(one["identifiers"])) for one in raw] == [("*", ["*"])]:
        return "*"
    by_type: dict[str, list[str]] = {}
    for one in raw:
        by_type.setdefault(one["type"], []).extend(_literal(one["identifiers"]))
    return {kind: _single(sorted(names, reverse=True)) for kind, names in by_type.items()}


def _conditions(raw: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    conditions: dict[str, dict[str, list[str]]] = {}
    for one in raw:
        values = conditions.setdefault(one["test"], {}).setdefault(one["variable"], [])
        values.extend(_literal(one["values"]))
    return {
        test: {variable: _single(values) for variable, values in variables.items()}
        for test, variables in conditions.items()
    }


def _statements_of(text: str) -> list[Statement]:
    try:
        statements = json.loads(text).get("Statement", [])
    except (ValueError, AttributeError) as error:
        raise ProviderError(f"a policy document to merge is no JSON object: {error}") from error
    return list(statements) if isinstance(statements, list) else [statements]


def _require_unique(statements: Sequence[Statement], where: str) -> None:
    seen: set[str] = set()
    for sid in (str(statement["Sid"]) for statement in statements if statement.get("Sid")):
        if sid in seen:
            raise ProviderError(f"duplicate Sid ({sid}) in {where} of getPolicyDocument")
        seen.add(sid)


def _overlaid(below: Sequence[Statement], above: Sequence[Statement]) -> list[Statement]:
    """Statements of `above` in place of those with the same id, the others after them."""
    merged = list(below)
    places = {one["Sid"]: i for i, one in enumerate(merged) if one.get("Sid")}
    for statement in above:
        if statement.get("Sid") in places:
            merged[places[statement["Sid"]]] = statement
        else:
            merged.append(statement)
    return merged
