"""DynamoDB tables (DDB-01 to DDB-03, DDB-06)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.keys import rotates
from guardrails.controls.resource_policies import open_to
from guardrails.controls.tagging import tag
from guardrails.values import MISSING, flag, is_set, items, read
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

RECOVERY: Final = "pointInTimeRecovery.enabled"
ENCRYPTION: Final = "serverSideEncryption"


@judges("DDB-01", types.TABLE)
def restorable(table: Resource, _: Options) -> Iterator[Finding]:
    """A bad write can be undone, in every region that holds the table."""
    if not flag(table, RECOVERY):
        yield failed(RECOVERY, "point-in-time recovery is off")
    for replica in items(table, "replicas"):
        if not flag(replica, "pointInTimeRecovery"):
            yield failed(replica.at("pointInTimeRecovery"), "a replica cannot be restored")
    yield passed(RECOVERY)


@judges("DDB-02", types.TABLE)
def encrypted_with_own_key(table: Resource, _: Options) -> Iterator[Finding]:
    """Who may read the table is decided by a key policy of its owner."""
    if not flag(table, f"{ENCRYPTION}.enabled"):
        yield failed(f"{ENCRYPTION}.enabled", "encryption with a key of one's own is off")
    elif not is_set(table, f"{ENCRYPTION}.kmsKeyArn"):
        yield failed(f"{ENCRYPTION}.kmsKeyArn", "no key is named, so AWS's own is used")
    for replica in items(table, "replicas"):
        if not is_set(replica, "kmsKeyArn"):
            yield failed(replica.at("kmsKeyArn"), "a replica uses AWS's own key")


@judges_in_stack("DDB-02", types.TABLE)
def key_is_managed_here(table: Resource, graph: Graph, _: Options) -> Finding:
    """The key is one of this stack, and it rotates."""
    path = f"{ENCRYPTION}.kmsKeyArn"
    keys = graph.targets(table, ENCRYPTION, types.KEY)
    if not keys:
        return failed(path, "the key is not in this stack, so its rotation cannot be seen")
    if not all(rotates(key) for key in keys):
        return failed(path, "the key does not rotate")
    return passed(path)


@judges("DDB-03", types.TABLE)
def protected_from_deletion(table: Resource, options: Options) -> Finding:
    """A production table is not deleted by one call."""
    path = "deletionProtectionEnabled"
    environment = tag(table, options.text("environmentTag"))
    if environment is not None and environment not in options.strings("environments"):
        return out_of_scope("not in an environment that must be protected", "tags")
    return passed(path) if flag(table, path) else failed(path, "deletion protection is off")


@judges("DDB-06", types.TABLE, types.TABLE_POLICY)
def not_shared(resource: Resource, options: Options) -> Finding:
    """No resource policy hands the table to the public or to an undeclared account."""
    path = "policy"
    if resource.type == types.TABLE and read(resource, path) is MISSING:
        return out_of_scope("the table carries no policy of its own", path)
    if found := open_to(resource, path, options.strings("accounts")):
        return failed(*found)
    return passed(path)
