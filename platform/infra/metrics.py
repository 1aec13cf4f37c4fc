"""CloudWatch metrics that alarms and scaling policies refer to, with their full dimension sets."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.naming import CLUSTER


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric as CloudWatch identifies it: namespace, name and every dimension."""

    namespace: str
    name: pulumi.Input[str]
    dimensions: Mapping[str, pulumi.Input[str]]
    stat: str


def service_metric(name: str, service: pulumi.Input[str]) -> Metric:
    """Percent of what the tasks reserved, average over the tasks."""
    dimensions = {"ClusterName": CLUSTER, "ServiceName": service}
    return Metric(namespace="AWS/ECS", name=name, dimensions=dimensions, stat="Average")


def insights_metric(name: str, service: pulumi.Input[str]) -> Metric:
    """A Container Insights metric of the service."""
    dimensions = {"ClusterName": CLUSTER, "ServiceName": service}
    return Metric(
        namespace="ECS/ContainerInsights", name=name, dimensions=dimensions, stat="Average"
    )


def balancer_metric(name: str, arn_suffix: pulumi.Input[str]) -> Metric:
    """A count of the whole load balancer; CloudWatch wants the ARN's suffix, not the ARN."""
    return Metric(
        namespace="AWS/ApplicationELB",
        name=name,
        dimensions={"LoadBalancer": arn_suffix},
        stat="Sum",
    )


def table_metric(name: str, table: pulumi.Input[str]) -> Metric:
    """A count of a table and its local indexes, which have no metrics of their own."""
    return Metric(namespace="AWS/DynamoDB", name=name, dimensions={"TableName": table}, stat="Sum")
