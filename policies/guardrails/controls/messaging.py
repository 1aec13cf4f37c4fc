"""Topics and queues (ACC-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges
from guardrails.controls.resource_policies import open_to
from guardrails.values import flag, is_set
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Resource

KEY: Final = "kmsMasterKeyId"
STORES: Final = (types.TOPIC, types.QUEUE)


@judges("ACC-03", *STORES, types.TOPIC_POLICY, types.QUEUE_POLICY)
def messages_are_guarded(resource: Resource, options: Options) -> Iterator[Finding]:
    """Messages are encrypted where they wait, and read and written by those who may."""
    if resource.type in STORES and not is_set(resource, KEY):
        managed = resource.type == types.QUEUE and flag(resource, "sqsManagedSseEnabled")
        if not managed:
            yield failed(KEY, "messages are not encrypted")
    if found := open_to(resource, "policy", options.strings("accounts")):
        yield failed(*found)
    yield passed("policy" if resource.type not in STORES else KEY)
