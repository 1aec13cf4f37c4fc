"""DynamoDB tables (DDB-01 to DDB-03, DDB-05 to DDB-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.keys import rotates
from guardrails.controls.resource_policies import open_to
from guardrails.controls.tagging import is_sensitive, tag
from guardrails.values import MISSING, Known, flag, items, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

RECOVERY: Final = "pointInTimeRecovery.enabled"
ENCRYPTION: Final = "serverSideEncryption"
DIMENSIONS: Final = ("dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits")


@judges("DDB-01", types.TABLE, types.TABLE_REPLICA)
def restorable(table: Resource, _: Options) -> Iterator[Finding]:
    """A bad write can be undone, in every region that holds the table."""
    if table.type == types.TABLE_REPLICA:
        if not flag(table, "pointInTimeRecovery"):
            yield failed("pointInTimeRecovery", "a replica cannot be restored")
        yield passed("pointInTimeRecovery")
        return
    if not flag(table, RECOVERY):
        yield failed(RECOVERY, "point-in-time recovery is off")
    for replica in items(table, "replicas"):
        if not flag(replica, "pointInTimeRecovery"):
            yield failed(replica.at("pointInTimeRecovery"), "a replica cannot be restored")
    yield passed(RECOVERY)


@judges("DDB-02", types.TABLE, types.TABLE_REPLICA)
def encrypted_with_own_key(table: Resource, _: Options) -> Iterator[Finding]:
    """Who may read the table is decided by a key policy of its owner."""
    if table.type == types.TABLE_REPLICA:
        if not names_customer_key(table, "kmsKeyArn"):
            yield failed("kmsKeyArn", "a replica uses AWS's own key")
        yield passed("kmsKeyArn")
        return
    if not flag(table, f"{ENCRYPTION}.enabled"):
        yield failed(f"{ENCRYPTION}.enabled", "encryption with a key of one's own is off")
    elif not names_customer_key(table, f"{ENCRYPTION}.kmsKeyArn"):
        yield failed(f"{ENCRYPTION}.kmsKeyArn", "no key is named, so AWS's own is used")
    for replica in items(table, "replicas"):
        if not names_customer_key(replica, "kmsKeyArn"):
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


@judges("DDB-03", types.TABLE, types.TABLE_REPLICA)
def protected_from_deletion(table: Resource, options: Options) -> Finding:
    """A production table is not deleted by one call."""
    path = "deletionProtectionEnabled"
    environment = tag(table, options.text("environmentTag"))
    if environment is not None and environment not in options.strings("environments"):
        return out_of_scope("not in an environment that must be protected", "tags")
    return passed(path) if flag(table, path) else failed(path, "deletion protection is off")


@judges_in_stack("DDB-05", types.TABLE)
def grows_with_demand(table: Resource, graph: Graph, _: Options) -> Finding:
    """Capacity follows the load, so that users are not refused and nobody pays for idle units."""
    path = "billingMode"
    if text(table, path) == "PAY_PER_REQUEST":
        return passed(path)
    scaled = {text(target, "scalableDimension") for target in _scaling_targets(table, graph)}
    missing = [name for name in DIMENSIONS if name not in scaled]
    if missing:
        return failed(path, f"provisioned, and nothing scales {' and '.join(missing)}")
    return passed(path, "reads and writes are scaled")


def _scaling_targets(table: Resource, graph: Graph) -> Iterator[Resource]:
    """Targets that refer to the table, or name it as `table/<name>`."""
    literal = f"table/{text(table, 'name')}"
    named = [t for t in graph.of(types.SCALING_TARGET) if _resource_id(t) == literal]
    yield from named or graph.sources(table, types.SCALING_TARGET, "resourceId")


def _resource_id(target: Resource) -> str | None:
    match read(target, "resourceId"):
        case Known(str() as identifier):
            return identifier
        case _:
            return None


@judges("DDB-06", types.TABLE, types.TABLE_POLICY)
def not_shared(resource: Resource, options: Options) -> Finding:
    """No resource policy hands the table to the public or to an undeclared account."""
    path = "policy"
    if resource.type == types.TABLE and read(resource, path) is MISSING:
        return out_of_scope("the table carries no policy of its own", path)
    if found := open_to(resource, path, options.strings("accounts")):
        return failed(*found)
    return passed(path)


@judges("DDB-07", types.TABLE)
def rows_expire(table: Resource, options: Options) -> Finding:
    """Card data disappears by itself when it is no longer needed."""
    path = "ttl"
    if not is_sensitive(table, options):
        return out_of_scope("declared to hold no card data", "tags")
    if not flag(table, "ttl.enabled") or not text(table, "ttl.attributeName"):
        return failed(path, "no attribute makes rows expire")
    return passed(path)
