"""Delivery pipelines (CP-01 to CP-04)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.credentials import known_format
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.storage import blocks_public_access, keeps_versions, refuses_plain_http
from guardrails.controls.tagging import is_protected
from guardrails.values import MISSING, Node, items, number, read, text
from guardrails.verdicts import Finding, Verdict, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

STORES: Final = "artifactStores"
STAGES: Final = "stages"
# Providers that read with an IAM role or a connection; version 1 of GitHub keeps a token instead.
CONNECTED: Final = ("CodeStarSourceConnection", "CodeCommit", "S3", "ECR")
URL_WITH_CREDENTIAL: Final = re.compile(r"^[a-z+]+://[^/@\s]+@", re.IGNORECASE)
STATIC_CREDENTIALS: Final = ("BASIC_AUTH", "PERSONAL_ACCESS_TOKEN")
POLICY_TOOLS: Final = re.compile(r"--policy-pack|guardrails|checkov|cfn-guard|conftest")


@dataclass(frozen=True)
class Action:
    """One action of a pipeline; `order` tells what runs before what."""

    node: Node
    stage: str
    order: tuple[int, float]

    @property
    def category(self) -> str:
        """Source, Build, Test, Deploy, Approval, Invoke or Compute."""
        return text(self.node, "category") or ""

    def is_named(self, pattern: str) -> bool:
        """Whether the action or its stage is called so."""
        name = f"{self.stage} {text(self.node, 'name') or ''}"
        return re.search(pattern, name, re.IGNORECASE) is not None


def actions(pipeline: Resource) -> list[Action]:
    """Every action in the order of stages and run orders."""
    return [
        Action(node, text(stage, "name") or "", (index, number(node, "runOrder") or 1))
        for index, stage in enumerate(items(pipeline, STAGES))
        for node in items(stage, "actions")
    ]


def _deployments(found: list[Action], options: Options) -> list[Action]:
    """Actions that change an environment; those that prepare or check it are none."""
    pattern = options.text("deployPattern")
    changing = ("Deploy", "Build", "Invoke", "Compute")
    return [
        a
        for a in found
        if a.category == "Deploy" or (a.category in changing and a.is_named(pattern))
    ]


@judges("CP-01", types.PIPELINE)
def artifacts_are_encrypted(pipeline: Resource, _: Options) -> Iterator[Finding]:
    """What will be deployed is encrypted with a key of one's own."""
    stores = items(pipeline, STORES)
    if not stores:
        yield failed(STORES, "no artifact store")
    for store in stores:
        if not names_customer_key(store, "encryptionKey.id"):
            yield failed(store.at("encryptionKey"), "no key is named")


@judges_in_stack("CP-01", types.PIPELINE)
def artifact_bucket_is_guarded(
    pipeline: Resource, graph: Graph, options: Options
) -> Iterator[Finding]:
    """Nobody swaps what will be deployed."""
    buckets = graph.targets(pipeline, STORES, types.BUCKET)
    if not buckets:
        yield failed(f"{STORES}.location", "the bucket is not in this stack")
    for bucket in buckets:
        for check in (blocks_public_access, keeps_versions, refuses_plain_http):
            found = check(bucket, graph, options)
            if found.verdict is Verdict.FAIL:
                yield failed(f"{STORES}.location", found.found)
    yield passed(STORES)


@judges("CP-02", types.PIPELINE)
def production_is_approved(pipeline: Resource, options: Options) -> Iterator[Finding]:
    """A person says yes before production changes."""
    if not is_protected(pipeline, options):
        yield out_of_scope("the pipeline does not serve production", "tags")
        return
    found = actions(pipeline)
    other = options.text("otherPattern")
    production = [a for a in _deployments(found, options) if not a.is_named(other)]
    if not production:
        yield out_of_scope("nothing is deployed to production", STAGES)
        return
    approvals = [a.order for a in found if a.category == "Approval"]
    for deployment in production:
        if not any(order < deployment.order for order in approvals):
            yield failed(deployment.node.path, "production changes without approval")
    yield passed(STAGES)


@judges("CP-03", types.PIPELINE, types.BUILD_PROJECT, types.SOURCE_CREDENTIAL)
def sources_hold_no_credential(resource: Resource, _: Options) -> Iterator[Finding]:
    """Source code is read through a connection that can be withdrawn, not with a stored token."""
    if resource.type == types.SOURCE_CREDENTIAL:
        if text(resource, "authType") in STATIC_CREDENTIALS:
            yield failed("authType", "a token or password is stored")
        yield passed("authType")
    elif resource.type == types.PIPELINE:
        yield from _pipeline_sources(resource)
    else:
        yield from _project_sources(resource)


def _pipeline_sources(pipeline: Resource) -> Iterator[Finding]:
    for action in actions(pipeline):
        if action.category != "Source":
            continue
        if text(action.node, "provider") not in CONNECTED:
            yield failed(action.node.at("provider"), "a source that keeps a token")
        if read(action.node, "configuration.OAuthToken") is not MISSING:
            yield failed(action.node.at("configuration.OAuthToken"), "a token in the definition")
    yield passed(STAGES)


def _project_sources(project: Resource) -> Iterator[Finding]:
    for source in (*items(project, "source"), *items(project, "secondarySources")):
        location = text(source, "location") or ""
        if URL_WITH_CREDENTIAL.match(location) or known_format(location):
            yield failed(source.at("location"), "a credential in the address")
    yield passed("source")


@judges("CP-04", types.PIPELINE)
def tested_before_deployment(pipeline: Resource, options: Options) -> Iterator[Finding]:
    """What is deployed was tested."""
    found = actions(pipeline)
    if first := _first_deployment(found, options):
        pattern = options.text("testPattern")
        tests = [a for a in found if a.category == "Test" or a.is_named(pattern)]
        if not any(test.order < first for test in tests):
            yield failed(STAGES, "nothing is tested before the first deployment")


def _first_deployment(found: list[Action], options: Options) -> tuple[int, float] | None:
    return min((a.order for a in _deployments(found, options)), default=None)


@judges_in_stack("CP-04", types.PIPELINE)
def judged_before_deployment(pipeline: Resource, graph: Graph, options: Options) -> Finding:
    """What is deployed passed the policies: by a stage of that name, or by what a project runs."""
    found = actions(pipeline)
    first = _first_deployment(found, options)
    if first is None:
        return out_of_scope("nothing is deployed", STAGES)
    named = [a for a in found if a.is_named(options.text("policyPattern"))]
    if any(action.order < first for action in named):
        return passed(STAGES)
    projects = graph.targets(pipeline, STAGES, types.BUILD_PROJECT)
    if any(POLICY_TOOLS.search(text(p, "source.buildspec") or "") for p in projects):
        return passed(STAGES, "a build project of the pipeline runs policies")
    return failed(STAGES, "nothing judges the change before the first deployment")
