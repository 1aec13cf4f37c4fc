"""Dashboard Application: what clients feel, and what the service says of itself."""

from collections.abc import Mapping

from budgetbuddy import contract
from budgetbuddy.contract import Metric as Emitted
from infra.alarms_service import MILLIS
from infra.dashboard import AlarmStates, Formula, Graph, Line, LogTable, Text, Widget
from infra.dashboard_sources import Sources
from infra.metrics import balancer_metric, emitted_metric
from infra.naming import API_LOGS, PROJECT
from infra.slo import error_budget

SHOWN_ALARMS = (
    "service-down",
    "service-degraded",
    "data-at-risk",
    "slo-fast",
    "slo-slow",
    "auth-failure-spike",
    "refresh-token-reuse",
    "unhandled-error",
)
TOP_ERRORS = (
    "filter status >= 500 | stats count(*) as requests, latest(version) as release"
    " by route, code, errorClass | sort requests desc | limit 20"
)
DAY = 86_400


def application_widgets(sources: Sources) -> list[Widget]:
    """From the outside in: alarms, traffic, sign-in, storage, budget, errors."""
    names = sources.names
    return [
        AlarmStates(
            title="What fires",
            alarms=[names.arn("cloudwatch", f"alarm:{PROJECT}-{each}") for each in SHOWN_ALARMS],
        ),
        *_traffic(sources),
        *_by_area(names.environment),
        *_own_words(names.environment),
        *_objective(sources),
        LogTable(title="Most frequent errors", group=API_LOGS, query=TOP_ERRORS),
    ]


def _traffic(sources: Sources) -> list[Widget]:
    balancer = sources.balancer
    requests = Line(metric=balancer_metric("RequestCount", balancer), query_id="req")
    failed = [
        Line(metric=balancer_metric(f"HTTPCode_{who}_5XX_Count", balancer), query_id=key)
        for who, key in (("Target", "t"), ("ELB", "e"))
    ]
    refused = [
        Line(metric=balancer_metric(f"HTTPCode_{who}_4XX_Count", balancer))
        for who in ("Target", "ELB")
    ]
    hidden = [
        Line(metric=line.metric, query_id=line.query_id, hidden=True)
        for line in (requests, *failed)
    ]
    rate = Formula(expression="100*(FILL(t,0)+FILL(e,0))/req", label="percent")
    latency = [
        Line(metric=balancer_metric("TargetResponseTime", balancer, stat=stat), label=stat)
        for stat in ("p50", "p95", "p99")
    ]
    return [
        Graph(title="Requests a minute", lines=[requests]),
        Graph(
            title="Error rate",
            lines=[*hidden, rate],
            limits={"alarm": sources.alarms.error_rate_percent},
        ),
        Graph(
            title="Latency, seconds",
            lines=latency,
            limits={"promised at p95": sources.alarms.p95_millis / MILLIS},
        ),
        Graph(title="5xx by who answered", lines=failed),
        Graph(title="4xx by who answered", lines=refused),
    ]


# By the values of the metric's second dimension.
SEARCHED: Mapping[Emitted, tuple[str, str]] = {
    Emitted.REQUEST_COUNT: ("Requests by area", "Sum"),
    Emitted.REQUEST_LATENCY: ("Latency p95 by area, milliseconds", "p95"),
    Emitted.SERVER_ERROR_COUNT: ("Server errors by area", "Sum"),
    Emitted.RATE_LIMITED: ("Rate limited, by limit", "Sum"),
    Emitted.STORE_THROTTLED: ("Store throttled, by table", "Sum"),
    Emitted.AUTH_FAILED: ("Refused sign-ins, by method", "Sum"),
}


def _by_area(environment: str) -> list[Widget]:
    return [
        Graph(title=title, lines=[_search(metric, environment, stat)])
        for metric, (title, stat) in SEARCHED.items()
    ]


def _search(metric: Emitted, environment: str, stat: str) -> Formula:
    """One line for each value of the metric's second dimension. Raises LookupError without one."""
    (spec,) = [each for each in contract.METRICS if each.metric is metric]
    if spec.dimension is None:
        raise LookupError(f"{metric} has no second dimension")
    schema = f"{contract.NAMESPACE},{contract.Dimension.ENVIRONMENT},{spec.dimension}"
    where = f'MetricName="{metric}" {contract.Dimension.ENVIRONMENT}="{environment}"'
    return Formula(expression=f"SEARCH('{{{schema}}} {where}', '{stat}', 60)")


GROUPS: Mapping[str, tuple[Emitted, ...]] = {
    "Sign-in": (
        Emitted.AUTH_SUCCEEDED,
        Emitted.AUTH_FAILED,
        Emitted.ACCOUNT_LOCKED,
        Emitted.REFRESH_REUSE_DETECTED,
        Emitted.PASSWORD_HASH_REJECTED,
    ),
    "Errors nobody foresaw": (Emitted.UNHANDLED_ERROR,),
    "Refused": (
        Emitted.CLIENT_ERROR_COUNT,
        Emitted.AUTHORIZATION_DENIED,
        Emitted.PAN_REJECTED,
        Emitted.RATE_LIMITER_DEGRADED,
    ),
    "Storage": (
        Emitted.STORE_CONFLICT,
        Emitted.VERSION_CONFLICT,
        Emitted.IDEMPOTENCY_REPLAYED,
        Emitted.IDEMPOTENCY_REJECTED,
    ),
}


def _own_words(environment: str) -> list[Widget]:
    """The groups, and one graph of whatever else the contract lists."""
    shown = {*SEARCHED, *(metric for metrics in GROUPS.values() for metric in metrics)}
    rest = tuple(spec.metric for spec in contract.METRICS if spec.metric not in shown)
    return [
        Graph(
            title=title,
            lines=[Line(metric=emitted_metric(metric, environment)) for metric in metrics],
        )
        for title, metrics in {**GROUPS, "Also counted": rest}.items()
        if metrics
    ]


def _objective(sources: Sources) -> list[Widget]:
    """Attainment by day; the month is not established before a month has passed."""
    slo = sources.alarms.slo_percent
    inputs = [
        Line(metric=balancer_metric(name, sources.balancer), query_id=key, hidden=True)
        for name, key in (
            ("RequestCount", "req"),
            ("HTTPCode_Target_5XX_Count", "t"),
            ("HTTPCode_ELB_5XX_Count", "e"),
        )
    ]
    failed = "(FILL(t,0)+FILL(e,0))/req"
    return [
        Graph(
            title="Answered without a server error, percent of the day",
            lines=[*inputs, Formula(expression=f"100*(1-{failed})", label="answered")],
            limits={"design target": slo},
            period=DAY,
        ),
        Graph(
            title="Error budget, times the sustainable rate",
            lines=[*inputs, Formula(expression=f"{failed}/{error_budget(slo)}", label="burn")],
            limits={"used up in a month": 1},
            period=DAY,
        ),
        Text(
            markdown=f"**{slo:g} %** is a design target, not a promise. Over less than 30 days of"
            " data the attainment is *not established*."
        ),
    ]
