"""Every alarm, by the definition the engine would deploy, fires on one series and not on another.

`evaluate` does what CloudWatch documents: metric math per period, then "M of the last N periods
lie beyond the threshold", where a period without data counts as the alarm says.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from budgetbuddy import contract
from infra.metrics import AWS_METRICS

pytestmark = pytest.mark.engine

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"

Series = Sequence[float | None]  # one value per period, oldest first; None where there is no data


# --- Evaluation ----------------------------------------------------------------------------------

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
ARITHMETIC: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(alarm: Mapping[str, Any], data: Mapping[str, Series]) -> bool:
    """Whether the alarm fires after the last period; `data` is by metric name, or query id."""
    window = alarm["evaluationPeriods"]
    beyond = COMPARISONS[alarm["comparisonOperator"]]
    counted = 0
    for place in range(-window, 0):
        value = _value(alarm, data, place)
        missing = alarm["treatMissingData"] == "breaching"
        counted += missing if value is None else beyond(value, alarm["threshold"])
    return bool(counted >= alarm["datapointsToAlarm"])


def _value(alarm: Mapping[str, Any], data: Mapping[str, Series], place: int) -> float | None:
    if "metricName" in alarm:
        return _at(next(iter(data.values())), place)
    (result,) = [query for query in alarm["metricQueries"] if query["returnData"]]
    inputs = {
        query["id"]: _at(data.get(query["id"], ()), place)
        for query in alarm["metricQueries"]
        if "metric" in query
    }
    assert data.keys() <= inputs.keys()
    return _math(ast.parse(result["expression"], mode="eval").body, inputs)


def _at(series: Series, place: int) -> float | None:
    return series[place] if len(series) >= -place else None


def _math(node: ast.expr, inputs: Mapping[str, float | None]) -> float | None:
    """One period of CloudWatch's metric math: arithmetic on a gap is a gap, FILL closes it."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=query):
            return inputs[query]
        case ast.Call(func=ast.Name(id="FILL"), args=[value, default]):
            found = _math(value, inputs)
            return _math(default, inputs) if found is None else found
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no]):
            holds = _math(condition, inputs)
            return None if holds is None else _math(yes if holds else no, inputs)
        case ast.Compare(left=left, ops=[ast.GtE()], comparators=[right]):
            pair = _pair(left, right, inputs)
            return None if pair is None else float(pair[0] >= pair[1])
        case ast.BinOp(left=left, op=operation, right=right):
            pair = _pair(left, right, inputs)
            return None if pair is None else ARITHMETIC[type(operation)](*pair)
        case _:
            raise AssertionError(f"metric math we do not know: {ast.dump(node)}")


def _pair(
    left: ast.expr, right: ast.expr, inputs: Mapping[str, float | None]
) -> tuple[float, float] | None:
    one, other = _math(left, inputs), _math(right, inputs)
    return None if one is None or other is None else (one, other)


@pytest.mark.parametrize(
    ("missing", "series", "fires"),
    [
        ("notBreaching", [9, 9, 9], True),
        ("notBreaching", [9, None, 9], True),
        ("notBreaching", [9, None, None], False),
        ("notBreaching", [1, 1, 9], False),
        ("breaching", [1, None, None], True),
        ("breaching", [9, 9, 9, 1, 1], False),
    ],
)
def test_the_evaluation_counts_periods_and_gaps(
    missing: str, series: Series, *, fires: bool
) -> None:
    alarm = {
        "metricName": "n",
        "evaluationPeriods": 3,
        "datapointsToAlarm": 2,
        "threshold": 5,
        "comparisonOperator": "GreaterThanThreshold",
        "treatMissingData": missing,
    }

    assert evaluate(alarm, {"n": series}) is fires


# --- Series --------------------------------------------------------------------------------------

# Alarm, or the part of its name that a family shares -> what trips it in production, what does not.
SERIES: dict[str, tuple[dict[str, Series], dict[str, Series]]] = {
    "api-cpu-high": ({"n": [81] * 5}, {"n": [99, 99, 99, 99, 80]}),
    "api-memory-high": ({"n": [80.1] * 5}, {"n": [95, 95, 70, 95, 95]}),
    "api-running-below-desired": (
        {"desired": [3] * 5, "running": [2] * 5},
        {"desired": [3] * 5, "running": [2, 2, 2, 2, 3]},
    ),
    "api-unhealthy": ({"n": [1, 1, 1]}, {"n": [1, 1, 0]}),
    "api-no-healthy-host": ({"b": [0, 0]}, {"b": [0, 0], "g": [0, 1]}),
    "api-error-rate": (
        {"req": [100] * 5, "t": [None, None, 2, 2, 2]},
        # One failure in a quiet minute is no rate; two minutes of three are not enough.
        {"req": [19, 19, 19, 100, 100], "t": [19, 19, 19, 2, 2], "e": [None] * 5},
    ),
    "api-p95-latency": ({"n": [0.2, 0.2, 0.51, 0.51, 0.51]}, {"n": [0.5] * 5}),
    "api-p99-latency": ({"n": [1.1] * 3}, {"n": [5, 5, 1]}),
    "alb-rejected-connections": ({"n": [1, 0, 1, 0, 1]}, {"n": [9, 0, 9, 0, 0]}),
    "metrics-silent": ({"n": [None] * 5}, {"n": [None, None, None, None, 4]}),
    "auth-failure-spike": ({"n": [51]}, {"n": [50]}),
    "refresh-token-reuse": ({"n": [1]}, {"n": [None]}),
    "audit-chain-broken": ({"n": [1]}, {"n": [0]}),
    "unhandled-error": ({"n": [1]}, {"n": [0]}),
    "rate-limiter-degraded": ({"n": [1]}, {"n": [None]}),
    "sign-in-overload": ({"n": [1]}, {"n": [None]}),
    "webhook-forgeries": ({"n": [21]}, {"n": [20]}),
    "pin-mismatch": ({"n": [1]}, {"n": [None]}),
    "pinning-relaxed": ({"n": [1]}, {"n": [0]}),
    "provider-left-alone": ({"n": [2, 2]}, {"n": [2, 1]}),
    "bank-sync-failing": ({"n": [10]}, {"n": [9]}),
    "worker-cpu-high": ({"n": [81] * 5}, {"n": [99, 99, 99, 99, 80]}),
    "worker-memory-high": ({"n": [80.1] * 5}, {"n": [95, 95, 70, 95, 95]}),
    "worker-running-below-desired": (
        {"desired": [1] * 5, "running": [0] * 5},
        {"desired": [1] * 5, "running": [0, 0, 0, 0, 1]},
    ),
    "jobs-failing": ({"n": [3]}, {"n": [2]}),
    "queue-age": ({"n": [301] * 5}, {"n": [301, 301, 301, 301, 300]}),
    "dlq": ({"n": [1]}, {"n": [0]}),
    "ddb-throttles": (
        {"r": [1, None, None, None, None], "w": [None, None, None, None, 1]},
        {"w": [None, None, None, None, 99]},
    ),
    "ddb-system-errors": ({"m0": [1, None, None], "m3": [None, None, 1]}, {"m0": [None, 9, None]}),
    "nat-port-allocation": ({"n": [1]}, {"n": [0]}),
    "nat-packet-drop": ({"n": [101] * 3}, {"n": [500, 100, 500]}),
    "cert-expiry": ({"n": [29]}, {"n": [30]}),
    "waf-blocked-spike": ({"n": [1001] * 3}, {"n": [9000, 9000, 10]}),
    "cdn-5xx": ({"n": [1.1] * 3}, {"n": [50, 50, 1]}),
    # Who is asked by nobody from outside is as good as down.
    "endpoint-down": ({"n": [0, None, 0]}, {"n": [0, 0, 1]}),
    "firehose-freshness": ({"n": [901] * 3}, {"n": [901, 901, 300]}),
    "firehose-failed": ({"n": [0.99] * 3}, {"n": [1, 1, 1]}),
    "log-delivery": ({"n": [1]}, {"n": [0]}),
    "topic-delivery-failed": ({"n": [1]}, {"n": [None]}),
    "event-delivery-failed": ({"n": [1]}, {"n": [None]}),
    "rotation-failed": ({"n": [1]}, {"n": [None]}),
    # The budget of 99.99 % is one request in ten thousand.
    "slo-burn-1h": ({"req": [10_000], "t": [15]}, {"req": [10_000], "t": [14], "e": [None]}),
    "slo-burn-5m": ({"req": [10_000], "e": [15]}, {"req": [99], "e": [50]}),
    "slo-burn-6h": ({"req": [100_000], "t": [61]}, {"req": [100_000], "t": [60]}),
    "slo-burn-30m": ({"req": [10_000], "t": [7]}, {"req": [10_000], "t": [6]}),
    "slo-trend": ({"req": [1_000_000], "t": [301]}, {"req": [1_000_000], "t": [300]}),
    "cis-unauthorized": ({"n": [10]}, {"n": [9]}),
    "cis-login-failures": ({"n": [3]}, {"n": [2]}),
    "cis-": ({"n": [1]}, {"n": [0]}),
    "out-of-band-change": ({"n": [1]}, {"n": [0]}),
    "rotation-failed-event": ({"n": [1]}, {"n": [0]}),
    "backup-tamper": ({"n": [1]}, {"n": [0]}),
}


def series_of(name: str) -> tuple[dict[str, Series], dict[str, Series]]:
    """The series of an alarm: its own, or those of the longest prefix that has some."""
    found = max((key for key in SERIES if name.startswith(key)), key=len)
    return SERIES[found]


def test_every_alarm_fires_on_its_series_and_not_on_the_other(production: Any) -> None:
    for alarm in production.of(ALARM):
        tripping, quiet = series_of(alarm.name)
        assert evaluate(alarm.inputs, tripping), alarm.name
        assert not evaluate(alarm.inputs, quiet), alarm.name


def test_every_series_is_of_an_alarm_there_is(production: Any) -> None:
    names = [alarm.name for alarm in production.of(ALARM)]

    assert {key for key in SERIES if not any(name.startswith(key) for name in names)} == set()


# --- Composites ----------------------------------------------------------------------------------

TERM = re.compile(r'ALARM\("budgetbuddy-([a-z0-9-]+)"\)')


def composite_fires(rule: str, firing: set[str]) -> bool:
    """`ALARM("a") AND ALARM("b")`: one operator, as our rules have it."""
    states = [name in firing for name in TERM.findall(rule)]
    assert states
    assert TERM.sub("", rule).split() in ([each] * (len(states) - 1) for each in ("AND", "OR"))
    return all(states) if " AND " in rule else any(states)


FIRING: dict[str, tuple[set[str], set[str]]] = {
    "service-down": ({"endpoint-down"}, {"api-error-rate"}),
    "service-degraded": ({"cdn-5xx"}, {"api-p99-latency"}),
    "data-at-risk": ({"ddb-system-errors-audit"}, {"ddb-throttles-audit"}),
    "slo-fast": ({"slo-burn-1h", "slo-burn-5m"}, {"slo-burn-1h"}),
    "slo-slow": ({"slo-burn-6h", "slo-burn-30m"}, {"slo-burn-30m"}),
}


def test_composites_fire_together_as_meant(production: Any) -> None:
    composites = {each.name: each.inputs for each in production.of(COMPOSITE)}
    names = {each.name for each in production.of(ALARM)}

    assert composites.keys() == FIRING.keys()
    for name, (tripping, quiet) in FIRING.items():
        rule = composites[name]["alarmRule"]
        assert tripping | quiet | set(TERM.findall(rule)) <= names
        assert composite_fires(rule, tripping)
        assert not composite_fires(rule, quiet)


def test_what_down_and_degraded_mean_is_what_the_stack_can_see(plan: Any) -> None:
    named = {each.name: set(TERM.findall(each.inputs["alarmRule"])) for each in plan.of(COMPOSITE)}
    outside = {"endpoint-down"} if plan.of("aws:route53/healthCheck:HealthCheck") else set()

    assert named["service-down"] == {"api-no-healthy-host", "metrics-silent"} | outside
    assert named["service-degraded"] == {"api-error-rate", "api-p95-latency", "cdn-5xx"}


def test_who_is_down_is_not_told_that_it_is_slow(production: Any) -> None:
    degraded = production.one(COMPOSITE, "service-degraded")

    assert degraded.inputs["actionsSuppressor"] == {
        "alarm": "budgetbuddy-service-down",
        "waitPeriod": 60,
        "extensionPeriod": 120,
    }


def test_an_alarm_that_tells_nobody_is_part_of_a_composite_that_does(plan: Any) -> None:
    composites = plan.of(COMPOSITE)
    silent = {each.name for each in plan.of(ALARM) if not each.inputs.get("alarmActions")}
    read = {name for each in composites for name in TERM.findall(each.inputs["alarmRule"])}

    assert silent == {"slo-burn-1h", "slo-burn-5m", "slo-burn-6h", "slo-burn-30m"}
    assert silent <= read
    assert all(each.inputs["alarmActions"] for each in composites)


# --- What they look at ---------------------------------------------------------------------------


def metrics_of(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    queries = alarm.get("metricQueries") or ()
    return [query["metric"] for query in queries if "metric" in query] or [alarm]


def test_every_metric_of_an_alarm_exists(plan: Any, stack: str) -> None:
    declared = {str(spec.metric): spec for spec in contract.METRICS}
    counted = {
        each.inputs["metricTransformation"]["name"]
        for each in plan.of("aws:cloudwatch/logMetricFilter:LogMetricFilter")
    }
    for alarm in plan.of(ALARM):
        for metric in metrics_of(alarm.inputs):
            dimensions = metric.get("dimensions") or {}
            match metric["namespace"]:
                case "BudgetBuddy":
                    spec = declared[metric["metricName"]]
                    second = {str(spec.dimension)} if spec.dimension else set()
                    assert dimensions["Environment"] == stack
                    assert dimensions.keys() <= {"Environment"} | second
                case "BudgetBuddy/Security":
                    assert metric["metricName"] in counted
                case namespace:
                    known = AWS_METRICS[namespace]
                    assert metric["metricName"] in known.names, alarm.name
                    assert set(dimensions) in known.dimensions, alarm.name


def test_the_period_of_an_alarm_is_one_cloudwatch_takes(plan: Any) -> None:
    """Period times periods may reach a week from an hour up, a day below."""
    for alarm in plan.of(ALARM):
        periods = {metric["period"] for metric in metrics_of(alarm.inputs)}
        (period,) = periods
        longest = 604_800 if period >= 3600 else 86_400
        assert period % 60 == 0
        assert period * alarm.inputs["evaluationPeriods"] <= longest
        assert len(metrics_of(alarm.inputs)) <= 10


def test_every_alarm_is_named_in_the_outputs(plan: Any) -> None:
    made = [*plan.of(ALARM), *plan.of(COMPOSITE)]

    assert sorted(plan.outputs["alarmNames"]) == sorted(f"budgetbuddy-{each.name}" for each in made)
    assert plan.outputs["deploymentAlarmNames"] == [
        "budgetbuddy-api-error-rate",
        "budgetbuddy-api-p95-latency",
    ]


def test_before_the_first_release_no_alarm_waits_for_tasks(plans: Callable[..., Any]) -> None:
    first = plans("staging", released=False)
    waiting = [
        each.name for each in first.of(ALARM) if each.inputs["treatMissingData"] != "notBreaching"
    ]

    assert waiting == []
    assert {each.name for each in first.of(COMPOSITE)} == {"slo-fast", "slo-slow", "data-at-risk"}
