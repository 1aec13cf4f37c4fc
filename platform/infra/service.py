"""The API on Fargate: private, unprivileged, released blue/green, rolled back by alarm."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import CustomTimeouts, ResourceOptions

from budgetbuddy import contract
from infra.cluster import Cluster
from infra.container import CONTAINER, TMP_VOLUME, container_definition, image_reference
from infra.load_balancer import LoadBalancer
from infra.log_group import ArchivedLogGroup
from infra.naming import IGNORED, SERVICE, Names
from infra.network import Network
from infra.roles import ServiceRoles
from infra.secrets import Secrets
from infra.security_groups import SecurityGroups
from infra.settings import Settings

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
        image = image_reference(args.settings)
        container = pulumi.Output.all(args.secrets.arns, args.logs.name).apply(
            lambda known: container_definition(
                image, args.environment, known[0], known[1], args.names.region
            )
        )
        return aws.ecs.TaskDefinition(
            "api",
            family=SERVICE,
            cpu=str(size.cpu),
            memory=str(size.memory),
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            runtime_platform={"cpu_architecture": "ARM64", "operating_system_family": "LINUX"},
            execution_role_arn=args.roles.execution.arn,
            task_role_arn=args.roles.task.arn,
            volumes=[{"name": TMP_VOLUME}],
            skip_destroy=True,  # a rollback needs the revision before
            track_latest=False,
            container_definitions=pulumi.Output.json_dumps([container]),
            tags={"release": args.settings.release or "none"},
            opts=ResourceOptions(parent=self, depends_on=[args.logs]),
        )

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
                depends_on=[args.balancer, args.roles],
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
        size = self._args.settings.service
        blue_green = size.strategy == "BLUE_GREEN"
        return aws.ecs.ServiceDeploymentConfigurationArgs(
            strategy=size.strategy,
            bake_time_in_minutes=str(size.bake_minutes) if blue_green else None,
        )

    def _target(self) -> aws.ecs.ServiceLoadBalancerArgs:
        args = self._args
        blue_green = aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
            alternate_target_group_arn=args.balancer.green.arn,
            production_listener_rule=args.balancer.production_rule.arn,
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
