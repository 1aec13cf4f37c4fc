"""The API on Fargate: private, unprivileged, released blue/green, rolled back by alarm."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import CustomTimeouts, ResourceOptions

from budgetbuddy import contract
from infra.cluster import Cluster
from infra.container import API_PROCESS, CONTAINER
from infra.load_balancer import LoadBalancer
from infra.log_group import ArchivedLogGroup
from infra.naming import IGNORED, SERVICE, Names
from infra.network import Network
from infra.release_check import ReleaseCheck
from infra.roles import ServiceRoles
from infra.secrets import Secrets
from infra.security_groups import SecurityGroups
from infra.settings import Settings
from infra.task_definition import TaskArgs, task_definition

# Longer than scale-up and bake together; the provider's default of 20 minutes is not.
DEPLOYMENT_TIMEOUT = "60m"


@dataclass(frozen=True, kw_only=True)
class ApiServiceArgs:
    """Everything the tasks stand on."""

    settings: Settings
    names: Names
    environment: Mapping[str, str]
    cluster: Cluster
    network: Network
    groups: SecurityGroups
    balancer: LoadBalancer
    logs: ArchivedLogGroup
    secrets: Secrets
    roles: ServiceRoles
    check: ReleaseCheck
    rollback_alarms: tuple[pulumi.Input[str], ...]


class ApiService(pulumi.ComponentResource):
    """Pulumi is the only writer of the service; a release is a new `imageDigest`."""

    def __init__(
        self, name: str, args: ApiServiceArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:compute:ApiService", name, None, opts)
        self._args = args
        self.task_definition = self._task_definition()
        service = self._service(self.task_definition)
        self.name = service.name
        self.register_outputs({"name": self.name})

    def _task_definition(self) -> aws.ecs.TaskDefinition:
        args, size = self._args, self._args.settings.service
        task = TaskArgs(
            family=SERVICE,
            process=API_PROCESS,
            cpu=size.cpu,
            memory=size.memory,
            settings=args.settings,
            names=args.names,
            environment=args.environment,
            logs=args.logs,
            secrets=args.secrets,
            execution_role=args.roles.execution.arn,
            task_role=args.roles.task.arn,
        )
        return task_definition("api", task, ResourceOptions(parent=self))

    def _service(self, task: aws.ecs.TaskDefinition) -> aws.ecs.Service:
        args, size = self._args, self._args.settings.service
        return aws.ecs.Service(
            "api",
            name=SERVICE,
            cluster=args.cluster.arn,
            task_definition=task.arn,
            desired_count=size.min,
            platform_version="LATEST",
            scheduling_strategy="REPLICA",
            capacity_provider_strategies=self._capacity(),
            deployment_controller={"type": "ECS"},
            deployment_configuration=self._deployment(),
            deployment_circuit_breaker={"enable": True, "rollback": True},
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            alarms={"enable": True, "rollback": True, "alarm_names": list(args.rollback_alarms)},
            load_balancers=[self._target()],
            health_check_grace_period_seconds=size.grace_seconds,
            availability_zone_rebalancing="ENABLED",
            network_configuration={
                "subnets": args.network.private_subnet_ids,
                "security_groups": [args.groups.service],
                "assign_public_ip": False,
            },
            enable_execute_command=size.exec_enabled,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=True,
            sigint_rollback=True,
            opts=ResourceOptions(
                parent=self,
                protect=args.settings.protect,
                ignore_changes=list(IGNORED["service"]),
                depends_on=[args.balancer, args.roles, args.check],
                custom_timeouts=CustomTimeouts(
                    create=DEPLOYMENT_TIMEOUT, update=DEPLOYMENT_TIMEOUT
                ),
            ),
        )

    def _capacity(self) -> list[aws.ecs.ServiceCapacityProviderStrategyArgs]:
        """The smallest number of tasks is never on Spot."""
        size = self._args.settings.service
        on_demand = aws.ecs.ServiceCapacityProviderStrategyArgs(
            capacity_provider="FARGATE", base=size.min, weight=1
        )
        if not size.spot_weight:
            return [on_demand]
        spot = aws.ecs.ServiceCapacityProviderStrategyArgs(
            capacity_provider="FARGATE_SPOT", weight=size.spot_weight
        )
        return [on_demand, spot]

    def _deployment(self) -> aws.ecs.ServiceDeploymentConfigurationArgs:
        """Blue/green asks the new tasks through the test port before it moves the clients."""
        settings = self._args.settings
        size = settings.service
        if size.strategy != "BLUE_GREEN":
            return aws.ecs.ServiceDeploymentConfigurationArgs(strategy=size.strategy)
        return aws.ecs.ServiceDeploymentConfigurationArgs(
            strategy=size.strategy,
            bake_time_in_minutes=str(size.bake_minutes),
            lifecycle_hooks=[self._args.check.hook(str(settings.release))],
        )

    def _target(self) -> aws.ecs.ServiceLoadBalancerArgs:
        args = self._args
        blue_green = aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
            alternate_target_group_arn=args.balancer.green.arn,
            production_listener_rule=args.balancer.production_rule.arn,
            test_listener_rule=args.balancer.test_rule.arn,
            role_arn=args.roles.traffic.arn,
        )
        return aws.ecs.ServiceLoadBalancerArgs(
            target_group_arn=args.balancer.blue.arn,
            container_name=CONTAINER,
            container_port=contract.PORT,
            advanced_configuration=(
                blue_green if args.settings.service.strategy == "BLUE_GREEN" else None
            ),
        )
