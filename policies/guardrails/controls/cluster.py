"""ECS clusters and how tasks are isolated (ECS-01, ECS-03, ECS-04, ECS-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges
from guardrails.values import block, flag, is_set, items, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Resource

EXEC: Final = "configuration.executeCommandConfiguration"
LOG: Final = f"{EXEC}.logConfiguration"


@judges("ECS-01", types.CLUSTER)
def cluster_is_observed(cluster: Resource, _: Options) -> Iterator[Finding]:
    """Tasks are measured, and what people type into them is recorded and encrypted."""
    insights = [s for s in items(cluster, "settings") if text(s, "name") == "containerInsights"]
    if not any(text(s, "value") in ("enabled", "enhanced") for s in insights):
        yield failed("settings", "Container Insights is off")
    if not names_customer_key(cluster, f"{EXEC}.kmsKeyId"):
        yield failed(f"{EXEC}.kmsKeyId", "sessions are not encrypted with a customer key")
    if text(cluster, f"{EXEC}.logging") != "OVERRIDE":
        yield failed(f"{EXEC}.logging", "sessions have no log of their own")
    elif is_set(cluster, f"{LOG}.cloudWatchLogGroupName"):
        if not flag(cluster, f"{LOG}.cloudWatchEncryptionEnabled"):
            yield failed(f"{LOG}.cloudWatchEncryptionEnabled", "the session log is not encrypted")
    elif not is_set(cluster, f"{LOG}.s3BucketName"):
        yield failed(LOG, "sessions are logged nowhere")
    elif not flag(cluster, f"{LOG}.s3BucketEncryptionEnabled"):
        yield failed(f"{LOG}.s3BucketEncryptionEnabled", "the session log is not encrypted")
    yield passed(EXEC)


@judges("ECS-03", types.SERVICE, types.TASK_SET)
def platform_is_current(service: Resource, options: Options) -> Finding:
    """Tasks start on a platform that still gets security patches."""
    path = "platformVersion"
    strategies = [text(s, "capacityProvider") for s in items(service, "capacityProviderStrategies")]
    if not any((name or "").startswith("FARGATE") for name in strategies):
        launch = text(service, "launchType")
        if strategies or (launch is not None and launch != "FARGATE"):
            return out_of_scope("tasks do not run on Fargate", "launchType")
    version = text(service, path) or "LATEST"
    if version not in ("LATEST", *options.strings("versions")):
        return failed(path, "a platform version that is not on the list")
    return passed(path)


@judges("ECS-04", types.TASK_DEFINITION)
def namespaces_are_separate(task: Resource, _: Options) -> Iterator[Finding]:
    """A task sees its own network, processes and memory only."""
    if text(task, "networkMode") != "awsvpc":
        yield failed("networkMode", "the task shares a network with others")
    for path in ("pidMode", "ipcMode"):
        if text(task, path) == "host":
            yield failed(path, "the task shares a namespace of the host")
    yield passed("networkMode")


@judges("ECS-14", types.TASK_DEFINITION)
def file_systems_are_guarded(task: Resource, _: Options) -> Iterator[Finding]:
    """Data on its way to a file system is encrypted, and the task proves who it is."""
    judged = False
    for volume in items(task, "volumes"):
        if block(volume, "efsVolumeConfiguration") is None:
            continue
        judged = True
        path = "efsVolumeConfiguration"
        if text(volume, f"{path}.transitEncryption") != "ENABLED":
            yield failed(volume.at(f"{path}.transitEncryption"), "encryption in transit is off")
        if text(volume, f"{path}.authorizationConfig.iam") != "ENABLED":
            yield failed(volume.at(f"{path}.authorizationConfig.iam"), "no IAM authorisation")
    yield passed("volumes") if judged else out_of_scope("no EFS volume", "volumes")
