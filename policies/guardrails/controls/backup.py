"""Backups that exist, are encrypted, and outlive an accident (DDB-04, ACC-04)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges_in_stack
from guardrails.controls.tagging import is_protected, tag
from guardrails.values import Known, Node, items, number, read, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

PLAN: Final = "backupPlan"
RULES: Final = "rules"
REGION_IN_ARN: Final = 3


@judges_in_stack("DDB-04", types.TABLE)
def is_backed_up(table: Resource, graph: Graph, options: Options) -> Finding:
    """A copy of the rows lies where the table's own administrators do not reach it."""
    name, _, value = options.text("exemptTag").partition("=")
    if name and tag(table, name) == value:
        return out_of_scope("declared to need no backup", "tags")
    for selection in _selections(table, graph):
        for plan in graph.targets(selection, "planId", types.BACKUP_PLAN):
            return _vault_is_encrypted(plan, graph)
    return failed(PLAN, "no backup plan of this stack selects the table")


def _vault_is_encrypted(plan: Resource, graph: Graph) -> Finding:
    vaults = graph.targets(plan, RULES, types.BACKUP_VAULT)
    if not vaults:
        return failed(f"{PLAN}.rules", "the vault is not in this stack")
    if not all(names_customer_key(vault, "kmsKeyArn") for vault in vaults):
        return failed(f"{PLAN}.rules", "the vault has no customer key")
    return passed(PLAN)


def _selections(table: Resource, graph: Graph) -> list[Resource]:
    """Selections by tag or by pattern, else those that refer to the table."""
    wide = [s for s in graph.of(types.BACKUP_SELECTION) if _matches(s, table)]
    return wide or graph.sources(table, types.BACKUP_SELECTION, "resources")


def _matches(selection: Resource, table: Resource) -> bool:
    for wanted in items(selection, "selectionTags"):
        if tag(table, text(wanted, "key") or "") == text(wanted, "value"):
            return True
    return any(_covers(pattern, table) for pattern in items(selection, "resources"))


def _covers(pattern: Node, table: Resource) -> bool:
    """Whether a known pattern such as `arn:aws:dynamodb:*:*:table/*` means the table."""
    match read(pattern, ()):
        case Known(str() as arn) if arn == "*":
            return True
        case Known(str() as arn) if ":dynamodb:" in arn and "*" in arn:
            return fnmatchcase(text(table, "name") or "", arn.rpartition("table/")[2])
        case _:
            return False


@judges_in_stack("ACC-04", types.BACKUP_VAULT, types.BACKUP_PLAN)
def backups_survive(resource: Resource, graph: Graph, options: Options) -> Iterator[Finding]:
    """Backups cannot be deleted early, and one of them lies in another region."""
    if resource.type == types.BACKUP_PLAN:
        yield from _plan_keeps(resource, graph, options)
        return
    if not names_customer_key(resource, "kmsKeyArn"):
        yield failed("kmsKeyArn", "the vault has no customer key")
    locks = graph.sources(resource, types.BACKUP_VAULT_LOCK, "backupVaultName")
    if not locks:
        yield failed("vaultLock", "no lock refers to the vault")
    elif not all(number(lock, "minRetentionDays") for lock in locks):
        yield failed("vaultLock.minRetentionDays", "the lock sets no minimum")
    yield passed("kmsKeyArn")


def _plan_keeps(plan: Resource, graph: Graph, options: Options) -> Iterator[Finding]:
    wanted = options.number("productionDays" if is_protected(plan, options) else "days")
    rules = items(plan, RULES)
    if not rules:
        yield failed(RULES, "the plan has no rule")
    for rule in rules:
        kept = number(rule, "lifecycle.deleteAfter")
        if kept is not None and kept < wanted:
            yield failed(rule.at("lifecycle.deleteAfter"), "backups are deleted too early")
        if not items(rule, "copyActions"):
            yield failed(rule.at("copyActions"), "no copy is made")
        elif not _leaves_region(plan, rule, graph):
            yield failed(rule.at("copyActions"), "the copy stays in the region")
    yield passed(RULES)


def _leaves_region(plan: Resource, rule: Node, graph: Graph) -> bool:
    """Whether a copy goes to another region, told by the vaults' providers or by an ARN."""
    regions = {_region(vault) for vault in graph.targets(plan, RULES, types.BACKUP_VAULT)}
    for copy in items(rule, "copyActions"):
        match read(copy, "destinationVaultArn"):
            case Known(str() as arn) if arn.count(":") > REGION_IN_ARN:
                regions.add(arn.split(":")[REGION_IN_ARN])
            case _:
                pass
    return len(regions - {None}) > 1


def _region(resource: Resource) -> str | None:
    """The region a resource lives in: its own setting, else its provider's."""
    own = text(resource, "region")
    return own or (text(resource.provider, "region") if resource.provider else None)
