"""The stack as a graph: resources, and joins that work before anything has an identifier."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from guardrails.values import (
    MISSING,
    Known,
    Node,
    UndecidedError,
    Unknown,
    leaves,
    read,
    unknown_kind,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

STACK: Final = "pulumi:pulumi:Stack"

# Outputs by which other resources refer to one, in the AWS provider's spelling.
IDENTITIES: Final = (
    "id", "arn", "name", "bucket", "keyId", "url", "groupName", "invokeArn", "aliasArn",
    "arnSuffix", "dnsName", "bucketDomainName", "bucketRegionalDomainName", "defaultRouteTableId",
)  # fmt: skip


@lru_cache(maxsize=8192)
def canonical_type(token: str) -> str:
    """One spelling per kind of resource: `alb` is `lb`, `BucketV2` is `Bucket`.

    Some AWS resources have several Pulumi tokens. A control that knew only one of them would be
    blind to the other.
    """
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    if package != "aws":
        return token
    namespace, _, member = module.partition("/")
    namespace = {"alb": "lb", "elasticloadbalancingv2": "lb"}.get(namespace, namespace)
    if namespace == "s3" and name.endswith("V2"):
        name, member = name.removesuffix("V2"), member.removesuffix("V2")
    return f"aws:{namespace}/{member}:{name}"


@dataclass(frozen=True)
class Resource(Node):
    """One resource as declared.

    `value` holds its checked inputs (its outputs when it is only read, not managed); `outputs` what
    the engine knows of it afterwards. `secrets` are the paths that the program marked secret.
    """

    urn: str = ""
    token: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    provider: Node | None = None
    provider_type: str = ""
    parent: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The canonical type token."""
        return canonical_type(self.token)

    @property
    def name(self) -> str:
        """The logical name, the last part of the URN."""
        return self.urn.rpartition("::")[2]

    @cached_property
    def identities(self) -> frozenset[str]:
        """Every identifier that is already known: ids, ARNs and names others may refer to."""
        found = (source.get(key) for source in (self.value, self.outputs) for key in IDENTITIES)
        known = (value for value in found if isinstance(value, str) and not unknown_kind(value))
        return frozenset(value for value in known if value)


def stack_of(urn: str) -> str:
    """The stack name inside a URN: `urn:pulumi:<stack>::<project>::<type>::<name>`."""
    return urn.split("::", 1)[0].rpartition(":")[2]


class Graph:
    """All resources of one stack, indexed by type, with joins along the dependency graph.

    `has_dependencies` is False for sources that carry no dependency information (a preview event
    stream): an absent link then proves nothing, and joins that find none are undecided.
    """

    def __init__(self, resources: Iterable[Resource], *, has_dependencies: bool = True) -> None:
        self.resources = tuple(resources)
        self.has_dependencies = has_dependencies
        self.by_urn = {resource.urn: resource for resource in self.resources}
        self._by_type: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.resources:
            self._by_type[resource.type].append(resource)
        self._names: dict[str, dict[str, list[int]]] = {}
        # (type of the source, property, type of the target) -> who points where, and who might
        self._sources: dict[tuple[str, str, str], dict[str, list[Resource]]] = {}
        self._floating: dict[tuple[str, str, str], list[Resource]] = {}

    def of(self, *types: str) -> list[Resource]:
        """The resources of these canonical types, in registration order; "*" means all."""
        if types == ("*",):
            return list(self.resources)
        return [resource for kind in types for resource in self._by_type.get(kind, ())]

    def stack(self) -> Resource | None:
        """The root resource, or None when the source lists none."""
        return next(iter(self.of(STACK)), None)

    def targets(self, resource: Resource, prop: str, *types: str) -> list[Resource]:
        """Resources of `types` that the top-level property `prop` refers to.

        First the dependency graph, then identifiers that are known on both sides. An empty list
        means that nothing in this stack is meant. Raises `UndecidedError` when that is not certain.
        """
        linked = self._linked(resource, prop, types)
        if linked:
            return linked
        wanted, gap = _identifiers(resource, prop)
        matches = self._identified(wanted, types, resource)
        if not matches and gap is not None and self._may_be_linked(resource, prop):
            raise UndecidedError(gap.path, gap.kind)
        return matches

    def sources(self, resource: Resource, kind: str, prop: str) -> list[Resource]:
        """Resources of type `kind` whose property `prop` refers to `resource`.

        Raises `UndecidedError` when there is none, but one whose reference is unknown.
        """
        key = (kind, prop, resource.type)
        if key not in self._sources:
            self._index(*key)
        found = self._sources[key].get(resource.urn, [])
        if not found and self._floating[key]:
            raise UndecidedError(prop, "string")
        return found

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """Parent, grandparent and so on; ends at the stack or at a cycle in a broken file."""
        seen = {resource.urn}
        while resource.parent and resource.parent not in seen:
            seen.add(resource.parent)
            parent = self.by_urn.get(resource.parent)
            if parent is None:
                return
            yield parent
            resource = parent

    def _linked(self, resource: Resource, prop: str, types: tuple[str, ...]) -> list[Resource]:
        urns = resource.property_dependencies.get(prop, ())
        found = [self.by_urn[urn] for urn in urns if urn in self.by_urn]
        return [target for target in found if target.type in types]

    def _identified(
        self, wanted: frozenset[str], types: tuple[str, ...], but: Resource
    ) -> list[Resource]:
        """Resources of `types` with one of these identifiers, in the order of `of`."""
        found: list[Resource] = []
        for kind in types:
            index = self._names_of(kind)
            hits = {hit for name in wanted & index.keys() for hit in index[name]}
            found += [self._by_type[kind][position] for position in sorted(hits)]
        return [resource for resource in found if resource.urn != but.urn]

    def _names_of(self, kind: str) -> dict[str, list[int]]:
        """Identifier to positions among the resources of one type."""
        if kind not in self._names:
            index: dict[str, list[int]] = defaultdict(list)
            for position, resource in enumerate(self._by_type.get(kind, ())):
                for name in resource.identities:
                    index[name].append(position)
            self._names[kind] = index
        return self._names[kind]

    def _may_be_linked(self, resource: Resource, prop: str) -> bool:
        """Whether an unknown reference could mean a resource of the stack we cannot see."""
        return not self.has_dependencies or prop not in resource.property_dependencies

    def _index(self, kind: str, prop: str, target: str) -> None:
        by_target: dict[str, list[Resource]] = defaultdict(list)
        floating = []
        for source in self.of(kind):
            try:
                for hit in self.targets(source, prop, target):
                    by_target[hit.urn].append(source)
            except UndecidedError:
                floating.append(source)
        self._sources[kind, prop, target] = by_target
        self._floating[kind, prop, target] = floating


def _identifiers(resource: Resource, prop: str) -> tuple[frozenset[str], Unknown | None]:
    """Known strings at and below `prop`, and the first unknown one."""
    match read(resource, prop):
        case Known(value):
            found = list(leaves(Node(value, prop)))
        case Unknown() as gap:
            return frozenset(), gap
        case _:
            return frozenset(), None
    known: set[str] = set()
    first: Unknown | None = None
    for leaf in found:
        match read(leaf, ()):
            case Unknown() as unknown:
                first = first or unknown
            case Known(str() as identifier):
                # CloudTrail and IAM name a log group by its ARN and ":*", which means its streams.
                known.add(identifier.removesuffix(":*"))
            case _:
                pass
    return frozenset(known), first


def output(resource: Resource, key: str) -> str | None:
    """An output such as the ARN, if the engine already knows it as a string."""
    match read(Node(resource.outputs), key):
        case Known(str() as value):
            return value
        case _:
            return None


__all__ = ["MISSING", "STACK", "Graph", "Resource", "canonical_type", "output", "stack_of"]
