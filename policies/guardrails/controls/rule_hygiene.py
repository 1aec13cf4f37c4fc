"""How security-group rules are written down: a reason each, in one place each (VPC-08, VPC-13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.security_groups import RULE_TYPES
from guardrails.values import Node, items, text
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

# What providers write when the program gives no description.
DEFAULTS: Final = ("", "Managed by Pulumi", "Managed by Terraform")
DIRECTIONS: Final = ("ingress", "egress")


@judges("VPC-08", types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP, *RULE_TYPES)
def says_why(resource: Resource, _: Options) -> Iterator[Finding]:
    """A group and each of its rules carry a reason that a reviewer can question."""
    # AWS describes the default group itself, and nobody can change that.
    if resource.type != types.DEFAULT_SECURITY_GROUP and not _is_described(resource):
        yield failed("description", "no description")
    if resource.type not in RULE_TYPES:
        for rule in (rule for side in DIRECTIONS for rule in items(resource, side)):
            if not _is_described(rule):
                yield failed(rule.at("description"), "a rule without description")
    yield passed("description")


def _is_described(place: Node) -> bool:
    return (text(place, "description") or "").strip() not in DEFAULTS


@judges_in_stack("VPC-13", types.SECURITY_GROUP, types.DEFAULT_SECURITY_GROUP)
def rules_are_in_one_place(group: Resource, graph: Graph, _: Options) -> Finding:
    """Inline rules and rule resources overwrite each other, and so do the two kinds of resource."""
    inline = [side for side in DIRECTIONS if items(group, side)]
    kinds = [kind for kind in RULE_TYPES if graph.sources(group, kind, "securityGroupId")]
    if inline and kinds:
        return failed(inline[0], "inline rules beside rule resources")
    if types.SECURITY_GROUP_RULE in kinds and len(kinds) > 1:
        return failed("securityGroupId", "two kinds of rule resources on one group")
    return passed("ingress")
