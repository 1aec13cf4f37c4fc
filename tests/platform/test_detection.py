"""What looks for attackers and what reports it, as the engine would build it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.event_rules import EVENTS, event_pattern
from infra.naming import Names
from infra.settings import SecuritySettings

ACCOUNT = "123456789012"
NAMES = Names(account_id=ACCOUNT, region="us-east-1", environment="production")
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
SERVICE = f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/budgetbuddy-cluster/budgetbuddy-backend"


# --- EventBridge's patterns: every field of the pattern must match one of the event --------------


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether `event`, or one of its elements where it is a list, has all that is asked."""
    if isinstance(event, list):
        return any(matches(pattern, each) for each in event)
    return isinstance(event, Mapping) and all(
        _field(wanted, event.get(key)) for key, wanted in pattern.items()
    )


def _field(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, Mapping):
        return matches(wanted, actual)
    values = actual if isinstance(actual, list) else [actual]
    return any(_value(one, value) for one in wanted for value in values)


def _value(wanted: Any, actual: Any) -> bool:
    match wanted:
        case {"numeric": [">=", least]}:
            return isinstance(actual, (int, float)) and actual >= least
        case {"anything-but": other}:
            return actual is not None and actual != other
        case _:
            return bool(wanted == actual)


def finding(**changes: Any) -> dict[str, Any]:
    base = {
        "ProductName": "Security Hub",
        "RecordState": "ACTIVE",
        "Severity": {"Label": "HIGH"},
        "Workflow": {"Status": "NEW"},
    }
    return {"findings": [base | changes]}


# rule -> detail that is reported, details that are not
SAMPLES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "guardduty-finding": ({"severity": 4}, [{"severity": 3.9}, {}]),
    "security-hub-finding": (
        finding(),
        [
            finding(Severity={"Label": "MEDIUM"}),
            finding(Workflow={"Status": "SUPPRESSED"}),
            finding(RecordState="ARCHIVED"),
            finding(ProductName="GuardDuty"),
        ],
    ),
    "external-access-finding": ({"status": "ACTIVE"}, [{"status": "RESOLVED"}]),
    "deployment-failed": (
        {"eventName": "SERVICE_DEPLOYMENT_FAILED"},
        [{"eventName": "SERVICE_DEPLOYMENT_COMPLETED"}],
    ),
    "restore-failed": ({"status": "FAILED"}, [{"status": "COMPLETED"}, {"status": "RUNNING"}]),
}


@pytest.mark.parametrize("spec", EVENTS, ids=lambda spec: spec.name)
def test_a_rule_reports_what_it_is_for_and_nothing_beside(spec: Any) -> None:
    pattern = json.loads(event_pattern(spec, NAMES))
    reported, others = SAMPLES[spec.name]
    event = {
        "account": ACCOUNT,
        "source": spec.source,
        "detail-type": spec.kind,
        "resources": [SERVICE],
        "detail": reported,
    }

    assert matches(pattern, event)
    assert not any(matches(pattern, event | {"detail": other}) for other in others)
    assert not matches(pattern, event | {"account": "999999999999"})
    assert not matches(pattern, event | {"detail-type": "Another"})
    assert matches(pattern, event | {"resources": []}) is (spec.source != "aws.ecs")


# --- Plan ----------------------------------------------------------------------------------------


@pytest.mark.engine
def test_every_event_reaches_the_topic_of_its_severity(plan: Any) -> None:
    rules = {each.name: each for each in plan.of(RULE)}
    targets = {each.name: each for each in plan.of(TARGET)}

    assert rules.keys() == targets.keys() == {spec.name for spec in EVENTS}
    for spec in EVENTS:
        assert rules[spec.name].inputs["name"] == f"budgetbuddy-{spec.name}"
        assert rules[spec.name].inputs["state"] == "ENABLED"
        assert targets[spec.name].depends_on["rule"] == (rules[spec.name].urn,)
        assert plan.at(targets[spec.name].depends_on["arn"][0]).name == spec.severity


@pytest.mark.engine
def test_attackers_are_looked_for_in_tables_buckets_and_functions(plan: Any) -> None:
    detector = plan.one("aws:guardduty/detector:Detector")
    features = plan.of("aws:guardduty/detectorFeature:DetectorFeature")

    assert detector.inputs["enable"] is True
    assert detector.inputs["findingPublishingFrequency"] == "FIFTEEN_MINUTES"
    assert {each.inputs["name"] for each in features} == {
        "S3_DATA_EVENTS",
        "EBS_MALWARE_PROTECTION",
        "LAMBDA_NETWORK_LOGS",
    }
    assert {each.inputs["status"] for each in features} == {"ENABLED"}
    assert all(each.depends_on["detectorId"] == (detector.urn,) for each in features)
    assert plan.one("aws:accessanalyzer/analyzer:Analyzer").inputs["type"] == "ACCOUNT"


@pytest.mark.engine
def test_production_is_measured_by_three_standards(plans: Callable[..., Any]) -> None:
    def subscribed(stack: str) -> set[str]:
        kind = "aws:securityhub/standardsSubscription:StandardsSubscription"
        return {each.inputs["standardsArn"] for each in plans(stack).of(kind)}

    best = (
        "arn:aws:securityhub:us-east-1::standards/aws-foundational-security-best-practices/v/1.0.0"
    )
    assert subscribed("staging") == {best}
    assert subscribed("production") == {
        best,
        "arn:aws:securityhub:us-east-1::standards/cis-aws-foundations-benchmark/v/3.0.0",
        "arn:aws:securityhub:us-east-1::standards/pci-dss/v/4.0.1",
    }


@pytest.mark.engine
def test_the_configuration_of_everything_is_recorded_and_kept(plan: Any, stack: str) -> None:
    recorder = plan.one("aws:cfg/recorder:Recorder")
    channel = plan.one("aws:cfg/deliveryChannel:DeliveryChannel")
    status = plan.one("aws:cfg/recorderStatus:RecorderStatus")
    history = plan.one("aws:cfg/retentionConfiguration:RetentionConfiguration")

    assert recorder.inputs["recordingGroup"]["allSupported"] is True
    assert recorder.inputs["recordingGroup"]["includeGlobalResourceTypes"] is True
    assert recorder.inputs["recordingMode"]["recordingFrequency"] == (
        "CONTINUOUS" if stack == "production" else "DAILY"
    )
    assert status.inputs["isEnabled"] is True
    assert plan.at(channel.depends_on["s3BucketName"][0]).name == "config"
    assert plan.at(channel.depends_on["s3KmsKeyArn"][0]).name == "audit"
    days = {"local": 365, "staging": 400, "production": 2557}[stack]
    assert history.inputs["retentionPeriodInDays"] == days


@pytest.mark.engine
def test_a_detector_of_somebody_else_is_left_alone(edited_project: Callable[..., Any]) -> None:
    off = {"security.guardDuty": False, "security.securityHub": False}
    done = edited_project("staging", {**off, "security.configRecorder": False}).run(
        "preview", "--stack", "staging", "--json"
    )
    kinds = {step["newState"]["type"].split(":")[1].split("/")[0] for step in _steps(done.stdout)}

    assert done.returncode == 0
    assert {"s3", "accessanalyzer"} <= kinds
    assert not {"guardduty", "securityhub", "cfg"} & kinds


@pytest.mark.engine
def test_tasks_are_watched_from_inside_where_the_stack_says_so(
    edited_project: Callable[..., Any],
) -> None:
    done = edited_project("staging", {"security.runtimeMonitoring": True}).run(
        "preview", "--stack", "staging", "--json"
    )
    (runtime,) = [
        step["newState"]["inputs"]
        for step in _steps(done.stdout)
        if step["newState"]["inputs"].get("name") == "RUNTIME_MONITORING"
    ]

    assert [each["name"] for each in runtime["additionalConfigurations"]] == [
        "ECS_FARGATE_AGENT_MANAGEMENT"
    ]
    assert SecuritySettings().runtime_monitoring is False


def _steps(text: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = json.loads(text)["steps"]
    return [step for step in steps if step["newState"]["type"].startswith("aws:")]
