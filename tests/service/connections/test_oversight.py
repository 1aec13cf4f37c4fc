"""Reports and the state of the system: from what is measured, and for whom it is."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from budgetbuddy import contract
from budgetbuddy.domain.access import Role
from budgetbuddy.domain.compliance import CONTROLS, FRAMEWORKS, ControlStatus, judged
from budgetbuddy.domain.evidence import Evidence, EvidenceSource
from budgetbuddy.domain.services import Services
from budgetbuddy.settings import Settings, load_settings

from ..conftest import (  # noqa: TID252 - fixtures' module
    NOON,
    REGION,
    Account,
    Caller,
    ManualClock,
    create_tables,
    environment,
)

BUCKET = "budgetbuddy-evidence-1"
NOW = "2026-06-15T12:00:00.000Z"
OLD = "2026-01-01T00:00:00.000Z"
FRESH = "2026-06-15T03:00:00.000Z"


def of_table(**told: Any) -> dict[str, Any]:
    return {"tables": {"Ledger": told}}


# By control: what is good, and what is not.
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "RT-01": (
        [of_table(enabled=True, days=35, expectedDays=35)],
        [
            of_table(enabled=False, days=35, expectedDays=35),
            of_table(enabled=True, days=7, expectedDays=35),
            {"tables": {}},
        ],
    ),
    "RT-02": ([of_table(newest=FRESH)], [of_table(newest=OLD), of_table(newest=None)]),
    "RT-03": (
        [of_table(enabled=True, customerManaged=True)],
        [
            of_table(enabled=True, customerManaged=False),
            of_table(enabled=False, customerManaged=True),
        ],
    ),
    "RT-04": (
        [{"keys": {"ledger": {"rotates": True}}}],
        [{"keys": {"ledger": {"rotates": True}, "audit": {"rotates": False}}}, {"keys": {}}],
    ),
    "RT-05": ([of_table(protected=True)], [of_table(protected=False)]),
    "RT-06": ([{"count": 3, "silent": 0}], [{"count": 0, "silent": 0}, {"count": 3, "silent": 1}]),
    "RT-07": (
        [{"complete": True, "finishedAt": FRESH, "broken": 0}],
        [
            {"complete": False, "finishedAt": FRESH, "broken": 0},
            {"complete": True, "finishedAt": OLD, "broken": 0},
            {"complete": True, "finishedAt": FRESH, "broken": 1},
        ],
    ),
    "RT-08": ([{"count": 2, "withSecondFactor": 2}], [{"count": 2, "withSecondFactor": 1}]),
    "RT-09": ([{"resultHash": "a"}], [{"resultHash": None}]),
    "RT-10": ([{"overdue": 0}], [{"overdue": 1}]),
    "RT-12": ([{"at": FRESH}], [{"at": OLD}]),
}
NOTHING_TO_JUDGE = {"RT-08": {"count": 0, "withSecondFactor": 0}, "RT-11": {"health": []}}


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_control_says_what_its_evidence_says_and_without_any_that_it_is_unknown(
    control: Any,
) -> None:
    def status(value: Any) -> ControlStatus:
        evidence = Evidence(source=control.source, value=value, collected_at=NOW)
        return judged(control, evidence).status

    good, bad = VALUES.get(control.id, ([], [{"health": ["transactions"]}]))
    assert {status(value) for value in good} <= {ControlStatus.PASS}
    assert {status(value) for value in bad} == {ControlStatus.FAIL}
    assert status(None) is ControlStatus.UNKNOWN
    if control.id in NOTHING_TO_JUDGE:
        assert status(NOTHING_TO_JUDGE[control.id]) is ControlStatus.NOT_APPLICABLE


def test_every_control_belongs_to_a_framework_and_every_framework_has_some() -> None:
    known = {framework.id for framework in FRAMEWORKS}

    assert {name for control in CONTROLS for name in control.references} == known
    assert len({control.id for control in CONTROLS}) == len(CONTROLS)


@pytest.fixture
def settings(aws: Account) -> Settings:
    """A service that knows where the pipeline keeps its bundles."""
    create_tables(aws.sdk.client("dynamodb"), "Oversight")
    made = environment(
        DYNAMODB_TABLE_PREFIX="Oversight", DATA_KEY_ID=aws.key_id, EVIDENCE_BUCKET=BUCKET
    )
    return load_settings(made)


@pytest.fixture
def officer(sign_up_as: Callable[[Role], Caller]) -> Caller:
    return sign_up_as(Role.COMPLIANCE)


@pytest.fixture
def admin(sign_up_as: Callable[[Role], Caller]) -> Caller:
    return sign_up_as(Role.ADMIN)


def clients_of(wired: Services) -> Any:
    return wired.operations._clients  # type: ignore[attr-defined]  # noqa: SLF001 - to put stubs in


def statuses(caller: Caller, framework: str) -> dict[str, str]:
    report = caller("GET", f"/compliance/reports/{framework}")
    assert report.status_code == 200, report.json
    return {control["id"]: control["status"] for control in report.json["controls"]}


def test_what_was_never_measured_is_unknown_and_what_is_wrong_fails(
    officer: Caller, wired: Services
) -> None:
    with Stubber(clients_of(wired).of("backup")) as backup:
        backup.add_client_error("list_recovery_points_by_resource", "AccessDeniedException")
        found = statuses(officer, "soc2")

    for control in ("RT-02", "RT-04", "RT-07", "RT-08", "RT-09", "RT-12"):
        assert found[control] == "unknown", control
    for control in ("RT-01", "RT-03", "RT-05", "RT-06"):
        assert found[control] == "fail", control
    assert found["RT-10"] == "pass"


def test_what_is_measured_passes(
    officer: Caller, wired: Services, aws: Account, clock: ManualClock
) -> None:
    dynamodb, kms = aws.sdk.client("dynamodb"), aws.sdk.client("kms")
    for spec in contract.TABLES:
        name = f"Oversight-{spec.name}"
        dynamodb.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={
                "PointInTimeRecoveryEnabled": True,
                "RecoveryPeriodInDays": spec.restore_days,
            },
        )
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
        arn = kms.describe_key(KeyId=aws.key_id)["KeyMetadata"]["Arn"]
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[name]
        table.sse_specification = {"Enabled": True, "KMSMasterKeyId": arn}  # no call of moto does
    kms.enable_key_rotation(KeyId=aws.key_id)
    for name in {spec.key_class for spec in contract.TABLES} | {contract.ENVELOPE_KEY_CLASS}:
        kms.create_alias(AliasName=f"alias/budgetbuddy-{name}", TargetKeyId=aws.key_id)
    aws.sdk.client("cloudwatch").put_metric_alarm(
        AlarmName="budgetbuddy-errors",
        MetricName="ServerErrorCount",
        Namespace="BudgetBuddy",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=["arn:aws:sns:eu-central-1:1:critical"],
    )
    s3 = aws.sdk.client("s3")
    where = {"LocationConstraint": "eu-central-1"}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    manifest = {
        "resultHash": "abc",
        "files": {"evidence.json": "1"},
        "made": {"stack": "production"},
    }
    s3.put_object(Bucket=BUCKET, Key="preview/test/manifest.json", Body=json.dumps(manifest))
    assert officer("POST", "/audit/verify", {}).status_code == 202
    try:
        with Stubber(clients_of(wired).of("backup")) as backup:
            made = {"RecoveryPointArn": "r", "CreationDate": clock(), "Status": "COMPLETED"}
            for _ in range(2):
                answer = {"RecoveryPoints": [made, {**made, "Status": "EXPIRED"}]}
                backup.add_response("list_recovery_points_by_resource", answer)
            found = statuses(officer, "soc2")
    finally:
        for name in {spec.key_class for spec in contract.TABLES} | {contract.ENVELOPE_KEY_CLASS}:
            kms.delete_alias(AliasName=f"alias/budgetbuddy-{name}")
        aws.sdk.client("cloudwatch").delete_alarms(AlarmNames=["budgetbuddy-errors"])
        s3.delete_object(Bucket=BUCKET, Key="preview/test/manifest.json")
        s3.delete_bucket(Bucket=BUCKET)

    assert found.pop("RT-12") == "unknown"
    assert set(found.values()) == {"pass"}, found


def test_a_report_says_what_it_covers_and_a_spreadsheet_has_the_same_rows(
    officer: Caller, trail: Callable[[Caller], list[str]]
) -> None:
    names = [item["id"] for item in officer("GET", "/compliance/frameworks").json["items"]]
    assert names == ["soc2", "pci-dss", "hipaa", "iso27001", "gdpr"]
    report = officer("GET", "/compliance/reports/hipaa").json
    assert "protected health information" in report["scope"]
    assert sum(report["summary"].values()) == len(report["controls"])
    by_id = {control["id"]: control for control in report["controls"]}
    assert by_id["RT-11"]["status"] == "not_applicable"
    assert by_id["RT-11"]["evidence"][0]["value"]["kinds"] > 20

    sheet = officer("GET", "/compliance/reports/hipaa?format=csv")
    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert sheet.mimetype == "text/csv"
    assert [row["control"] for row in rows] == list(by_id)
    assert {row["status"] for row in rows} <= {str(status) for status in ControlStatus}
    assert officer("GET", "/compliance/reports/cobit").status_code == 404
    assert trail(officer).count("compliance.reported") == 2


def test_a_control_and_raw_evidence_can_be_looked_at_alone(officer: Caller) -> None:
    shown = officer("GET", "/compliance/controls/RT-05").json
    assert shown["evidence"][0]["value"]["tables"]["Ledger"] == {"protected": False}
    assert officer("GET", "/compliance/controls/RT-99").status_code == 404
    (one,) = officer("GET", "/compliance/evidence?source=erasures").json["items"]
    assert one["value"] == {"overdue": 0}
    everything = officer("GET", "/compliance/evidence").json["items"]
    assert [item["source"] for item in everything] == [str(source) for source in EvidenceSource]
    restored = next(item for item in everything if item["source"] == "restore-test")
    assert restored["value"] is None


def test_an_operator_sees_alarms_metrics_pipeline_and_dependencies(
    admin: Caller, wired: Services, trail: Callable[[Caller], list[str]]
) -> None:
    clients = clients_of(wired)
    with Stubber(clients.of("cloudwatch")) as watch, Stubber(clients.of("codepipeline")) as pipe:
        state = {"StateValue": "ALARM", "StateUpdatedTimestamp": NOON, "StateReason": "5 > 1"}
        for number in (1, 2):
            page = {"MetricAlarms": [{"AlarmName": f"budgetbuddy-{3 - number}", **state}]}
            watch.add_response(
                "describe_alarms", {**page, **({"NextToken": "n"} if number == 1 else {})}
            )
        found = {"Label": "plaid", "Timestamps": [NOON], "Values": [2.0], "Id": "series"}
        watch.add_response("get_metric_data", {"MetricDataResults": [found]})
        latest = {"status": "Succeeded", "pipelineExecutionId": "e"}
        action = {"latestExecution": {"status": "Succeeded", "lastStatusChange": NOON}}
        stage = {"stageName": "Deploy", "latestExecution": latest, "actionStates": [action]}
        pipe.add_response("get_pipeline_state", {"stageStates": [stage, {"stageName": "Verify"}]})
        alarms = admin("GET", "/ops/alarms").json["items"]
        series = admin("GET", "/ops/metrics?name=BreakerState&hours=1").json["items"]
        stages = admin("GET", "/ops/pipeline").json["items"]

    assert [alarm["name"] for alarm in alarms] == ["budgetbuddy-1", "budgetbuddy-2"]
    assert alarms[0] == {
        "name": "budgetbuddy-1",
        "state": "ALARM",
        "since": NOW,
        "reason": "5 > 1",
    }
    assert series == [{"group": "plaid", "points": [{"at": NOW, "value": 2.0}]}]
    assert stages == [
        {"name": "Deploy", "status": "Succeeded", "changedAt": NOW},
        {"name": "Verify", "status": None, "changedAt": None},
    ]
    names = {item["name"] for item in admin("GET", "/ops/dependencies").json["items"]}
    assert "evidence" in names
    info = admin("GET", "/ops/info").json
    assert (info["release"], info["environment"]) == ("test", "test")
    assert admin("GET", "/ops/metrics?name=Nothing").status_code == 422
    assert admin("GET", "/ops/metrics?name=BreakerState&hours=73").status_code == 422
    assert trail(admin).count("ops.viewed") == 5


def test_where_nothing_delivers_there_is_no_stage_and_where_aws_fails_that_is_said(
    admin: Caller, wired: Services
) -> None:
    with Stubber(clients_of(wired).of("codepipeline")) as pipe:
        pipe.add_client_error("get_pipeline_state", "PipelineNotFoundException")
        pipe.add_client_error("get_pipeline_state", "ThrottlingException")
        assert admin("GET", "/ops/pipeline").json["items"] == []
        failed = admin("GET", "/ops/pipeline")

    assert (failed.status_code, failed.json["code"]) == (503, "upstream_unavailable")
    (seen,) = [
        item
        for item in admin("GET", "/ops/dependencies").json["items"]
        if item["name"] == "evidence"
    ]
    assert seen["lastFailureAt"] is not None


def test_they_are_there_for_nobody_else(signed_in: Caller, officer: Caller, admin: Caller) -> None:
    reports = ("/compliance/frameworks", "/compliance/reports/soc2", "/compliance/evidence")
    states = ("/ops/info", "/ops/dependencies", "/ops/alarms", "/ops/pipeline")
    for path in (*reports, *states):
        answer = signed_in("GET", path)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path
    for path in states:
        assert officer("GET", path).status_code == 404, path
    assert admin("GET", "/compliance/frameworks").status_code == 200
