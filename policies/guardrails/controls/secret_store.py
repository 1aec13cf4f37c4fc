"""Secrets Manager and literals that should live there (SEC-01 to SEC-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.credentials import known_format, promises_credential
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.schedules import longest_pause
from guardrails.documents import statements
from guardrails.values import (
    MISSING,
    Known,
    Unknown,
    block,
    flag,
    leaves,
    number,
    read,
    text,
)
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

# Properties whose whole purpose is to carry a secret value, by resource type.
SECRET_INPUTS: Final = {
    types.SECRET_VERSION: ("secretString", "secretBinary"),
    types.PARAMETER: ("value", "valueWo"),
    "aws:rds/instance:Instance": ("password",),
    "aws:rds/cluster:Cluster": ("masterPassword",),
    "aws:redshift/cluster:Cluster": ("masterPassword",),
    "aws:docdb/cluster:Cluster": ("masterPassword",),
    "aws:elasticache/replicationGroup:ReplicationGroup": ("authToken",),
    "aws:codebuild/sourceCredential:SourceCredential": ("token",),
}


@judges("SEC-01", types.SECRET)
def encrypted_with_own_key(secret: Resource, _: Options) -> Finding:
    """Reading a secret takes a permission on a key of one's own as well."""
    path = "kmsKeyId"
    if not names_customer_key(secret, path):
        return failed(path, "no key of one's own is named, so AWS's is used")
    return passed(path)


@judges_in_stack("SEC-02", types.SECRET)
def rotated(secret: Resource, graph: Graph, options: Options) -> Finding:
    """The value is replaced by itself, at least every quarter."""
    path = "rotationRules.automaticallyAfterDays"
    rotations = graph.sources(secret, types.SECRET_ROTATION, "secretId")
    if not rotations:
        return failed("rotation", "no rotation refers to this secret")
    for rotation in rotations:
        days = number(rotation, path)
        if days is None:
            days = longest_pause(text(rotation, "rotationRules.scheduleExpression") or "")
        if days is None or days > options.number("days"):
            return failed(path, "the rotation period is too long or not set")
    return passed(path)


@judges("SEC-03", types.SECRET, types.SECRET_POLICY)
def not_public(resource: Resource, _: Options) -> Iterator[Finding]:
    """No policy hands a secret to anyone."""
    for statement in statements(resource, "policy"):
        if statement.allows and statement.any_principal and not statement.is_narrowed:
            yield failed(f"{statement.path}.Principal", "any principal is allowed")
    if resource.type == types.SECRET_POLICY:
        if not flag(resource, "blockPublicPolicy"):
            yield failed("blockPublicPolicy", "AWS's own check for public access is off")
        yield passed("blockPublicPolicy")


@judges_in_stack("SEC-03", types.SECRET)
def has_guarded_policy(secret: Resource, graph: Graph, _: Options) -> Finding:
    """A secret has a policy that AWS checks for public access."""
    if read(secret, "policy") is not MISSING:
        statements(secret, "policy")
        return passed("policy")
    if graph.sources(secret, types.SECRET_POLICY, "secretArn"):
        return passed("secretPolicy")
    return out_of_scope("the secret has no resource policy, so only IAM lets anyone in", "policy")


@judges("SEC-04", *SECRET_INPUTS, types.FUNCTION)
def marked_secret(resource: Resource, _: Options) -> Iterator[Finding]:
    """The engine knows that the value is a secret, so that it encrypts it in the state."""
    if resource.type == types.PARAMETER and text(resource, "type") != "SecureString":
        yield out_of_scope("not a secure string", "type")
        return
    judged = False
    for path in _secret_paths(resource):
        judged = True
        where = ".".join(path)
        # An export that was not decrypted shows that the value was a secret, and nothing more.
        redacted = isinstance(gap := read(resource, path), Unknown) and gap.kind == "secret"
        if redacted or _is_marked(resource, where):
            continue
        yield failed(where, "a plain value, readable in the state file")
    yield passed("(secret inputs)") if judged else out_of_scope("no secret input is set")


def _is_marked(resource: Resource, path: str) -> bool:
    """Whether the value at `path`, or one that holds it, is a Pulumi secret."""
    return any(f"{path}.".startswith(f"{marked}.") for marked in resource.secrets)


def _secret_paths(resource: Resource) -> Iterator[tuple[str, ...]]:
    """The paths of `resource` that carry a secret by purpose or by name, as far as they are set."""
    for prop in SECRET_INPUTS.get(resource.type, ()):
        if read(resource, prop) is not MISSING:
            yield (prop,)
    if resource.type == types.FUNCTION:
        variables = block(resource, "environment.variables")
        for name in variables.value if variables else ():
            if promises_credential(name):
                yield ("environment", "variables", name)


@judges("SEC-05", "*")
def no_credential_literal(resource: Resource, _: Options) -> Iterator[Finding]:
    """No input of any resource holds text in the form of a known credential."""
    if not resource.value:
        return  # a component registers no inputs: nothing was judged
    for leaf in leaves(resource):
        if _is_marked(resource, leaf.path):
            continue  # kept encrypted; SEC-04 and the stores judge where it goes
        match read(leaf, ()):
            case Known(str() as value):
                if found := known_format(value):
                    yield failed(leaf.path, f"a literal that has the form of {found}")
            case _:
                pass
    yield passed("")
