"""The program as a whole: providers, options and coverage (ACC-08 to ACC-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.coverage import is_mapped
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.tagging import tag
from guardrails.graph import STACK
from guardrails.values import text, value_at
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

# Losing one of these loses data, or the means to read it.
STATEFUL: Final = (types.TABLE, types.KEY)
# Properties that controls of this catalogue read; a change to them must not be ignored.
SECURITY_PROPERTIES: Final = {
    types.BUCKET_POLICY: ("policy",),
    types.BUCKET_PUBLIC_ACCESS: ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls",
                                 "restrictPublicBuckets"),
    types.DEFAULT_SECURITY_GROUP: ("ingress", "egress"),
    types.KEY: ("policy", "enableKeyRotation", "isEnabled"),
    types.LISTENER: ("protocol", "sslPolicy", "certificateArn"),
    types.LOG_GROUP: ("kmsKeyId", "retentionInDays"),
    types.ROLE: ("assumeRolePolicy", "inlinePolicies", "managedPolicyArns", "permissionsBoundary"),
    types.ROLE_POLICY: ("policy",),
    types.SECRET: ("kmsKeyId", "policy"),
    types.SECURITY_GROUP: ("ingress", "egress"),
    types.SERVICE: ("networkConfiguration",),
    types.TABLE: ("serverSideEncryption", "pointInTimeRecovery", "deletionProtectionEnabled"),
    types.TASK_DEFINITION: ("containerDefinitions", "taskRoleArn", "executionRoleArn"),
}  # fmt: skip


@judges("ACC-08", types.PROVIDER)
def provider_is_pinned(provider: Resource, options: Options) -> Iterator[Finding]:
    """A wrong set of credentials cannot deploy into the wrong account or region."""
    # Provider settings arrive as JSON text, so an empty list is two brackets.
    if value_at(provider, "allowedAccountIds") in (None, [], "[]"):
        yield failed("allowedAccountIds", "any account is accepted")
    region, allowed = text(provider, "region"), options.strings("regions")
    if not region:
        yield failed("region", "the region is left to the environment")
    elif allowed and region not in allowed:
        yield failed("region", "the region is not on the list")
    if value_at(provider, "defaultTags") in (None, {}, "{}"):
        yield failed("defaultTags", "resources get no default tags")
    yield passed("allowedAccountIds")


@judges("ACC-09", *dict.fromkeys((*STATEFUL, *SECURITY_PROPERTIES)))
def options_keep_it_safe(resource: Resource, options: Options) -> Iterator[Finding]:
    """Drift of a security property is seen, and what holds data is not deleted by mistake."""
    watched = SECURITY_PROPERTIES.get(resource.type, ())
    for ignored in resource.ignore_changes:
        top = ignored.partition(".")[0].partition("[")[0]
        if top in watched or top == "*":
            yield failed("options.ignoreChanges", "changes of a security property are ignored")
    if resource.type in STATEFUL and not resource.protect:
        environment = tag(resource, options.text("environmentTag"))
        if environment is None or environment in options.strings("environments"):
            yield failed("options.protect", "the resource is not protected from deletion")
    yield passed("options")


@judges_in_stack("ACC-10", STACK)
def every_type_is_known(_: Resource, graph: Graph, options: Options) -> Finding:
    """No AWS resource escapes because nobody thought of its type."""
    accepted = options.strings("types")
    unmapped = sorted(
        {r.token for r in graph.resources if not is_mapped(r.type) and r.token not in accepted}
    )
    if unmapped:
        shown = ", ".join(unmapped[:5]) + (f" and {len(unmapped) - 5} more" if unmapped[5:] else "")
        return failed("(types)", f"no control has been considered for {shown}")
    if not any(r.type.startswith("aws:") for r in graph.resources):
        return out_of_scope("no AWS resource in this stack", "(types)")
    return passed("(types)")
