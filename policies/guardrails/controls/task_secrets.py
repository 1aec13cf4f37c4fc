"""Which secrets an execution role reads, against those its task names (ECS-10)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.containers import containers
from guardrails.controls.declare import judges_in_stack
from guardrails.controls.escalation import granted_to
from guardrails.graph import output
from guardrails.values import UndecidedError, items, text
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

ROLE: Final = "executionRoleArn"
DEFINITIONS: Final = "containerDefinitions"
MARK: Final = ":secret:"
# Secrets Manager appends a dash and six characters to the name; before it has, these stand in.
SUFFIX: Final = "-AAAAAA"


@judges_in_stack("ECS-10", types.TASK_DEFINITION)
def reads_only_its_secrets(task: Resource, graph: Graph, _: Options) -> Iterator[Finding]:
    """The execution role may read the secrets the task names, and no others."""
    roles = graph.targets(task, ROLE, types.ROLE)
    if not roles:
        yield failed(ROLE, "the execution role is not in this stack")
        return
    named: set[str] | None = None
    for statement in granted_to(roles[0], graph):
        if not statement.allows_action("secretsmanager:getsecretvalue"):
            continue
        for pattern in statement.resources:
            wanted = _name(pattern)
            if "*" in wanted:
                yield failed(ROLE, "a statement reaches secrets by wildcard")
                continue
            named = _named(task, graph) if named is None else named
            if not any(fnmatchcase(name, wanted) for name in named):
                yield failed(ROLE, "the role reaches a secret that the task does not name")
    yield passed(ROLE)


def _name(arn: str) -> str:
    """Name and suffix in an ARN or pattern; JSON key, stage and version may follow them.

    What is no ARN is the name itself.
    """
    _, mark, rest = arn.partition(MARK)
    return rest.partition(":")[0] if mark else arn


def _named(task: Resource, graph: Graph) -> set[str]:
    """Names of the task's secrets as they stand at the end of an ARN, with and without suffix.

    Secrets the definition depends on first, because its text is unknown before they exist; then
    the literal references. Raises `UndecidedError` when a name is not known.
    """
    linked = graph.targets(task, DEFINITIONS, types.SECRET)
    found = {_linked_name(secret) for secret in linked} or {
        _name(text(secret, "valueFrom") or "")
        for container in containers(task)
        for secret in items(container, "secrets")
    }
    return found | {f"{name}{SUFFIX}" for name in found}


def _linked_name(secret: Resource) -> str:
    arn = output(secret, "arn")
    name = _name(arn) if arn else text(secret, "name")
    if name is None:
        raise UndecidedError(f"{DEFINITIONS}.secrets", "string")
    return name
