"""The ECS cluster: insights on, task storage and console sessions encrypted with our key."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.keys import KeyRing
from infra.log_group import ArchivedLogGroup
from infra.naming import CLUSTER


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """`insights` must exist first, or ECS creates the group without key and retention."""

    keys: KeyRing
    exec_logs: ArchivedLogGroup
    insights: ArchivedLogGroup


class Cluster(pulumi.ComponentResource):
    """Fargate only; a service decides how much of it may be Spot."""

    def __init__(self, name: str, args: ClusterArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:compute:Cluster", name, None, opts)
        cluster = aws.ecs.Cluster(
            name,
            name=CLUSTER,
            settings=[{"name": "containerInsights", "value": "enabled"}],
            configuration={
                "execute_command_configuration": {
                    "kms_key_id": args.keys.arns["compute"],
                    "logging": "OVERRIDE",
                    "log_configuration": {
                        "cloud_watch_log_group_name": args.exec_logs.name,
                        "cloud_watch_encryption_enabled": True,
                    },
                },
                "managed_storage_configuration": {
                    "fargate_ephemeral_storage_kms_key_id": args.keys.arns["compute"]
                },
            },
            opts=ResourceOptions(parent=self, depends_on=[args.insights]),
        )
        providers = aws.ecs.ClusterCapacityProviders(
            name,
            cluster_name=cluster.name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategies=[
                {"capacity_provider": "FARGATE", "base": 1, "weight": 1}
            ],
            opts=ResourceOptions(parent=self),
        )
        self.arn = cluster.arn
        self.name = providers.cluster_name
        self.register_outputs({"arn": self.arn, "name": self.name})
