"""KMS keys (KMS-01 to KMS-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.tagging import tag
from guardrails.documents import Statement, statements
from guardrails.values import MISSING, flag, is_set, number, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

ADMINISTRATION: Final = ("kms:putkeypolicy", "kms:schedulekeydeletion", "kms:disablekey")
USE: Final = ("kms:decrypt", "kms:generatedatakey", "kms:encrypt")
LOCKOUT: Final = "bypassPolicyLockoutSafetyCheck"
DEFAULT_WINDOW_DAYS: Final = 30  # what AWS takes when none is given
APPROVED_SPECS: Final = (
    "SYMMETRIC_DEFAULT", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521",
    "HMAC_256", "HMAC_384", "HMAC_512",
)  # fmt: skip


def _spec(key: Resource) -> str:
    return text(key, "customerMasterKeySpec") or "SYMMETRIC_DEFAULT"


def rotates(key: Resource) -> bool:
    """Whether AWS replaces the key material by itself."""
    return bool(flag(key, "enableKeyRotation"))


@judges("KMS-01", types.KEY)
def rotation_is_on(key: Resource, _: Options) -> Finding:
    """Key material is replaced at the end of its cryptoperiod."""
    path = "enableKeyRotation"
    if flag(key, "isEnabled") is False:
        return failed("isEnabled", "the key is disabled")
    if _spec(key) != "SYMMETRIC_DEFAULT":
        return out_of_scope("AWS rotates symmetric keys only", "customerMasterKeySpec")
    return passed(path) if rotates(key) else failed(path, "automatic rotation is off")


@judges("KMS-02", types.KEY, types.KEY_POLICY)
def no_wildcard_principal(resource: Resource, _: Options) -> Iterator[Finding]:
    """A key policy names who may use the key."""
    for statement in statements(resource, "policy"):
        if statement.allows and statement.any_principal and not statement.is_narrowed:
            yield failed(f"{statement.path}.Principal", "anyone may use the key")
    if resource.type == types.KEY_POLICY:
        yield passed("policy")


@judges_in_stack("KMS-02", types.KEY)
def policy_is_explicit(key: Resource, graph: Graph, _: Options) -> Finding:
    """The default policy gives the whole account the key; an explicit one decides."""
    if read(key, "policy") is MISSING and not graph.sources(key, types.KEY_POLICY, "keyId"):
        return failed("policy", "no policy is given, so the default one applies")
    statements(key, "policy")  # an unknown document is UNKNOWN, not a pass
    return passed("policy")


@judges("KMS-03", types.KEY, types.KEY_POLICY)
def deletion_can_be_stopped(key: Resource, options: Options) -> Iterator[Finding]:
    """Deleting a key destroys data; there is time to notice it."""
    path = "deletionWindowInDays"
    if flag(key, LOCKOUT):
        yield failed(LOCKOUT, "the lock-out safety check is bypassed")
    if key.type == types.KEY_POLICY:
        yield passed(LOCKOUT)
        return
    environment = tag(key, options.text("environmentTag"))
    strict = environment is None or environment in options.strings("environments")
    wanted = options.number("productionDays" if strict else "days")
    if (number(key, path) or DEFAULT_WINDOW_DAYS) < wanted:
        yield failed(path, "the waiting time before deletion is too short")
    yield passed(path)


@judges("KMS-04", types.KEY, types.KEY_POLICY)
def administrators_do_not_use(resource: Resource, _: Options) -> Iterator[Finding]:
    """Who manages a key cannot read what it protects."""
    found = statements(resource, "policy")
    administrators = set().union(*(_principals(s, ADMINISTRATION) for s in found))
    for statement in found:
        if administrators & _principals(statement, USE):
            yield failed(statement.path, "an administrator of the key may use it as well")
    if resource.type == types.KEY_POLICY:
        yield passed("policy")


def _principals(statement: Statement, actions: tuple[str, ...]) -> set[tuple[str, str]]:
    """Who may take any of `actions` freely.

    Use that is bound to a service or to an encryption context does not count: with it alone nobody
    decrypts at will.
    """
    if not any(statement.allows_action(action) for action in actions):
        return set()
    bound = ("kms:viaservice", "kms:encryptioncontext")
    if any(condition.key.startswith(bound) for condition in statement.conditions):
        return set()
    caller = statement.condition("aws:principalarn")
    if caller is not None and caller.names_callers:
        # The account is named, but only these roles of it are meant.
        return {("aws", arn) for arn in caller.values}
    return {(kind, name) for kind, name in statement.principals if kind in ("aws", "*")}


@judges_in_stack("KMS-04", types.KEY)
def not_shared_between_classes(key: Resource, graph: Graph, options: Options) -> Finding:
    """Logs and the data they speak of are not opened by the same key."""
    name = options.text("dataClassTag")
    users = [
        *graph.sources(key, types.TABLE, "serverSideEncryption"),
        *graph.sources(key, types.SECRET, "kmsKeyId"),
        *graph.sources(key, types.LOG_GROUP, "kmsKeyId"),
    ]
    kinds = {"log" if user.type == types.LOG_GROUP else "data" for user in users}
    classes = {tag(u, name) for u in users if u.type != types.LOG_GROUP} - {None}
    if len(kinds) > 1:
        return failed("keyUsers", "one key protects logs and data")
    if len(classes) > 1:
        return failed("keyUsers", "one key protects several data classes")
    statements(key, "policy")
    return passed("policy")


@judges("KMS-05", types.KEY)
def approved_kind(key: Resource, _: Options) -> Finding:
    """Key length and origin are those the cryptography standard allows."""
    if _spec(key) not in APPROVED_SPECS:
        return failed("customerMasterKeySpec", "the key spec is not approved")
    if is_set(key, "customKeyStoreId"):
        return failed("customKeyStoreId", "the key material does not come from KMS itself")
    return passed("customerMasterKeySpec")
