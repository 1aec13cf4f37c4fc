"""A preview's event stream as resources.

Events carry the inputs of every resource, but not which output of another resource they came from:
links that are unknown by value stay unknown.
"""

from __future__ import annotations

from typing import Any, Final

from guardrails.graph import Resource
from guardrails.sources.failure import UnusableInputError
from guardrails.values import Node
from guardrails.wire import plain

ENDS: Final = {"summaryEvent", "cancelEvent"}
REMOVED: Final = ("delete", "delete-replaced", "discard", "discard-replaced", "read-discard")


def resources_of_events(events: list[Any]) -> list[Resource]:
    """The resources a preview would leave behind. Raises `UnusableInputError` if it shows none."""
    if not all(isinstance(event, dict) for event in events):
        raise _no_events("a line holds no event object")
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        step = event.get("resourcePreEvent") or event.get("resOutputsEvent") or {}
        metadata = step.get("metadata") if isinstance(step, dict) else None
        if not isinstance(metadata, dict) or not isinstance(metadata.get("urn"), str):
            continue
        new = metadata.get("new")
        if metadata.get("op") not in REMOVED and isinstance(new, dict):
            found[metadata["urn"]] = new
    if not found:
        keys = {key for event in events for key in event}
        digest = "steps" in keys
        raise _no_events(
            "it is the digest of `pulumi preview --json`, which lists no policy events"
            if digest
            else "no event in it describes a resource"
        )
    if not any(event.keys() & ENDS for event in events):
        raise UnusableInputError(
            "the event stream is truncated",
            "no event in it says that the preview ended",
            "Record the preview again from its start to its end.",
        )
    return [_resource(urn, new, found) for urn, new in found.items()]


def _no_events(why: str) -> UnusableInputError:
    return UnusableInputError(
        "the file is neither an exported state nor a preview event stream",
        why,
        "Record one with `PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json`, "
        "or run `pulumi stack export --file FILE`.",
    )


def _resource(urn: str, new: dict[str, Any], found: dict[str, dict[str, Any]]) -> Resource:
    inputs = plain(new["inputs"] if isinstance(new.get("inputs"), dict) else {})
    outputs = plain(new["outputs"] if isinstance(new.get("outputs"), dict) else {})
    reference = new.get("provider")
    provider = found.get(reference.rpartition("::")[0]) if isinstance(reference, str) else None
    settings = provider.get("inputs") if provider else None
    return Resource(
        value=inputs.values or outputs.values,
        urn=urn,
        token=str(new.get("type", "")),
        outputs=outputs.values,
        secrets=frozenset(inputs.secrets),
        provider=Node(plain(settings).values) if isinstance(settings, dict) else None,
        provider_type=str(provider.get("type", "")) if provider else "",
        parent=str(new.get("parent") or ""),
        protect=bool(new.get("protect")),
    )
