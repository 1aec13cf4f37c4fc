"""Container image repositories (ECR-01 to ECR-05)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.resource_policies import open_to
from guardrails.controls.tagging import is_protected
from guardrails.values import block, flag, items, text
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

SCAN: Final = "imageScanningConfiguration.scanOnPush"
FREQUENCIES: Final = ("SCAN_ON_PUSH", "CONTINUOUS_SCAN")
ENCRYPTION: Final = "encryptionConfigurations"


@judges("ECR-01", types.REGISTRY_SCANNING)
def registry_scans(registry: Resource, _: Options) -> Iterator[Finding]:
    """A registry-wide setting scans something by itself."""
    for rule in items(registry, "rules"):
        if text(rule, "scanFrequency") in FREQUENCIES:
            yield passed("rules")
            return
    yield failed("rules", "no rule scans images by itself")


@judges_in_stack("ECR-01", types.REPOSITORY)
def images_are_scanned(repository: Resource, graph: Graph, _: Options) -> Finding:
    """Known vulnerabilities in an image are found when it arrives."""
    if flag(repository, SCAN):
        return passed(SCAN)
    if is_scanned_by_registry(repository, graph):
        return passed(SCAN, "the registry scans by itself")
    return failed(SCAN, "images are not scanned when they arrive")


def is_scanned_by_registry(repository: Resource, graph: Graph) -> bool:
    """Whether a rule of the registry scans by itself and covers the repository's name."""
    filters = [
        text(wanted, "filter") or ""
        for registry in graph.of(types.REGISTRY_SCANNING)
        for rule in items(registry, "rules")
        if text(rule, "scanFrequency") in FREQUENCIES
        for wanted in items(rule, "repositoryFilters")
    ]
    if "*" in filters or not filters:
        return "*" in filters
    name = text(repository, "name") or ""
    # Without a wildcard a filter means every name that it is a part of.
    return any(fnmatchcase(name, p) if "*" in p else p in name for p in filters)


@judges("ECR-02", types.REPOSITORY)
def tags_are_immutable(repository: Resource, _: Options) -> Finding:
    """A tag that was tested cannot be moved to another image."""
    path = "imageTagMutability"
    if text(repository, path) != "IMMUTABLE":
        return failed(path, "tags can be moved")
    return passed(path)


@judges("ECR-03", types.REPOSITORY)
def encrypted_with_own_key(repository: Resource, _: Options) -> Finding:
    """Pulling an image takes a permission on a key of one's own."""
    setting = block(repository, ENCRYPTION)
    if setting is None or text(setting, "encryptionType") not in ("KMS", "KMS_DSSE"):
        return failed(ENCRYPTION, "not encrypted with KMS")
    if not names_customer_key(setting, "kmsKey"):
        return failed(f"{ENCRYPTION}.kmsKey", "AWS's own key is used")
    return passed(ENCRYPTION)


@judges("ECR-04", types.REPOSITORY_POLICY, types.REGISTRY_POLICY)
def not_shared(policy: Resource, options: Options) -> Finding:
    """Only named accounts pull or push."""
    if found := open_to(policy, "policy", options.strings("accounts")):
        return failed(*found)
    return passed("policy")


@judges_in_stack("ECR-05", types.REPOSITORY)
def images_are_disposed_of(
    repository: Resource, graph: Graph, options: Options
) -> Iterator[Finding]:
    """Old images go by rule, and all of them never by one call."""
    if flag(repository, "forceDelete") and is_protected(repository, options):
        yield failed("forceDelete", "the repository can be deleted with all its images")
    if not graph.sources(repository, types.LIFECYCLE_POLICY, "repository"):
        yield failed("lifecyclePolicy", "no lifecycle policy refers to the repository")
    yield passed("lifecyclePolicy")
