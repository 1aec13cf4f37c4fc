"""Metric alarms and dashboards."""

from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import Kind, Operation, pairs, settle_tags, unpaired
from localcloud.providers.aws.kinds.spelling import from_api, to_api

# Wire name to argument of PutMetricAlarm, as far as they are the same value.
SIMPLE: Mapping[str, str] = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "thresholdMetricId": "ThresholdMetricId",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}
DIMENSION = ("Name", "Value")


def _put_alarm(op: Operation) -> str:
    name = str(op.inputs["name"])
    arguments = {
        argument: op.inputs[key]
        for key, argument in SIMPLE.items()
        if op.inputs.get(key) is not None
    }
    if op.inputs.get("dimensions"):
        arguments["Dimensions"] = pairs(op.inputs["dimensions"], *DIMENSION)
    if op.inputs.get("metricQueries"):
        arguments["Metrics"] = [_query(one) for one in op.inputs["metricQueries"]]
    op.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=pairs(op.tags), **arguments)
    return name


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    """A metric query for the API, which nests the metric deeper than the SDK does."""
    result: dict[str, Any] = to_api({k: v for k, v in query.items() if k != "metric"}, {})
    if query.get("metric"):
        metric = query["metric"]
        result["MetricStat"] = {
            "Metric": {
                "Namespace": metric.get("namespace"),
                "MetricName": metric["metricName"],
                "Dimensions": pairs(metric.get("dimensions") or {}, *DIMENSION),
            },
            "Period": metric["period"],
            "Stat": metric["stat"],
            **({"Unit": metric["unit"]} if metric.get("unit") else {}),
        }
    return result


def _shown_query(query: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = from_api({k: v for k, v in query.items() if k != "MetricStat"}, {})
    if stat := query.get("MetricStat"):
        shown["metric"] = {
            "namespace": stat["Metric"].get("Namespace"),
            "metricName": stat["Metric"]["MetricName"],
            "dimensions": unpaired(stat["Metric"].get("Dimensions", []), *DIMENSION),
            "period": stat["Period"],
            "stat": stat["Stat"],
            "unit": stat.get("Unit"),
        }
    return shown


def _apply_alarm(op: Operation) -> None:
    """Put again: the call replaces everything but the tags, which it takes only for a new alarm."""
    _put_alarm(op)
    service = op.client("cloudwatch")
    found = _alarm(op) or {}
    arn = found.get("AlarmArn", "")
    settle_tags(
        _tags(op, arn),
        op.tags,
        lambda tags: service.tag_resource(ResourceARN=arn, Tags=pairs(tags)),
        lambda keys: service.untag_resource(ResourceARN=arn, TagKeys=keys),
    )


def _alarm(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("cloudwatch").describe_alarms(AlarmNames=[op.id], AlarmTypes=["MetricAlarm"])[
        "MetricAlarms"
    ]
    return found[0] if found else None


def _tags(op: Operation, arn: str) -> dict[str, str]:
    found = op.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)
    return unpaired(found.get("Tags", []))


def _read_alarm(op: Operation) -> Mapping[str, Any] | None:
    found = _alarm(op)
    if found is None:
        return None
    live: dict[str, Any] = {
        key: found.get(argument) if found.get(argument) not in ([], "") else None
        for key, argument in SIMPLE.items()
    }
    live["dimensions"] = unpaired(found.get("Dimensions", []), *DIMENSION) or None
    # The embedded AWS keeps no metric math: an alarm without any metric says nothing about it.
    if found.get("Metrics") or found.get("MetricName"):
        live["metricQueries"] = [_shown_query(one) for one in found.get("Metrics", [])] or None
    live["evaluateLowSampleCountPercentiles"] = live["evaluateLowSampleCountPercentiles"] or ""
    return live | {
        "arn": found["AlarmArn"],
        "name": found["AlarmName"],
        "tagsAll": _tags(op, found["AlarmArn"]),
    }


def _delete_alarm(op: Operation) -> None:
    op.client("cloudwatch").delete_alarms(AlarmNames=[op.id])


def _put_dashboard(op: Operation) -> str:
    name = str(op.inputs["dashboardName"])
    op.client("cloudwatch").put_dashboard(
        DashboardName=name, DashboardBody=op.inputs["dashboardBody"]
    )
    return name


def _apply_dashboard(op: Operation) -> None:
    _put_dashboard(op)


def _read_dashboard(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("cloudwatch").get_dashboard(DashboardName=op.id)
    prefix = f"arn:{op.config.partition}:cloudwatch::{op.config.account}"
    return {
        "dashboardName": op.id,
        "dashboardBody": found["DashboardBody"],
        "dashboardArn": f"{prefix}:dashboard/{op.id}",
    }


def _delete_dashboard(op: Operation) -> None:
    op.client("cloudwatch").delete_dashboards(DashboardNames=[op.id])


KINDS = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(
        _put_alarm, _read_alarm, _delete_alarm, _apply_alarm
    ),
    "aws:cloudwatch/dashboard:Dashboard": Kind(
        _put_dashboard, _read_dashboard, _delete_dashboard, _apply_dashboard
    ),
}
