"""ECS services: addresses, subnets and roles (ECS-02, ECS-05, ECS-12, ECS-15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.controls import types
from guardrails.controls.containers import containers
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.network import is_public
from guardrails.graph import output
from guardrails.values import MISSING, block, flag, is_set, number, read, text, value_at
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource


@judges("ECS-02", types.SERVICE, types.TASK_SET)
def no_public_address(service: Resource, _: Options) -> Finding:
    """Tasks are reached through a load balancer, never at an address of their own."""
    path = "networkConfiguration.assignPublicIp"
    if flag(service, path):
        return failed(path, "tasks get a public address")
    return passed(path)


@judges_in_stack("ECS-05", types.SERVICE)
def in_private_subnets(service: Resource, graph: Graph, _: Options) -> Finding:
    """No subnet of the service has a route to an internet gateway."""
    path = "networkConfiguration.subnets"
    if block(service, "networkConfiguration") is None:
        return out_of_scope("the service does not use awsvpc networking", "networkConfiguration")
    subnets = graph.targets(service, "networkConfiguration", types.SUBNET)
    if not subnets:
        return failed(path, "no subnet of this stack is used, so their routes cannot be seen")
    if any(is_public(subnet, graph) for subnet in subnets):
        return failed(path, "a subnet leads to an internet gateway")
    return passed(path)


@judges_in_stack("ECS-12", types.TASK_DEFINITION)
def two_roles(task: Resource, graph: Graph, _: Options) -> Finding:
    """What pulls the image and what the program may do are two identities."""
    path = "taskRoleArn"
    if not (is_set(task, path) and is_set(task, "executionRoleArn")):
        return passed(path, "only one role, or none, is given")
    runs = {role.urn for role in graph.targets(task, path, types.ROLE)}
    starts = {role.urn for role in graph.targets(task, "executionRoleArn", types.ROLE)}
    if not (runs and starts):
        runs, starts = {text(task, path) or ""}, {text(task, "executionRoleArn") or ""}
    if runs & starts:
        return failed(path, "the execution role is the task role as well")
    return passed(path)


@judges("ECS-15", types.SERVICE, types.TASK_DEFINITION)
def rolls_back(service: Resource, options: Options) -> Iterator[Finding]:
    """A bad release is taken back by itself, one lost task is no outage, and no task starves."""
    if service.type == types.TASK_DEFINITION:
        yield from _is_sized(service)
        return
    for path in ("deploymentCircuitBreaker.enable", "deploymentCircuitBreaker.rollback"):
        if not flag(service, path):
            yield failed(path, "the circuit breaker does not roll back")
    count = number(service, "desiredCount")
    if count is None or count < options.number("tasks"):
        yield failed("desiredCount", "fewer tasks than configured as the least")


def _is_sized(task: Resource) -> Iterator[Finding]:
    """CPU and memory are set for the task, or for each of its containers."""
    for name, others in (("cpu", ()), ("memory", ("memoryReservation",))):
        if read(task, name) is not MISSING:
            value_at(task, name)  # an unknown size is UNKNOWN
            continue
        for container in containers(task):
            if not any(number(container, key) for key in (name, *others)):
                yield failed(container.at(name), f"neither task nor container sets {name}")
    yield passed("cpu")


@judges_in_stack("ECS-15", types.SERVICE)
def scales(service: Resource, graph: Graph, _: Options) -> Finding:
    """A scaling target names the service."""
    targets = graph.of(types.SCALING_TARGET)
    for target in targets:
        if graph.targets(target, "resourceId", types.SERVICE):
            if service in graph.targets(target, "resourceId", types.SERVICE):
                return passed("desiredCount")
        elif _names(target, service):
            return passed("desiredCount")
    return failed("desiredCount", "no scaling target refers to this service")


def _names(target: Resource, service: Resource) -> bool:
    """Whether `service/<cluster>/<service>` ends in this service's name."""
    name = text(service, "name") or output(service, "name") or service.name
    return (text(target, "resourceId") or "").rpartition("/")[2] == name
