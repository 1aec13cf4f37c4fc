"""Container definitions of ECS tasks (ECS-06 to ECS-09, ECS-11, ECS-13)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.credentials import looks_like_credential
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.images import is_scanned_by_registry
from guardrails.controls.retention import kept_long_enough
from guardrails.documents import document
from guardrails.values import (
    Node,
    UndecidedError,
    Unknown,
    WrongTypeError,
    flag,
    items,
    read,
    strings,
    text,
)
from guardrails.verdicts import Finding, Verdict, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

DEFINITIONS: Final = "containerDefinitions"
DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")


def containers(task: Resource) -> list[Node]:
    """The containers of a task. Raises `UndecidedError` while any part is unknown."""
    found = document(task, DEFINITIONS)
    if found is None:
        return []
    if not isinstance(found.value, list):
        raise WrongTypeError(DEFINITIONS, "list of containers", "JSON object")
    return [Node(value, f"{DEFINITIONS}.{index}") for index, value in enumerate(found.value)]


@judges("ECS-06", types.TASK_DEFINITION)
def read_only_root(task: Resource, _: Options) -> Iterator[Finding]:
    """What an intruder writes does not survive and cannot replace the program."""
    for container in containers(task):
        if not flag(container, "readonlyRootFilesystem"):
            yield failed(container.at("readonlyRootFilesystem"), "the root file system is writable")
    yield passed(DEFINITIONS)


@judges("ECS-07", types.TASK_DEFINITION)
def least_capabilities(task: Resource, _: Options) -> Iterator[Finding]:
    """No container keeps kernel capabilities it was not given on purpose."""
    fargate = "FARGATE" in strings(task, "requiresCompatibilities")
    for container in containers(task):
        if flag(container, "privileged"):
            yield failed(container.at("privileged"), "the container is privileged")
        path = "linuxParameters.capabilities"
        if "ALL" not in strings(container, f"{path}.drop"):
            yield failed(container.at(f"{path}.drop"), "not all capabilities are dropped")
        if strings(container, f"{path}.add"):
            yield failed(container.at(f"{path}.add"), "a capability is added")
        options = strings(container, "dockerSecurityOptions")
        # Fargate accepts no security options, so the flag can only be asked of EC2 tasks.
        if not fargate and "no-new-privileges" not in options:
            yield failed(container.at("dockerSecurityOptions"), "new privileges can be gained")
    yield passed(DEFINITIONS)


@judges("ECS-08", types.TASK_DEFINITION)
def not_root(task: Resource, _: Options) -> Iterator[Finding]:
    """The program's user is named, and is not root."""
    for container in containers(task):
        user = (text(container, "user") or "").partition(":")[0].strip()
        if user == "root" or not user.strip("0"):  # empty, 0, and 0 written longer
            yield failed(container.at("user"), "the user is root or left to the image")
    yield passed(DEFINITIONS)


@judges("ECS-09", types.TASK_DEFINITION)
def no_secrets_in_environment(task: Resource, _: Options) -> Iterator[Finding]:
    """A credential comes through `secrets`, so that it is in no task definition anyone may read."""
    for container in containers(task):
        for variable in items(container, "environment"):
            if read(variable, "value") == Unknown(variable.at("value"), "secret"):
                continue  # an export that was not decrypted: it was a secret
            name, value = text(variable, "name") or "", text(variable, "value") or ""
            if reason := looks_like_credential(name, value):
                yield failed(variable.at("value"), reason)
    yield passed(DEFINITIONS)


@judges("ECS-11", types.TASK_DEFINITION)
def has_log_driver(task: Resource, _: Options) -> Iterator[Finding]:
    """Every container sends its output somewhere."""
    for container in containers(task):
        if not text(container, "logConfiguration.logDriver"):
            yield failed(container.at("logConfiguration.logDriver"), "no log driver")


@judges_in_stack("ECS-11", types.TASK_DEFINITION)
def logs_are_kept(task: Resource, graph: Graph, options: Options) -> Iterator[Finding]:
    """The log group of the output is in the stack, encrypted, and keeps a year."""
    groups = graph.targets(task, DEFINITIONS, types.LOG_GROUP)
    named = {group.urn: group for group in groups}
    for container, found in _named_groups(task, graph, linked=bool(groups)):
        named |= {group.urn: group for group in found}
        if not found:
            where = container.at("logConfiguration")
            yield failed(where, "the container's log group is not in this stack")
    if not named:
        yield failed(f"{DEFINITIONS}.logConfiguration", "the log group is not in this stack")
    for group in named.values():
        if not names_customer_key(group, "kmsKeyId"):
            yield failed(f"{DEFINITIONS}.logConfiguration", "the log group has no customer key")
        kept = kept_long_enough(group, graph, options)
        if kept.verdict is Verdict.FAIL:
            yield failed(f"{DEFINITIONS}.logConfiguration", f"log group: {kept.found}")
    yield passed(DEFINITIONS)


def _named_groups(
    task: Resource, graph: Graph, *, linked: bool
) -> Iterator[tuple[Node, list[Resource]]]:
    """Containers with the log groups of the stack that they name.

    A name is a group's own, or was computed from one the task is linked with: then the text that
    is known of it names none, and the link speaks for it.
    """
    try:
        found = containers(task)
    except UndecidedError:
        if linked:
            return  # the other half says that the definitions are unknown
        raise
    groups = graph.of(types.LOG_GROUP)
    for container in found:
        wanted = text(container, ("logConfiguration", "options", "awslogs-group"))
        matching = [g for g in groups if wanted and wanted in g.identities]
        unnamed = any(not g.identities for g in groups)
        if matching or not (linked and unnamed):
            yield container, matching


@judges("ECS-13", types.TASK_DEFINITION)
def image_is_pinned(task: Resource, options: Options) -> Iterator[Finding]:
    """What was tested is what runs: a digest cannot be moved to another image."""
    approved = options.strings("registries")
    for container in containers(task):
        image = text(container, "image") or ""
        if not DIGEST.search(image):
            yield failed(container.at("image"), "the image is named by a tag, not by a digest")
        elif not any(re.fullmatch(pattern, image.partition("/")[0]) for pattern in approved):
            yield failed(container.at("image"), "the registry is not on the approved list")


@judges_in_stack("ECS-13", types.TASK_DEFINITION)
def image_is_scanned(task: Resource, graph: Graph, _: Options) -> Finding:
    """The repository, when it is in the stack, scans what is pushed."""
    repositories = graph.targets(task, DEFINITIONS, types.REPOSITORY)
    repositories = repositories or _named_repositories(task, graph)
    for repository in repositories:
        scans = flag(repository, "imageScanningConfiguration.scanOnPush")
        if not scans and not is_scanned_by_registry(repository, graph):
            return failed(f"{DEFINITIONS}.image", "the repository does not scan images")
    containers(task)  # an unknown definition leaves the pin undecided
    return passed(DEFINITIONS)


def _named_repositories(task: Resource, graph: Graph) -> list[Resource]:
    """Repositories of the stack whose literal name stands in an image's address."""
    images = (text(container, "image") or "" for container in containers(task))
    names = {re.split("[@:]", image.partition("/")[2])[0] for image in images}
    return [r for r in graph.of(types.REPOSITORY) if text(r, "name") in names - {""}]
