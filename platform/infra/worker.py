"""The worker on Fargate: the image of the API, another command, no way in, scaled by its queue."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.appautoscaling import (
    PolicyTargetTrackingScalingPolicyConfigurationArgsDict as Tracking,
)

from budgetbuddy import contract
from infra.alarms import Alarms, AlarmsArgs
from infra.alarms_service import worker_alarms
from infra.cluster import Cluster
from infra.container import WORKER_PROCESS
from infra.log_group import ArchivedLogGroup
from infra.metrics import insights_metric, queue_metric
from infra.naming import CLUSTER, IGNORED, WORKER, Names
from infra.network import Network
from infra.queues import Queues
from infra.roles import ServiceRoles
from infra.scaling import DIMENSION, NAMESPACE, scaling_query
from infra.secrets import Secrets
from infra.security_groups import SecurityGroups
from infra.settings import Settings
from infra.task_definition import TaskArgs, task_definition
from infra.topics import Topics

MESSAGES_PER_TASK = 50.0  # waiting; eight threads are through them in a minute or two
DEPLOYMENT_TIMEOUT = "30m"


@dataclass(frozen=True, kw_only=True)
class WorkerArgs:
    """Everything the tasks stand on."""

    settings: Settings
    names: Names
    environment: Mapping[str, str]
    cluster: Cluster
    network: Network
    groups: SecurityGroups
    logs: ArchivedLogGroup
    secrets: Secrets
    queues: Queues
    roles: ServiceRoles
    topics: Topics


class Worker(pulumi.ComponentResource):
    """Without `imageDigest` nothing is created; messages wait in the queue until there is one."""

    def __init__(self, name: str, args: WorkerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:compute:Worker", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.alarm_names: dict[str, pulumi.Output[str]] = {}
        if args.settings.image_digest is not None:
            service = self._service()
            self._scale(service.name)
            specs = worker_alarms(args.settings.alarms, args.settings.environment, service.name)
            alarms = AlarmsArgs(specs=specs, topics=args.topics)
            self.alarm_names = dict(Alarms("worker-alarms", alarms, self._child).names)
        self.register_outputs({"alarmNames": self.alarm_names})

    def _task(self) -> aws.ecs.TaskDefinition:
        args, size = self._args, self._args.settings.worker
        task = TaskArgs(
            family=WORKER,
            process=WORKER_PROCESS,
            cpu=size.cpu,
            memory=size.memory,
            settings=args.settings,
            names=args.names,
            environment=args.environment,
            logs=args.logs,
            secrets=args.secrets,
            execution_role=args.roles.execution.arn,
            task_role=args.roles.worker.arn,
        )
        return task_definition("worker", task, self._child)

    def _service(self) -> aws.ecs.Service:
        """Rolled, not blue/green: there is no traffic to shift, and two releases may share a queue.

        A message of a kind the older release does not know comes again until a newer one takes it.
        """
        args, size = self._args, self._args.settings.worker
        return aws.ecs.Service(
            "worker",
            name=WORKER,
            cluster=args.cluster.arn,
            task_definition=self._task().arn,
            desired_count=size.min,
            platform_version="LATEST",
            scheduling_strategy="REPLICA",
            capacity_provider_strategies=[
                {"capacity_provider": "FARGATE", "base": size.min, "weight": 1}
            ],
            deployment_controller={"type": "ECS"},
            deployment_configuration={"strategy": "ROLLING"},
            deployment_circuit_breaker={"enable": True, "rollback": True},
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            availability_zone_rebalancing="ENABLED",
            network_configuration={
                "subnets": args.network.private_subnet_ids,
                "security_groups": [args.groups.worker],
                "assign_public_ip": False,
            },
            enable_execute_command=args.settings.service.exec_enabled,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            opts=ResourceOptions(
                parent=self,
                protect=args.settings.protect,
                ignore_changes=list(IGNORED["worker"]),
                depends_on=[args.roles, args.queues],
                custom_timeouts=pulumi.CustomTimeouts(
                    create=DEPLOYMENT_TIMEOUT, update=DEPLOYMENT_TIMEOUT
                ),
            ),
        )

    def _scale(self, service: pulumi.Input[str]) -> None:
        """One target: messages that wait for each running task, in the busiest queue."""
        size, (spec,) = self._args.settings.worker, contract.QUEUES
        target = aws.appautoscaling.Target(
            "worker",
            service_namespace=NAMESPACE,
            resource_id=pulumi.Output.format("service/{0}/{1}", CLUSTER, service),
            scalable_dimension=DIMENSION,
            min_capacity=size.min,
            max_capacity=size.max,
            opts=self._child,
        )
        waiting = queue_metric(
            "ApproximateNumberOfMessagesVisible", self._args.queues.names[spec.name], "Average"
        )
        tracking = Tracking(
            customized_metric_specification={
                "metrics": [
                    scaling_query("waiting", waiting),
                    scaling_query("tasks", insights_metric("RunningTaskCount", service)),
                    {"id": "backlog", "expression": "waiting / tasks", "return_data": True},
                ]
            },
            target_value=MESSAGES_PER_TASK,
            scale_out_cooldown=self._args.settings.service.scale_out_cooldown,
            scale_in_cooldown=self._args.settings.service.scale_in_cooldown,
        )
        aws.appautoscaling.Policy(
            "worker-backlog",
            name=f"{WORKER}-backlog",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            target_tracking_scaling_policy_configuration=tracking,
            opts=self._child,
        )
