"""How many tasks run: CPU, memory and requests each may ask for more."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.appautoscaling import (
    PolicyTargetTrackingScalingPolicyConfigurationArgsDict as Tracking,
)
from pulumi_aws.appautoscaling import (
    PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationMetricArgsDict as Query,  # noqa: E501 - the SDK's own name
)

from infra.metrics import Metric, balancer_metric, insights_metric
from infra.naming import CLUSTER, SERVICE
from infra.settings import ServiceSettings

DIMENSION = "ecs:service:DesiredCount"
NAMESPACE = "ecs"


@dataclass(frozen=True, kw_only=True)
class ServiceScalingArgs:
    """`service_name` waits for the service; `balancer` is the load balancer's ARN suffix."""

    service_name: pulumi.Input[str]
    balancer: pulumi.Input[str]
    size: ServiceSettings


class ServiceScaling(pulumi.ComponentResource):
    """Target tracking with one target for each of the three policies."""

    def __init__(
        self, name: str, args: ServiceScalingArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:compute:ServiceScaling", name, None, opts)
        self._size = args.size
        self._target = aws.appautoscaling.Target(
            name,
            service_namespace=NAMESPACE,
            resource_id=pulumi.Output.format("service/{0}/{1}", CLUSTER, args.service_name),
            scalable_dimension=DIMENSION,
            min_capacity=args.size.min,
            max_capacity=args.size.max,
            opts=ResourceOptions(parent=self),
        )
        self._predefined("cpu", "ECSServiceAverageCPUUtilization", args.size.cpu_target)
        self._predefined("memory", "ECSServiceAverageMemoryUtilization", args.size.memory_target)
        self._requests(args)
        self.register_outputs({})

    def _predefined(self, label: str, metric: str, target: float) -> None:
        tracking = Tracking(
            predefined_metric_specification={"predefined_metric_type": metric},
            target_value=target,
            scale_out_cooldown=self._size.scale_out_cooldown,
            scale_in_cooldown=self._size.scale_in_cooldown,
        )
        self._policy(label, tracking)

    def _requests(self, args: ServiceScalingArgs) -> None:
        """Requests per running task.

        `ALBRequestCountPerTarget` names one target group, and blue/green alternates between two.
        """
        tracking = Tracking(
            customized_metric_specification={
                "metrics": [
                    scaling_query("requests", balancer_metric("RequestCount", args.balancer)),
                    scaling_query("tasks", insights_metric("RunningTaskCount", args.service_name)),
                    {"id": "ratio", "expression": "requests / tasks", "return_data": True},
                ]
            },
            target_value=float(self._size.requests_per_task),
            scale_out_cooldown=self._size.scale_out_cooldown,
            scale_in_cooldown=self._size.scale_in_cooldown,
        )
        self._policy("requests", tracking)

    def _policy(self, label: str, tracking: Tracking) -> None:
        aws.appautoscaling.Policy(
            f"{self.pulumi_resource_name}-{label}",
            name=f"{SERVICE}-{label}",
            policy_type="TargetTrackingScaling",
            service_namespace=self._target.service_namespace,
            resource_id=self._target.resource_id,
            scalable_dimension=self._target.scalable_dimension,
            target_tracking_scaling_policy_configuration=tracking,
            opts=ResourceOptions(parent=self),
        )


def scaling_query(query_id: str, metric: Metric) -> Query:
    """One input of a scaling policy's metric math."""
    return Query(
        id=query_id,
        metric_stat={
            "metric": {
                "namespace": metric.namespace,
                "metric_name": metric.name,
                "dimensions": [
                    {"name": name, "value": value} for name, value in metric.dimensions.items()
                ],
            },
            "stat": metric.stat,
        },
        return_data=False,
    )
