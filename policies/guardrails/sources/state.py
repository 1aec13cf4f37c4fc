"""An exported state (`pulumi stack export`) as resources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from guardrails.graph import Resource
from guardrails.sources.failure import UnusableInputError
from guardrails.values import Node
from guardrails.wire import plain

VERSIONS: Final = (3, 4)  # deployment schema versions this package was written for


def resources_of_state(whole: dict[str, Any]) -> list[Resource]:
    """The live resources of a state; those only waiting for deletion are left out."""
    if whole.get("version") not in VERSIONS:
        raise UnusableInputError(
            "the state is of another engine version",
            "its schema version is none of " + ", ".join(map(str, VERSIONS)),
            "Export it again with a current engine.",
        )
    deployment = whole.get("deployment")
    if isinstance(whole.get("checkpoint"), dict):
        deployment = whole["checkpoint"].get("latest") or {}
    if not isinstance(deployment, dict):
        raise _shape("it holds no deployment")
    # An empty stack has no list, or a null.
    listed = deployment.get("resources")
    listed = [] if listed is None else listed
    if not isinstance(listed, list):
        raise _shape("deployment.resources is not a list")
    resources = [
        _resource(entry, index) for index, entry in enumerate(listed) if not _is_deleted(entry)
    ]
    return _with_providers(resources, listed)


def _is_deleted(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("delete") is True


def _shape(why: str) -> UnusableInputError:
    return UnusableInputError(
        "the file is no exported state", why, "Run `pulumi stack export --file FILE`."
    )


def _resource(entry: Any, index: int) -> Resource:
    if not isinstance(entry, dict):
        raise _shape(f"resource {index} is no object")
    urn, token = entry.get("urn"), entry.get("type")
    if not (isinstance(urn, str) and urn and isinstance(token, str) and token):
        raise _shape(f"resource {index} has no URN or no type")
    inputs = plain(_object(entry, "inputs", index))
    outputs = plain(_object(entry, "outputs", index))
    declared = inputs if inputs.values or not entry.get("external") else outputs
    return Resource(
        value=declared.values,
        urn=urn,
        token=token,
        outputs=outputs.values | ({"id": entry["id"]} if isinstance(entry.get("id"), str) else {}),
        secrets=frozenset(declared.secrets),
        parent=entry["parent"] if isinstance(entry.get("parent"), str) else "",
        dependencies=tuple(_urns(entry.get("dependencies"))),
        property_dependencies={
            str(key): tuple(_urns(value))
            for key, value in _object(entry, "propertyDependencies", index).items()
        },
        protect=bool(entry.get("protect")),
        ignore_changes=tuple(_urns(entry.get("ignoreChanges"))),
    )


def _object(entry: dict[str, Any], key: str, index: int) -> dict[str, Any]:
    value = entry.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _shape(f"{key} of resource {index} is no object")
    return value


def _urns(value: Any) -> list[str]:
    return [urn for urn in value if isinstance(urn, str)] if isinstance(value, list) else []


def _with_providers(resources: list[Resource], listed: list[Any]) -> list[Resource]:
    """Each resource with its provider's settings; a state names it as `<urn>::<id>`."""
    by_urn = {resource.urn: resource for resource in resources}
    named = {entry["urn"]: entry.get("provider") for entry in listed if not _is_deleted(entry)}
    result = []
    for resource in resources:
        reference = named.get(resource.urn)
        urn = reference.rpartition("::")[0] if isinstance(reference, str) else ""
        provider = by_urn.get(urn)
        result.append(
            replace(resource, provider=Node(provider.value), provider_type=provider.token)
            if provider
            else resource
        )
    return result
