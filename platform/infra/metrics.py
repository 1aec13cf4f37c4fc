"""Every CloudWatch metric that alarms, dashboards and scaling may refer to, with its dimensions.

Nobody else writes a namespace or a dimension: CloudWatch takes a wrong one without complaint, and
such an alarm never has data. Dimensions take names and ARN suffixes, never ARNs, unless noted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from budgetbuddy import contract
from infra.naming import ARCHIVE_STREAM, CLUSTER

Name = pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What CloudWatch has in a namespace: names, and the sets of dimensions they come with."""

    names: frozenset[str]
    dimensions: tuple[frozenset[str], ...]


def _known(names: str, *dimensions: str) -> Known:
    return Known(
        names=frozenset(names.split()),
        dimensions=tuple(frozenset(each.split()) for each in dimensions),
    )


# From AWS's documentation of each service's metrics, as far as something here looks at them.
AWS_METRICS: Mapping[str, Known] = {
    "AWS/ApplicationELB": _known(
        "HTTPCode_ELB_4XX_Count HTTPCode_ELB_5XX_Count HTTPCode_Target_4XX_Count"
        " HTTPCode_Target_5XX_Count HealthyHostCount RejectedConnectionCount RequestCount"
        " TargetResponseTime UnHealthyHostCount",
        "LoadBalancer",
        "LoadBalancer TargetGroup",
    ),
    "AWS/Backup": _known(
        "NumberOfBackupJobsCompleted NumberOfBackupJobsFailed NumberOfCopyJobsCompleted"
        " NumberOfCopyJobsFailed NumberOfRestoreJobsCompleted NumberOfRestoreJobsFailed",
        "BackupVaultName",
        "ResourceType",
    ),
    "AWS/CertificateManager": _known("DaysToExpiry", "CertificateArn"),
    "AWS/CloudFront": _known(
        "4xxErrorRate 5xxErrorRate BytesDownloaded Requests", "DistributionId Region"
    ),
    "AWS/DynamoDB": _known(
        "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits ReadThrottleEvents"
        " SuccessfulRequestLatency SystemErrors WriteThrottleEvents",
        "TableName",
        "TableName Operation",
    ),
    "AWS/ECS": _known("CPUUtilization MemoryUtilization", "ClusterName ServiceName"),
    "AWS/Events": _known("FailedInvocations MatchedEvents", "RuleName"),
    "AWS/Firehose": _known("DeliveryToS3.DataFreshness DeliveryToS3.Success", "DeliveryStreamName"),
    "AWS/Lambda": _known("Errors Invocations", "FunctionName"),
    "AWS/Logs": _known("DeliveryErrors", "LogGroupName DestinationType FilterName"),
    "AWS/NATGateway": _known(
        "BytesOutToDestination ErrorPortAllocation PacketsDropCount", "NatGatewayId"
    ),
    "AWS/Route53": _known("HealthCheckStatus", "HealthCheckId"),
    "AWS/SNS": _known("NumberOfNotificationsFailed", "TopicName"),
    "AWS/SQS": _known(
        "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesVisible", "QueueName"
    ),
    # CloudFront's firewalls have no region.
    "AWS/WAFV2": _known("AllowedRequests BlockedRequests", "WebACL Rule Region", "WebACL Rule"),
    "ECS/ContainerInsights": _known(
        "DesiredTaskCount PendingTaskCount RunningTaskCount", "ClusterName ServiceName"
    ),
}
SECURITY_EVENTS_NAMESPACE = "BudgetBuddy/Security"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric as CloudWatch identifies it: namespace, name and every dimension.

    Raises LookupError for one that AWS does not have, instead of an alarm that never has data.
    """

    namespace: str
    name: Name
    dimensions: Mapping[str, Name]
    stat: str

    def __post_init__(self) -> None:
        """Ours are checked where they are made: against the contract and the security events."""
        if self.namespace in {contract.NAMESPACE, SECURITY_EVENTS_NAMESPACE}:
            return
        known = AWS_METRICS.get(self.namespace)
        if known is None or self.name not in known.names:
            raise LookupError(f"there is no metric {self.name} in {self.namespace}")
        if frozenset(self.dimensions) not in known.dimensions:
            raise LookupError(f"{self.namespace} has no dimensions {sorted(self.dimensions)}")


# --- The service ---------------------------------------------------------------------------------


def emitted_metric(
    metric: contract.Metric, environment: str, stat: str = "Sum", value: str | None = None
) -> Metric:
    """A metric the service prints; `value` selects one value of its second dimension.

    Raises LookupError for a metric the contract does not list, or a dimension it does not have.
    """
    (spec,) = [each for each in contract.METRICS if each.metric is metric]
    dimensions: dict[str, Name] = {str(contract.Dimension.ENVIRONMENT): environment}
    if value is not None:
        if spec.dimension is None:
            raise LookupError(f"{metric} has no second dimension")
        dimensions[str(spec.dimension)] = value
    return Metric(namespace=contract.NAMESPACE, name=str(metric), dimensions=dimensions, stat=stat)


def service_metric(name: str, service: Name) -> Metric:
    """Percent of what the tasks reserved, average over the tasks."""
    dimensions = {"ClusterName": CLUSTER, "ServiceName": service}
    return Metric(namespace="AWS/ECS", name=name, dimensions=dimensions, stat="Average")


def insights_metric(name: str, service: Name) -> Metric:
    """A Container Insights metric of the service."""
    dimensions = {"ClusterName": CLUSTER, "ServiceName": service}
    return Metric(
        namespace="ECS/ContainerInsights", name=name, dimensions=dimensions, stat="Average"
    )


# --- The edge ------------------------------------------------------------------------------------


def balancer_metric(name: str, arn_suffix: Name, stat: str = "Sum") -> Metric:
    """A metric of the whole load balancer; CloudWatch wants the ARN's suffix, not the ARN."""
    dimensions = {"LoadBalancer": arn_suffix}
    return Metric(namespace="AWS/ApplicationELB", name=name, dimensions=dimensions, stat=stat)


def target_metric(name: str, balancer: Name, group: Name, stat: str = "Maximum") -> Metric:
    """A metric of one target group; both by the suffix of their ARN."""
    dimensions = {"LoadBalancer": balancer, "TargetGroup": group}
    return Metric(namespace="AWS/ApplicationELB", name=name, dimensions=dimensions, stat=stat)


def firewall_metric(name: str, acl: Name, region: str | None, rule: str = "ALL") -> Metric:
    """Requests of a web ACL, by its name; `rule` is a rule's metric name, or all.

    One of CloudFront's has no region.
    """
    where = {"Region": region} if region else {}
    dimensions = {"WebACL": acl, "Rule": rule, **where}
    return Metric(namespace="AWS/WAFV2", name=name, dimensions=dimensions, stat="Sum")


def distribution_metric(name: str, distribution: Name, stat: str = "Sum") -> Metric:
    """A metric of a distribution, whose one region is `Global`; rates are percent."""
    dimensions = {"DistributionId": distribution, "Region": "Global"}
    return Metric(namespace="AWS/CloudFront", name=name, dimensions=dimensions, stat=stat)


def outside_metric(check_id: Name) -> Metric:
    """1 where Route 53 sees an endpoint answer, from several regions, else 0."""
    return Metric(
        namespace="AWS/Route53",
        name="HealthCheckStatus",
        dimensions={"HealthCheckId": check_id},
        stat="Minimum",
    )


def certificate_metric(arn: Name) -> Metric:
    """Days until a certificate expires; this namespace wants the ARN."""
    return Metric(
        namespace="AWS/CertificateManager",
        name="DaysToExpiry",
        dimensions={"CertificateArn": arn},
        stat="Minimum",
    )


def gateway_metric(name: str, gateway_id: Name) -> Metric:
    """A count of one NAT gateway."""
    dimensions = {"NatGatewayId": gateway_id}
    return Metric(namespace="AWS/NATGateway", name=name, dimensions=dimensions, stat="Sum")


# --- Data and messages ---------------------------------------------------------------------------


def table_metric(name: str, table: Name, stat: str = "Sum") -> Metric:
    """A count of a table and its local indexes, which have no metrics of their own."""
    return Metric(namespace="AWS/DynamoDB", name=name, dimensions={"TableName": table}, stat=stat)


def operation_metric(name: str, table: Name, operation: str, stat: str = "Sum") -> Metric:
    """A metric DynamoDB keeps by operation only, `SystemErrors` among them."""
    dimensions = {"TableName": table, "Operation": operation}
    return Metric(namespace="AWS/DynamoDB", name=name, dimensions=dimensions, stat=stat)


def topic_metric(name: str, topic: Name) -> Metric:
    """A count of one topic, by its name."""
    return Metric(namespace="AWS/SNS", name=name, dimensions={"TopicName": topic}, stat="Sum")


def queue_metric(name: str, queue: Name, stat: str = "Maximum") -> Metric:
    """Messages of one queue, or the age of the oldest in seconds, by its name."""
    return Metric(namespace="AWS/SQS", name=name, dimensions={"QueueName": queue}, stat=stat)


def rule_metric(name: str, rule: Name) -> Metric:
    """A count of one event rule, by its name."""
    return Metric(namespace="AWS/Events", name=name, dimensions={"RuleName": rule}, stat="Sum")


def function_metric(name: str, function: Name) -> Metric:
    """A count of one Lambda function, by its name."""
    dimensions = {"FunctionName": function}
    return Metric(namespace="AWS/Lambda", name=name, dimensions=dimensions, stat="Sum")


def job_metric(name: str, vault: Name | None) -> Metric:
    """A count of jobs of one backup vault, by its name; without one, of all on tables."""
    where = {"BackupVaultName": vault} if vault is not None else {"ResourceType": "DynamoDB"}
    return Metric(namespace="AWS/Backup", name=name, dimensions=where, stat="Sum")


def event_metric(name: Name) -> Metric:
    """How often a security event was seen in the trail; `name` is the event's."""
    return Metric(namespace=SECURITY_EVENTS_NAMESPACE, name=name, dimensions={}, stat="Sum")


# --- Logs ----------------------------------------------------------------------------------------


def archive_metric(name: str, stat: str) -> Metric:
    """A metric of the stream that feeds the log archive."""
    dimensions = {"DeliveryStreamName": ARCHIVE_STREAM}
    return Metric(namespace="AWS/Firehose", name=name, dimensions=dimensions, stat=stat)


def subscription_metric(name: str, group: Name, subscription: str) -> Metric:
    """A count of one log group's subscription to the archive."""
    dimensions = {
        "LogGroupName": group,
        "DestinationType": "Firehose",
        "FilterName": subscription,
    }
    return Metric(namespace="AWS/Logs", name=name, dimensions=dimensions, stat="Sum")
