"""What runs: the cluster, the roles of the tasks, the API and the worker."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.api import Api, ApiArgs
from infra.areas.data import Data
from infra.areas.edge import Edge
from infra.areas.foundation import Foundation
from infra.areas.oversight import Oversight
from infra.areas.reach import Reach
from infra.cluster import Cluster, ClusterArgs
from infra.container import service_environment
from infra.release_check import ReleaseCheck, ReleaseCheckArgs
from infra.roles import ServiceRoles, ServiceRolesArgs
from infra.service import ApiServiceArgs
from infra.stack import Stack
from infra.worker import Worker, WorkerArgs


@dataclass(frozen=True, kw_only=True)
class Compute:
    """`environment` is what the tasks start with, secrets apart."""

    cluster: Cluster
    environment: Mapping[str, str]
    api: Api
    worker: Worker


def build_compute(  # noqa: PLR0913, PLR0917 - the service stands on every other area
    stack: Stack, base: Foundation, reach: Reach, data: Data, edge: Edge, oversight: Oversight
) -> Compute:
    """Nothing but cluster and roles until the stack has an image."""
    cluster = Cluster(
        "cluster",
        ClusterArgs(
            keys=base.keys,
            exec_logs=base.logs["ecs-exec"],
            insights=base.logs["container-insights"],
        ),
        stack.opts,
    )
    roles = _roles(stack, base, data)
    environment = service_environment(stack.settings, stack.names, data.mail.sender)
    service = ApiServiceArgs(
        settings=stack.settings,
        names=stack.names,
        environment=environment,
        cluster=cluster,
        network=reach.network,
        groups=reach.groups,
        balancer=edge.balancer,
        logs=base.logs["api"],
        secrets=data.secrets,
        roles=roles,
        check=_release_check(stack, base, reach),
        rollback_alarms=tuple(oversight.rollback_alarms.values()),
    )
    api = ApiArgs(
        service=service,
        topics=base.topics,
        standing_alarms=oversight.alarm_names,
        check_id=edge.check_id,
    )
    worker = WorkerArgs(
        settings=stack.settings,
        names=stack.names,
        environment=environment,
        cluster=cluster,
        network=reach.network,
        groups=reach.groups,
        logs=base.logs["worker"],
        secrets=data.secrets,
        queues=data.queues,
        roles=roles,
        topics=base.topics,
    )
    return Compute(
        cluster=cluster,
        environment=environment,
        api=Api("api", api, stack.opts),
        worker=Worker("worker", worker, stack.opts),
    )


def _release_check(stack: Stack, base: Foundation, reach: Reach) -> ReleaseCheck:
    settings = stack.settings
    args = ReleaseCheckArgs(
        names=stack.names,
        network=reach.network,
        groups=reach.groups,
        logs=base.logs["release-check"],
        host=settings.origin_host if settings.edge.cdn else settings.api_host,
        test_port=settings.edge.test_port,
        boundary_arn=stack.boundary_arn,
    )
    return ReleaseCheck("release-check", args, stack.opts)


def _roles(stack: Stack, base: Foundation, data: Data) -> ServiceRoles:
    args = ServiceRolesArgs(
        names=stack.names,
        boundary_arn=stack.boundary_arn,
        repository=stack.settings.service.repository,
        table_prefix=stack.settings.data.table_prefix,
        keys=base.keys,
        tables=data.tables,
        secrets=data.secrets,
        mail=data.mail,
        queues=data.queues,
    )
    return ServiceRoles("roles", args, stack.opts)
