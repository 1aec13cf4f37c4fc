"""Alarms on the API: what its clients feel, and what it says of itself."""

from dataclasses import dataclass

import pulumi

from budgetbuddy.contract import Metric as Emitted
from infra.alarms import AlarmSpec
from infra.metrics import (
    balancer_metric,
    emitted_metric,
    insights_metric,
    service_metric,
    target_metric,
)
from infra.settings import AlarmSettings

MILLIS = 1000
SLOW_TAIL_SECONDS = 1.0
FIVE_MINUTES = 300
FIFTEEN_MINUTES = 900
DAY = 86_400
JOB_FAILURES = 3
BANK_FAILURES = 10
FORGERIES = 20  # a key that a provider has just changed is a handful
BREAKER_OPEN = 2
AT_LEAST = "GreaterThanOrEqualToThreshold"
BELOW = "LessThanThreshold"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the tasks' alarms look at; load balancer and groups by the suffix of their ARN."""

    environment: str
    service: pulumi.Input[str]
    balancer: pulumi.Input[str]
    blue: pulumi.Input[str]
    green: pulumi.Input[str]


def rollback_alarms(settings: AlarmSettings, balancer: pulumi.Input[str]) -> list[AlarmSpec]:
    """The two that end a bad release; they exist before the first one.

    None that also fires during a healthy deployment may be here.
    """
    return [_error_rate(settings, balancer), _p95_latency(settings, balancer)]


def service_alarms(settings: AlarmSettings, watched: Watched) -> list[AlarmSpec]:
    """Alarms that would fire, or never have data, while no task runs."""
    return [
        *_resources(settings, watched.service),
        *_targets(watched),
        *_own_words(settings, watched.environment),
    ]


def _error_rate(settings: AlarmSettings, balancer: pulumi.Input[str]) -> AlarmSpec:
    """Percent of requests that ended in a 5xx, of the tasks or of the load balancer itself.

    Below `min_requests` a minute the rate reads 0, or one failed request would page at night.
    """
    return AlarmSpec(
        name="api-error-rate",
        meaning="Clients see server errors",
        metrics={
            "req": balancer_metric("RequestCount", balancer),
            "t": balancer_metric("HTTPCode_Target_5XX_Count", balancer),
            "e": balancer_metric("HTTPCode_ELB_5XX_Count", balancer),
        },
        expression=f"IF(req >= {settings.min_requests}, 100*(FILL(t,0)+FILL(e,0))/req, 0)",
        threshold=settings.error_rate_percent,
        datapoints=3,
    )


def _p95_latency(settings: AlarmSettings, balancer: pulumi.Input[str]) -> AlarmSpec:
    return AlarmSpec(
        name="api-p95-latency",
        meaning="One request in twenty is slower than promised",
        metrics={"p95": balancer_metric("TargetResponseTime", balancer, stat="p95")},
        threshold=settings.p95_millis / MILLIS,
        datapoints=3,
    )


def _resources(settings: AlarmSettings, service: pulumi.Input[str]) -> list[AlarmSpec]:
    return [
        AlarmSpec(
            name="api-cpu-high",
            meaning="Tasks are short of CPU although scaling should have added some",
            metrics={"cpu": service_metric("CPUUtilization", service)},
            threshold=settings.cpu_percent,
            datapoints=5,
        ),
        AlarmSpec(
            name="api-memory-high",
            meaning="Tasks are short of memory and may be killed",
            metrics={"memory": service_metric("MemoryUtilization", service)},
            threshold=settings.memory_percent,
            datapoints=5,
        ),
        AlarmSpec(
            name="api-running-below-desired",
            meaning="Tasks do not start, or end by themselves",
            metrics={
                "desired": insights_metric("DesiredTaskCount", service),
                "running": insights_metric("RunningTaskCount", service),
            },
            expression="desired - running",
            threshold=0,
            datapoints=5,
            missing="breaching",
        ),
    ]


def _targets(watched: Watched) -> list[AlarmSpec]:
    groups = {"blue": watched.blue, "green": watched.green}
    unhealthy = [
        AlarmSpec(
            name=f"api-unhealthy-{colour}",
            family="api-unhealthy",
            meaning=f"A task behind target group {colour} does not answer its health check",
            metrics={"bad": target_metric("UnHealthyHostCount", watched.balancer, group)},
            threshold=1,
            comparison=AT_LEAST,
            datapoints=3,
            window=3,
        )
        for colour, group in groups.items()
    ]
    none_left = AlarmSpec(
        name="api-no-healthy-host",
        meaning="No task answers: the API is down",
        metrics={
            "b": target_metric("HealthyHostCount", watched.balancer, watched.blue),
            "g": target_metric("HealthyHostCount", watched.balancer, watched.green),
        },
        expression="FILL(b,0)+FILL(g,0)",
        threshold=1,
        comparison=BELOW,
        datapoints=2,
        window=2,
        missing="breaching",
    )
    slow_tail = AlarmSpec(
        name="api-p99-latency",
        meaning="One request in a hundred takes more than a second",
        metrics={"p99": balancer_metric("TargetResponseTime", watched.balancer, stat="p99")},
        threshold=SLOW_TAIL_SECONDS,
        period=FIVE_MINUTES,
        datapoints=3,
        window=3,
        severity="warning",
    )
    rejected = AlarmSpec(
        name="alb-rejected-connections",
        meaning="The load balancer has too many connections and refuses more",
        metrics={"n": balancer_metric("RejectedConnectionCount", watched.balancer)},
        threshold=0,
        datapoints=3,
        severity="warning",
    )
    return [*unhealthy, none_left, slow_tail, rejected]


def _own_words(settings: AlarmSettings, environment: str) -> list[AlarmSpec]:
    """What the service counts itself. Health checks are requests: silence means no metrics."""
    silent = AlarmSpec(
        name="metrics-silent",
        meaning="No task writes metrics: none runs, or their output is lost",
        metrics={"n": emitted_metric(Emitted.REQUEST_COUNT, environment, "SampleCount")},
        threshold=1,
        comparison=BELOW,
        datapoints=5,
        missing="breaching",
    )
    limit = settings.auth_failures
    return [
        silent,
        _counted("auth-failure-spike", Emitted.AUTH_FAILED, environment, "security", limit),
        _counted("refresh-token-reuse", Emitted.REFRESH_REUSE_DETECTED, environment, "security"),
        _counted("audit-chain-broken", Emitted.AUDIT_CHAIN_BROKEN, environment, "security"),
        _counted("unhandled-error", Emitted.UNHANDLED_ERROR, environment, "warning"),
        _counted("rate-limiter-degraded", Emitted.RATE_LIMITER_DEGRADED, environment, "warning"),
        _counted("sign-in-overload", Emitted.PASSWORD_HASH_REJECTED, environment, "warning"),
        _counted("webhook-forgeries", Emitted.WEBHOOK_REJECTED, environment, "security", FORGERIES),
        *_providers(environment),
        *_pinning(environment),
    ]


def _providers(environment: str) -> list[AlarmSpec]:
    """What the service says of the providers it calls."""
    return [
        AlarmSpec(
            name="provider-left-alone",
            meaning="A provider fails so often that it is called no more",
            metrics={"state": emitted_metric(Emitted.BREAKER_STATE, environment, "Maximum")},
            threshold=BREAKER_OPEN,
            comparison=AT_LEAST,
            period=FIVE_MINUTES,
            datapoints=2,
            window=2,
            severity="warning",
        ),
        AlarmSpec(
            name="bank-sync-failing",
            meaning="Rows of banks do not come in",
            metrics={"n": emitted_metric(Emitted.BANK_SYNC_FAILED, environment)},
            threshold=BANK_FAILURES,
            comparison=AT_LEAST,
            period=FIFTEEN_MINUTES,
            datapoints=1,
            window=1,
            severity="warning",
        ),
    ]


def _pinning(environment: str) -> list[AlarmSpec]:
    """Who answers for the providers, and whether that is looked at."""
    return [
        _counted("pin-mismatch", Emitted.PINNING_MISMATCH, environment, "security"),
        AlarmSpec(
            name="pinning-relaxed",
            meaning="For a day the keys of the providers were not enforced",
            metrics={"n": emitted_metric(Emitted.PINNING_RELAXED, environment, "Minimum")},
            threshold=1,
            comparison=AT_LEAST,
            period=DAY,
            datapoints=1,
            window=1,
            severity="warning",
        ),
    ]


def worker_alarms(
    settings: AlarmSettings, environment: str, worker: pulumi.Input[str]
) -> list[AlarmSpec]:
    """Alarms on the worker's tasks, and on what they say of their work."""
    desired = insights_metric("DesiredTaskCount", worker)
    return [
        AlarmSpec(
            name="worker-cpu-high",
            meaning="The worker is short of CPU, and what waits in the queue waits longer",
            metrics={"cpu": service_metric("CPUUtilization", worker)},
            threshold=settings.cpu_percent,
            datapoints=5,
            severity="warning",
        ),
        AlarmSpec(
            name="worker-memory-high",
            meaning="The worker is short of memory and may be killed",
            metrics={"memory": service_metric("MemoryUtilization", worker)},
            threshold=settings.memory_percent,
            datapoints=5,
            severity="warning",
        ),
        AlarmSpec(
            name="worker-running-below-desired",
            meaning="The worker does not start, or ends by itself",
            metrics={"desired": desired, "running": insights_metric("RunningTaskCount", worker)},
            expression="desired - running",
            threshold=0,
            datapoints=5,
            missing="breaching",
        ),
        AlarmSpec(
            name="jobs-failing",
            meaning="Work in the queue fails again and again",
            metrics={"n": emitted_metric(Emitted.JOB_FAILED, environment)},
            threshold=JOB_FAILURES,
            comparison=AT_LEAST,
            period=FIFTEEN_MINUTES,
            datapoints=1,
            window=1,
            severity="warning",
        ),
    ]


_MEANINGS = {
    "auth-failure-spike": "Many sign-ins fail: somebody guesses passwords or tokens",
    "audit-chain-broken": "A row of an audit trail is not as it was written, or is gone",
    "refresh-token-reuse": "A refresh token was used twice: a copy of it is in other hands",
    "unhandled-error": "The service met an error that nobody foresaw",
    "rate-limiter-degraded": "Attempts are not counted: the limiter lets requests through",
    "webhook-forgeries": "Many webhooks without a valid signature: forged, or our key is wrong",
    "pin-mismatch": "A provider showed no key that was pinned: its keys changed, or it is another",
    "sign-in-overload": "More people sign in at once than the tasks can hash passwords for",
}


def _counted(
    name: str, metric: Emitted, environment: str, severity: str, allowed: int = 0
) -> AlarmSpec:
    """More than `allowed` within five minutes."""
    return AlarmSpec(
        name=name,
        meaning=_MEANINGS[name],
        metrics={"n": emitted_metric(metric, environment)},
        threshold=allowed,
        period=FIVE_MINUTES,
        datapoints=1,
        window=1,
        severity=severity,
    )
