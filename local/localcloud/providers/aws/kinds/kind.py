"""One really created type: four functions over the embedded AWS.

`create` makes the resource with one call and returns its identifier. `apply` brings everything else
to the inputs and can be repeated, so the same function finishes a half-made resource and updates
one. `read` returns the live properties by wire name, or tells that the resource is gone by None or
by the service's own "not found". `delete` removes it; one that is gone already is no error.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from localcloud.providers.aws.config import ProviderConfig

GONE = re.compile(
    r"NotFound|NoSuch|NonExistent|DoesNotExist|^404$|ResourceNotFoundException|InvalidKeyId"
)


@dataclass(frozen=True)
class Operation:
    """What one call works on. `inputs` are the wanted properties, in their declared types.

    `olds` are the outputs of the last deployment, empty on creation. `client` gives the boto3
    client of a service.
    """

    token: str
    name: str
    inputs: Mapping[str, Any]
    config: ProviderConfig
    client: Callable[[str], Any]
    id: str = ""
    olds: Mapping[str, Any] = field(default_factory=dict)

    def known_as(self, identity: str) -> "Operation":
        """The same operation on the resource that now has an identifier."""
        return replace(self, id=identity)

    @property
    def tags(self) -> dict[str, str]:
        """All tags the resource should carry, default tags included."""
        return dict(self.inputs.get("tagsAll") or {})

    def changed(self, *names: str) -> bool:
        """Whether any of these properties differs from the last deployment."""
        return any(self.inputs.get(name) != self.olds.get(name) for name in names)


def present(**values: Any) -> dict[str, Any]:
    """The arguments that have a value: boto3 takes no None, AWS no empty text."""
    return {key: value for key, value in values.items() if value not in (None, "")}


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as the list of pairs most services want."""
    return [{key: k, value: v} for k, v in tags.items()]


def unpaired(
    tags: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value"
) -> dict[str, str]:
    """Tags out of a list of pairs."""
    return {tag[key]: tag[value] for tag in tags}


def settle_tags(
    live: Mapping[str, str],
    wanted: Mapping[str, str],
    put: Callable[[dict[str, str]], Any],
    remove: Callable[[list[str]], Any],
) -> None:
    """Bring live tags to the wanted ones with as few calls as needed."""
    if surplus := sorted(live.keys() - wanted.keys()):
        remove(surplus)
    if changed := {k: v for k, v in wanted.items() if live.get(k) != v}:
        put(changed)


def nothing(_: Operation) -> None:
    """For a type that is complete once created and replaced on any change."""


@dataclass(frozen=True)
class Kind:
    """How to make, complete, read and remove resources of one type."""

    create: Callable[[Operation], str]
    read: Callable[[Operation], Mapping[str, Any] | None]
    delete: Callable[[Operation], None]
    apply: Callable[[Operation], None] = nothing


def is_gone(error: ClientError) -> bool:
    """Whether a service says that the resource does not exist: each has its own code for it."""
    return GONE.search(error.response.get("Error", {}).get("Code", "")) is not None


def read(kind: Kind, operation: Operation) -> Mapping[str, Any] | None:
    """Live properties, or None when the resource is gone."""
    try:
        return kind.read(operation)
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def delete(kind: Kind, operation: Operation) -> None:
    """Remove the resource; one that is gone already is fine."""
    try:
        kind.delete(operation)
    except ClientError as error:
        if not is_gone(error):
            raise
