"""CloudTrail: complete, protected, watched (CT-02 to CT-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.federation import is_for_proven_people
from guardrails.controls.identity import JUDGED, granted
from guardrails.controls.log_storage import access_is_logged, audit_logs_are_locked
from guardrails.controls.storage import blocks_public_access, bucket_policies, keeps_versions
from guardrails.documents import Statement, statements
from guardrails.values import MISSING, Node, flag, is_set, items, read, strings, text
from guardrails.verdicts import Finding, Verdict, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

BUCKET: Final = "s3BucketName"
GROUP: Final = "cloudWatchLogsGroupArn"
BASIC: Final = "eventSelectors"
ADVANCED: Final = "advancedEventSelectors"
# Calls after which something is no longer recorded, or its record is gone.
TAMPERING: Final = (
    "cloudtrail:deletetrail", "cloudtrail:stoplogging", "cloudtrail:updatetrail",
    "cloudtrail:puteventselectors", "ec2:deleteflowlogs", "logs:deleteloggroup",
    "logs:deletelogstream", "logs:deleteretentionpolicy",
)  # fmt: skip


@judges("CT-02", types.TRAIL)
def covers_every_region(trail: Resource, _: Options) -> Iterator[Finding]:
    """What happens in a region nobody uses is recorded as well."""
    if not flag(trail, "isMultiRegionTrail"):
        yield failed("isMultiRegionTrail", "one region only")
    if flag(trail, "includeGlobalServiceEvents") is False:
        yield failed("includeGlobalServiceEvents", "global services such as IAM are left out")
    yield passed("isMultiRegionTrail")


@judges("CT-03", types.TRAIL)
def files_are_validated(trail: Resource, _: Options) -> Finding:
    """A changed or missing log file is noticed."""
    path = "enableLogFileValidation"
    return passed(path) if flag(trail, path) else failed(path, "log files are not validated")


@judges("CT-04", types.TRAIL)
def encrypted_with_own_key(trail: Resource, _: Options) -> Finding:
    """Reading the trail takes a permission on a key of one's own."""
    path = "kmsKeyId"
    if not names_customer_key(trail, path):
        return failed(path, "no key of one's own is named")
    return passed(path)


@judges_in_stack("CT-05", types.TRAIL)
def reaches_a_log_group(trail: Resource, graph: Graph, _: Options) -> Finding:
    """Events arrive where alarms can look at them."""
    if not is_set(trail, GROUP):
        return failed(GROUP, "no log group is named")
    if not is_set(trail, "cloudWatchLogsRoleArn"):
        return failed("cloudWatchLogsRoleArn", "no role lets the trail write")
    if not graph.targets(trail, GROUP, types.LOG_GROUP):
        return failed(GROUP, "the log group is not in this stack")
    return passed(GROUP)


@judges("CT-06", types.TRAIL)
def records_management_events(trail: Resource, _: Options) -> Finding:
    """Reads and writes of every service; without selectors AWS records just that."""
    advanced, basic = items(trail, ADVANCED), items(trail, BASIC)
    if advanced:
        whole = any(_selects_all_management(selector) for selector in advanced)
        return passed(ADVANCED) if whole else failed(ADVANCED, "management events are left out")
    if basic and not any(_includes_all_management(selector) for selector in basic):
        return failed(BASIC, "management events are left out")
    return passed(BASIC)


def _selects_all_management(selector: Node) -> bool:
    fields = items(selector, "fieldSelectors")
    named = {text(field, "field") for field in fields}
    category = [f for f in fields if text(f, "field") == "eventCategory"]
    return named == {"eventCategory"} and "Management" in strings(category[0], "equals")


def _includes_all_management(selector: Node) -> bool:
    return (
        flag(selector, "includeManagementEvents") is not False
        and (text(selector, "readWriteType") or "All") == "All"
        and not strings(selector, "excludeManagementEventSources")
    )


@judges_in_stack("CT-08", types.TRAIL)
def bucket_is_guarded(trail: Resource, graph: Graph, options: Options) -> Iterator[Finding]:
    """The record lies where nobody reads, changes or adds to it unseen."""
    buckets = graph.targets(trail, BUCKET, types.BUCKET)
    if not buckets:
        yield failed(BUCKET, "the bucket is not in this stack")
        return
    for check in (
        blocks_public_access, keeps_versions, access_is_logged, audit_logs_are_locked,
    ):  # fmt: skip
        found = check(buckets[0], graph, options)
        if found.verdict is Verdict.FAIL:
            yield failed(f"{BUCKET}.{found.path}", found.found)
    writers = [
        statement
        for policy in bucket_policies(buckets[0], graph)
        for statement in statements(policy, "policy")
        if statement.allows and ("service", "cloudtrail.amazonaws.com") in statement.principals
    ]
    if not writers or not all(s.is_bound_to("aws:SourceArn") for s in writers):
        yield failed(f"{BUCKET}.policy", "the policy is not bound to the trail's ARN")
    yield passed(BUCKET)


@judges_in_stack("CT-09", *JUDGED)
def nobody_stops_recording(identity: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """No identity of the stack can switch off or delete what records its own acts.

    Somebody has to set up and change a trail: a person who has proven it twice, in a role for that.
    """
    holders = _holders(identity, graph)
    if holders and all(is_for_proven_people(role) for role in holders):
        yield out_of_scope("only people with a second factor hold it", "assumeRolePolicy")
        return
    denied = [s for s in _denials(identity, graph) if "*" in s.resources and not s.conditions]
    for statement in granted(identity):
        for action in TAMPERING:
            if statement.allows_action(action) and not any(d.names_action(action) for d in denied):
                yield failed(f"{statement.path}.Action", "a record of activity may be stopped")
    yield passed("policy")


def _holders(identity: Resource, graph: Graph) -> list[Resource]:
    """The roles of this stack that a policy gives something to, or limits as their boundary."""
    if identity.type == types.ROLE:
        return [identity]
    if identity.type == types.ROLE_POLICY:
        return graph.targets(identity, "role", types.ROLE)
    links = graph.sources(identity, types.ROLE_ATTACHMENT, "policyArn")
    attached = [role for link in links for role in graph.targets(link, "role", types.ROLE)]
    return [*attached, *graph.sources(identity, types.ROLE, "permissionsBoundary")]


def _denials(identity: Resource, graph: Graph) -> list[Statement]:
    """Deny statements of the same document, and of the other policies of the same role."""
    documents: list[Node] = [identity, *items(identity, "inlinePolicies")]
    for role in graph.targets(identity, "role", types.ROLE):
        documents += graph.sources(role, types.ROLE_POLICY, "role")
    found = [d for d in documents if read(d, "policy") is not MISSING]
    return [s for document in found for s in statements(document, "policy") if not s.allows]
