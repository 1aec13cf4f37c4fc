"""Dashboard Infrastructure: what carries the service."""

from infra.alarms_edge import FAILED_PERCENT, WatchedEdge, firewall_metrics
from infra.alarms_platform import ARCHIVE_DELAY_SECONDS
from infra.alarms_service import FIVE_MINUTES
from infra.dashboard import Graph, Line, Widget
from infra.dashboard_sources import Sources
from infra.metrics import (
    archive_metric,
    distribution_metric,
    function_metric,
    gateway_metric,
    insights_metric,
    operation_metric,
    queue_metric,
    service_metric,
    subscription_metric,
    table_metric,
    target_metric,
)
from infra.naming import SERVICE, SUBSCRIPTION, WORKER

READ_OPERATIONS = ("GetItem", "Query")
WRITE_OPERATIONS = ("PutItem", "UpdateItem")


def infrastructure_widgets(sources: Sources) -> list[Widget]:
    """Tasks, targets, tables, network, logs."""
    return [
        *_tasks(sources),
        *_targets(sources),
        *_tables(sources),
        *_work(sources),
        *_network(sources),
        *_cdn(sources.edge),
        *_logs(sources),
    ]


def _tasks(sources: Sources) -> list[Widget]:
    size, alarms = sources.size, sources.alarms
    counts = [
        Line(metric=insights_metric(f"{state}TaskCount", SERVICE), label=state.lower())
        for state in ("Desired", "Running", "Pending")
    ]
    return [
        Graph(
            title="CPU, percent of what is reserved",
            lines=[Line(metric=service_metric("CPUUtilization", SERVICE))],
            limits={"scaling": size.cpu_target, "alarm": alarms.cpu_percent},
        ),
        Graph(
            title="Memory, percent of what is reserved",
            lines=[Line(metric=service_metric("MemoryUtilization", SERVICE))],
            limits={"scaling": size.memory_target, "alarm": alarms.memory_percent},
        ),
        Graph(title="Tasks", lines=counts, limits={"most": size.max}),
    ]


def _targets(sources: Sources) -> list[Widget]:
    groups = {"blue": sources.blue, "green": sources.green}
    return [
        Graph(
            title=f"{state} targets",
            lines=[
                Line(
                    metric=target_metric(f"{state}HostCount", sources.balancer, group),
                    label=colour,
                )
                for colour, group in groups.items()
            ],
        )
        for state in ("Healthy", "UnHealthy")
    ]


def _tables(sources: Sources) -> list[Widget]:
    def per_table(name: str) -> list[Line]:
        return [
            Line(metric=table_metric(name, table), label=short)
            for short, table in sources.tables.items()
        ]

    def latency(short: str) -> list[Line]:
        return [
            Line(
                metric=operation_metric(
                    "SuccessfulRequestLatency", sources.tables[short], operation, "Average"
                ),
                label=operation,
            )
            for operation in (*READ_OPERATIONS, *WRITE_OPERATIONS)
        ]

    return [
        Graph(title="Units read", lines=per_table("ConsumedReadCapacityUnits")),
        Graph(title="Units written", lines=per_table("ConsumedWriteCapacityUnits")),
        Graph(title="Reads refused", lines=per_table("ReadThrottleEvents")),
        Graph(title="Writes refused", lines=per_table("WriteThrottleEvents")),
        *(
            Graph(title=f"Table {short}, milliseconds", lines=latency(short))
            for short in sources.tables
        ),
    ]


def _work(sources: Sources) -> list[Widget]:
    """What waits for the worker, and the worker."""

    def per_queue(name: str) -> list[Line]:
        return [
            Line(metric=queue_metric(name, queue), label=short)
            for short, queue in sources.queues.items()
        ]

    return [
        Graph(title="Messages waiting", lines=per_queue("ApproximateNumberOfMessagesVisible")),
        Graph(
            title="Age of the oldest message, seconds",
            lines=per_queue("ApproximateAgeOfOldestMessage"),
            limits={"alarm": FIVE_MINUTES},
        ),
        Graph(
            title="Worker, percent of what is reserved",
            lines=[
                Line(metric=service_metric(name, WORKER), label=name)
                for name in ("CPUUtilization", "MemoryUtilization")
            ],
            limits={"alarm": sources.alarms.cpu_percent},
        ),
    ]


def _network(sources: Sources) -> list[Widget]:
    def per_gateway(name: str) -> list[Line]:
        return [
            Line(metric=gateway_metric(name, gateway), label=f"gateway {place}")
            for place, gateway in enumerate(sources.gateways, start=1)
        ]

    firewall = [
        Line(metric=metric, label=f"{use} {done.lower()}")
        for done in ("Allowed", "Blocked")
        for use, metric in firewall_metrics(sources.edge, f"{done}Requests").items()
    ]
    return [
        Graph(title="Bytes to the internet", lines=per_gateway("BytesOutToDestination")),
        Graph(title="NAT out of ports", lines=per_gateway("ErrorPortAllocation")),
        Graph(title="NAT packets lost", lines=per_gateway("PacketsDropCount")),
        Graph(title="Firewall", lines=firewall),
    ]


def _cdn(edge: WatchedEdge) -> list[Widget]:
    """Requests at CloudFront, and how many of them ended in an error."""
    if edge.distribution is None:
        return []
    rates = [
        Line(metric=distribution_metric(f"{kind}ErrorRate", edge.distribution, "Average"))
        for kind in ("4xx", "5xx")
    ]
    return [
        *(
            Graph(title=title, lines=[Line(metric=distribution_metric(name, edge.distribution))])
            for title, name in (
                ("Requests at CloudFront", "Requests"),
                ("Bytes from CloudFront", "BytesDownloaded"),
            )
        ),
        Graph(title="Errors at CloudFront, percent", lines=rates, limits={"alarm": FAILED_PERCENT}),
    ]


def _logs(sources: Sources) -> list[Widget]:
    errors = [
        Line(metric=subscription_metric("DeliveryErrors", group, SUBSCRIPTION), label=short)
        for short, group in sources.groups.items()
    ]
    return [
        Graph(
            title="Age of the oldest log event, seconds",
            lines=[Line(metric=archive_metric("DeliveryToS3.DataFreshness", "Maximum"))],
            limits={"alarm": ARCHIVE_DELAY_SECONDS},
        ),
        Graph(
            title="Archive writes that succeed",
            lines=[Line(metric=archive_metric("DeliveryToS3.Success", "Average"))],
        ),
        Graph(title="Log events not handed on", lines=errors),
        Graph(
            title="Rotation of the signing key",
            lines=[
                Line(metric=function_metric(name, sources.rotation))
                for name in ("Invocations", "Errors")
            ],
        ),
    ]
