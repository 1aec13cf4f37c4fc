"""What a resource says about itself: owner, environment, class and scope (ACC-06, ACC-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.tagging import tag
from guardrails.graph import STACK
from guardrails.values import UndecidedError
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

# What stores, moves, computes or decides; all of these types accept tags.
TAGGED: Final = (
    types.VPC, types.SUBNET, types.SECURITY_GROUP, types.CLUSTER, types.SERVICE,
    types.TASK_DEFINITION, types.LOAD_BALANCER, types.TARGET_GROUP, types.CERTIFICATE,
    types.WEB_ACL, types.TABLE, types.BACKUP_VAULT, types.KEY, types.SECRET, types.PARAMETER,
    types.LOG_GROUP, types.METRIC_ALARM, types.TOPIC, types.QUEUE, types.DELIVERY_STREAM,
    types.BUCKET, types.TRAIL, types.ROLE, types.POLICY, types.REPOSITORY, types.FUNCTION,
    types.DISTRIBUTION, types.PIPELINE,
)  # fmt: skip


@judges("ACC-06", *TAGGED)
def says_what_it_is(resource: Resource, options: Options) -> Iterator[Finding]:
    """An inventory can be made, and other controls know what they judge."""
    for name in options.strings("tags"):
        if not (tag(resource, name) or "").strip():
            yield failed(f"tags.{name}", "the tag is missing or empty")
    yield passed("tags")


@judges_in_stack("ACC-07", STACK, types.VPC, types.KEY)
def environments_are_apart(resource: Resource, graph: Graph, options: Options) -> Finding:
    """Production and the rest share no stack, no network and no key."""
    members = graph.of(*TAGGED)
    if resource.type != STACK:
        members = [m for m in members if _refers_to(m, resource)]
    gap: UndecidedError | None = None
    kinds: set[bool] = set()
    for member in (resource, *members) if resource.type != STACK else members:
        try:
            environment = tag(member, options.text("environmentTag"))
        except UndecidedError as undecided:
            gap = gap or undecided
            continue
        if environment:
            kinds.add(environment in options.strings("environments"))
    if len(kinds) > 1:
        return failed("tags", "production and another environment are mixed")
    if gap is not None:
        raise gap
    if not kinds:
        return out_of_scope("nothing says which environment it belongs to", "tags")
    return passed("tags")


def _refers_to(member: Resource, resource: Resource) -> bool:
    return any(resource.urn in urns for urns in member.property_dependencies.values())
