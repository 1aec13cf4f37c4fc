"""S3 buckets with their split resources (S3-01, S3-03, S3-04, S3-06 to S3-08)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.resource_policies import open_to
from guardrails.documents import Statement, statements
from guardrails.values import MISSING, Known, Node, block, flag, items, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

FLAGS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
PUBLIC_ACLS: Final = ("public-read", "public-read-write", "authenticated-read", "website")
# Predefined groups of grantees: everyone, and everyone who has any account at all.
PUBLIC_GROUPS: Final = ("/AllUsers", "/AuthenticatedUsers")
TLS_MINIMUM: Final = 1.2
NOT_TRUE: Final = ("bool", "boolifexists", "stringequals", "stringequalsignorecase")
BELOW: Final = ("numericlessthan", "numericlessthanifexists")


@judges_in_stack("S3-01", types.BUCKET)
def blocks_public_access(bucket: Resource, graph: Graph, _: Options) -> Finding:
    """No ACL or policy can make the bucket public by mistake."""
    blocks = graph.sources(bucket, types.BUCKET_PUBLIC_ACCESS, "bucket")
    if not blocks:
        return failed("publicAccessBlock", "no public access block refers to this bucket")
    for name in FLAGS:
        if not all(flag(one, name) for one in blocks):
            return failed(f"publicAccessBlock.{name}", "the flag is not on")
    return passed("publicAccessBlock")


@judges_in_stack("S3-03", types.BUCKET)
def encrypted_with_own_key(bucket: Resource, graph: Graph, _: Options) -> Finding:
    """Objects are encrypted with a customer key, unless AWS cannot write with one."""
    path = "serverSideEncryption"
    rules = list(encryption_rules(bucket, graph))
    if not rules:
        return failed(path, "no default encryption is configured")
    for rule in rules:
        inner = block(rule, "applyServerSideEncryptionByDefault")
        algorithm = text(inner, "sseAlgorithm") if inner else None
        if algorithm == "AES256" and is_log_target(bucket, graph):
            return passed(path, "a log target: its writers accept S3's own keys only")
        if algorithm not in ("aws:kms", "aws:kms:dsse"):
            return failed(f"{path}.sseAlgorithm", "not encrypted with KMS")
        if inner is None or not names_customer_key(inner, "kmsMasterKeyId"):
            return failed(f"{path}.kmsMasterKeyId", "AWS's own key is used")
    return passed(path)


def encryption_rules(bucket: Resource, graph: Graph) -> Iterator[Node]:
    """The split setting; the inline one of older programs when there is no split one."""
    split = graph.sources(bucket, types.BUCKET_ENCRYPTION, "bucket")
    for setting in split:
        yield from items(setting, "rules")
    if not split:
        for key in ("serverSideEncryptionConfiguration", "serverSideEncryptionConfigurations"):
            for inline in items(bucket, key):
                yield from items(inline, "rule")
                yield from items(inline, "rules")


def is_log_target(bucket: Resource, graph: Graph) -> bool:
    """Whether load balancers or other buckets write their access logs here."""
    writers = (
        (types.LOAD_BALANCER, "accessLogs"),
        (types.LOAD_BALANCER, "connectionLogs"),
        (types.BUCKET_LOGGING, "targetBucket"),
        (types.BUCKET, "logging"),
        (types.BUCKET, "loggings"),
    )
    return any(graph.sources(bucket, kind, prop) for kind, prop in writers)


@judges_in_stack("S3-04", types.BUCKET)
def keeps_versions(bucket: Resource, graph: Graph, _: Options) -> Finding:
    """An overwritten or deleted object can be had back."""
    path = "versioning"
    split = graph.sources(bucket, types.BUCKET_VERSIONING, "bucket")
    if split:
        enabled = all(text(s, "versioningConfiguration.status") == "Enabled" for s in split)
    else:
        inline = ("versioning.enabled", "versionings.enabled")
        enabled = any(flag(bucket, place) for place in inline)
    return passed(path) if enabled else failed(path, "versioning is not enabled")


def bucket_policies(bucket: Resource, graph: Graph) -> list[Resource]:
    """The split policies, else the bucket's own when it has one."""
    split = graph.sources(bucket, types.BUCKET_POLICY, "bucket")
    return split or ([bucket] if read(bucket, "policy") is not MISSING else [])


@judges_in_stack("S3-06", types.BUCKET)
def refuses_plain_http(bucket: Resource, graph: Graph, _: Options) -> Finding:
    """The bucket policy denies requests without TLS, and with a version before 1.2."""
    path = "policy"
    policies = bucket_policies(bucket, graph)
    if not policies:
        return failed(path, "no bucket policy refers to this bucket")
    denied = [
        statement
        for policy in policies
        for statement in statements(policy, "policy")
        if _denies_everyone(statement) and _reaches_objects(statement, bucket)
    ]
    if not any(_tests(s, "aws:securetransport", NOT_TRUE, _is_false) for s in denied):
        return failed(path, "requests without TLS are not denied")
    if not any(_tests(s, "s3:tlsversion", BELOW, _is_minimum) for s in denied):
        return failed(path, "requests with a TLS version before 1.2 are not denied")
    return passed(path)


def _denies_everyone(statement: Statement) -> bool:
    covers = any(action in ("s3:*", "*") for action in statement.actions)
    return not statement.allows and statement.any_principal and covers


def _reaches_objects(statement: Statement, bucket: Resource) -> bool:
    """Whether the statement means the objects of this bucket, as far as its name is known."""
    match read(bucket, "bucket"):
        case Known(str() as name):
            key = f"{name}/object"
        case _:
            key = ""
    patterns = [resource.rpartition(":::")[2] for resource in statement.resources]
    return any(fnmatchcase(key, p) if key else p.endswith("*") for p in patterns)


def _tests(
    statement: Statement, key: str, operators: tuple[str, ...], test: Callable[[str], bool]
) -> bool:
    """Whether the statement's only condition is `key`, and each of its values passes `test`."""
    conditions = statement.conditions
    if len(conditions) != 1 or conditions[0].key != key:
        return False
    return conditions[0].operator in operators and all(test(v) for v in conditions[0].values)


def _is_false(value: str) -> bool:
    return value.lower() == "false"


def _is_minimum(value: str) -> bool:
    """Whether "less than `value`" leaves only TLS 1.2 and later."""
    try:
        return float(value.strip('"')) >= TLS_MINIMUM
    except ValueError:
        return False


@judges("S3-07", types.BUCKET, types.BUCKET_ACL)
def no_public_acl(resource: Resource, _: Options) -> Iterator[Finding]:
    """No ACL opens the bucket, be it a canned one or a list of grants."""
    if text(resource, "acl") in PUBLIC_ACLS:
        yield failed("acl", "a public ACL")
    for grant in (*items(resource, "grants"), *items(resource, "accessControlPolicy.grants")):
        for path in ("uri", "grantee.uri"):
            if (text(grant, path) or "").endswith(PUBLIC_GROUPS):
                yield failed(grant.at(path), "a grant to everyone")
    if resource.type == types.BUCKET_ACL:
        yield passed("acl")


@judges_in_stack("S3-07", types.BUCKET)
def acls_are_off(bucket: Resource, graph: Graph, _: Options) -> Finding:
    """With ownership enforced, ACLs do not count at all."""
    path = "ownershipControls.rule.objectOwnership"
    settings = graph.sources(bucket, types.BUCKET_OWNERSHIP, "bucket")
    if not settings:
        return failed(path, "no ownership controls refer to this bucket")
    for setting in settings:
        if text(setting, "rule.objectOwnership") != "BucketOwnerEnforced":
            return failed(path, "ACLs are still honoured")
    return passed(path)


@judges("S3-08", types.BUCKET_POLICY, types.BUCKET)
def policy_names_its_readers(resource: Resource, options: Options) -> Iterator[Finding]:
    """A bucket policy lets in named principals for named actions."""
    if read(resource, "policy") is MISSING:
        yield out_of_scope("the bucket carries no policy of its own", "policy")
        return
    if found := open_to(resource, "policy", options.strings("accounts")):
        yield failed(*found)
    for statement in statements(resource, "policy"):
        if statement.allows and any(a in ("s3:*", "*") for a in statement.actions):
            yield failed(f"{statement.path}.Action", "every action is allowed")
    yield passed("policy")
