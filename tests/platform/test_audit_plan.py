"""Who did what is recorded, kept and watched, as the engine would build it."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.security_events import SECURITY_EVENTS

pytestmark = pytest.mark.engine

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
TRAIL = "aws:cloudtrail/trail:Trail"


def test_the_trail_covers_every_region_and_can_be_verified(plan: Any) -> None:
    trail = plan.one(TRAIL)

    for key in (
        "isMultiRegionTrail",
        "includeGlobalServiceEvents",
        "enableLogging",
        "enableLogFileValidation",
    ):
        assert trail.inputs[key] is True
    assert plan.at(trail.depends_on["kmsKeyId"][0]).name == "audit"
    assert plan.at(trail.depends_on["s3BucketName"][0]).name == "audit"
    assert plan.at(trail.depends_on["cloudWatchLogsGroupArn"][0]).name == "logs-trail"
    assert {each["insightType"] for each in trail.inputs["insightSelectors"]} == {
        "ApiCallRateInsight",
        "ApiErrorRateInsight",
    }


def test_the_trail_records_management_evidence_and_money(plan: Any) -> None:
    trail = plan.one(TRAIL)
    selectors = {
        each["name"]: {field["field"]: field for field in each["fieldSelectors"]}
        for each in trail.inputs["advancedEventSelectors"]
    }
    seen = {plan.at(urn).name for urn in trail.depends_on["advancedEventSelectors"]}

    assert selectors["management"].keys() == {"eventCategory"}
    assert selectors["reads of the evidence"]["readOnly"]["equals"] == ["true"]
    assert selectors["changes of the ledger"]["readOnly"]["equals"] == ["false"]
    assert "readOnly" not in selectors["the audit table"]
    assert seen == {"audit", "ledger", "log-archive"}


def test_every_security_event_has_a_filter_and_an_alarm(plan: Any) -> None:
    alarms = {each.name: each for each in plan.of(ALARM)}
    (group,) = [g for g in plan.of("aws:cloudwatch/logGroup:LogGroup") if g.name == "logs-trail"]
    filters = {each.name: each for each in plan.of(FILTER)}

    assert filters.keys() == {event.name for event in SECURITY_EVENTS}
    for event in SECURITY_EVENTS:
        counter, alarm = filters[event.name], alarms[event.name]
        counted = counter.inputs["metricTransformation"]
        assert counter.depends_on["logGroupName"] == (group.urn,)
        assert counter.inputs["pattern"] == event.pattern
        assert (counted["value"], counted["defaultValue"]) == ("1", "0")
        assert alarm.inputs["namespace"] == counted["namespace"] == "BudgetBuddy/Security"
        assert alarm.depends_on["metricName"] == (counter.urn,)
        assert alarm.inputs["threshold"] == event.threshold
        assert alarm.inputs["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm.inputs["period"] == 300
        assert plan.at(alarm.depends_on["alarmActions"][0]).name == event.severity


def test_the_account_forbids_public_buckets_and_weak_passwords(plan: Any) -> None:
    buckets = plan.one("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock").inputs
    passwords = plan.one("aws:iam/accountPasswordPolicy:AccountPasswordPolicy").inputs

    assert all(
        buckets[flag] is True
        for flag in (
            "blockPublicAcls",
            "blockPublicPolicy",
            "ignorePublicAcls",
            "restrictPublicBuckets",
        )
    )
    assert passwords["minimumPasswordLength"] == 14
    assert passwords["passwordReusePrevention"] == 24
    assert passwords["maxPasswordAge"] == 90
    for kind in ("Lowercase", "Uppercase"):
        assert passwords[f"require{kind}Characters"] is True
    assert passwords["requireNumbers"] is passwords["requireSymbols"] is True
    assert plan.one("aws:ebs/encryptionByDefault:EncryptionByDefault").inputs["enabled"] is True


def test_the_audit_trail_outlives_seven_years_in_production(plans: Callable[..., Any]) -> None:
    lock = plans("production").one(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "audit-lock"
    )

    assert lock.inputs["rule"]["defaultRetention"] == {"mode": "COMPLIANCE", "days": 2557}


@pytest.mark.parametrize("event", SECURITY_EVENTS, ids=lambda event: event.name)
def test_a_filter_pattern_fits_cloudwatchs_limit(event: Any) -> None:
    assert event.pattern.startswith("{ ")
    assert event.pattern.endswith(" }")
    assert event.pattern.count("(") == event.pattern.count(")")
    assert len(event.pattern) <= 1024
