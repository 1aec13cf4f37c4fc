"""The stages, what they hand on, and who is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.engine

PIPELINE = "aws:codepipeline/pipeline:Pipeline"
PROJECT = "aws:codebuild/project:Project"
STAGES = ["Source", "Test", "Build", "Preview", "Approve", "Deploy", "Verify"]


def actions(plan: Any) -> dict[str, dict[str, Any]]:
    """The one action of each stage, by stage, in order."""
    return {stage["name"]: stage["actions"][0] for stage in plan.one(PIPELINE).inputs["stages"]}


def variables(action: dict[str, Any]) -> dict[str, str]:
    given = json.loads(action["configuration"]["EnvironmentVariables"])
    return {each["name"]: each["value"] for each in given}


def test_production_asks_a_person_between_preview_and_deployment(
    plans: Callable[[str], Any],
) -> None:
    assert list(actions(plans("production"))) == STAGES
    assert list(actions(plans("staging"))) == [each for each in STAGES if each != "Approve"]


def test_the_person_sees_what_would_change_and_the_evidence(plans: Callable[[str], Any]) -> None:
    approve = actions(plans("production"))["Approve"]

    assert (approve["category"], approve["provider"]) == ("Approval", "Manual")
    assert approve["configuration"]["CustomData"] == "#{Preview.SUMMARY}"
    assert approve["configuration"]["ExternalEntityLink"] == "#{Preview.EVIDENCE_URL}"
    assert approve["timeoutInMinutes"] == 4320


def test_a_push_to_its_branch_starts_it_and_nothing_else_does(plan: Any, stack: str) -> None:
    (trigger,) = plan.one(PIPELINE).inputs["triggers"]
    branch = {"staging": "staging", "production": "main"}[stack]
    source = actions(plan)["Source"]["configuration"]

    assert trigger["providerType"] == "CodeStarSourceConnection"
    pushes = trigger["gitConfiguration"]["pushes"]
    assert pushes == [{"branches": {"includes": [branch]}}]
    assert source["BranchName"] == branch
    assert source["DetectChanges"] == "false"
    assert "OAuthToken" not in source


def test_releases_wait_for_each_other(plan: Any) -> None:
    pipeline = plan.one(PIPELINE).inputs

    assert (pipeline["pipelineType"], pipeline["executionMode"]) == ("V2", "QUEUED")
    limits = {p.name: p.inputs.get("concurrentBuildLimit") for p in plan.of(PROJECT)}
    assert limits == {"test": None, "build": None, "preview": None, "deploy": 1, "verify": 1}


def test_an_artifact_is_made_before_it_is_used(plan: Any) -> None:
    made: set[str] = set()
    for name, action in actions(plan).items():
        assert set(action.get("inputArtifacts", ())) <= made, name
        made |= set(action.get("outputArtifacts", ()))


def test_a_variable_comes_from_a_stage_before(plan: Any) -> None:
    known = {"variables"}
    for name, action in actions(plan).items():
        text = json.dumps(action["configuration"])
        used = {part.partition(".")[0] for part in text.split("#{")[1:]}
        assert used <= known, name
        known.add(action.get("namespace", name))


def test_the_deployment_is_of_the_digest_that_was_built_and_of_the_steps_that_were_shown(
    plan: Any,
) -> None:
    deploy = variables(actions(plan)["Deploy"])

    assert deploy["IMAGE_DIGEST"] == "#{Build.IMAGE_DIGEST}"
    assert deploy["STEPS_HASH"] == "#{Preview.STEPS_HASH}"
    assert variables(actions(plan)["Verify"])["PREVIOUS_DIGEST"] == "#{Deploy.PREVIOUS_DIGEST}"
    assert "latest" not in json.dumps(plan.one(PIPELINE).inputs)


def test_an_existing_image_can_be_asked_for(plan: Any) -> None:
    (variable,) = plan.one(PIPELINE).inputs["variables"]

    assert (variable["name"], variable["defaultValue"]) == ("IMAGE_DIGEST", "none")
    asked = variables(actions(plan)["Build"])["REQUESTED_DIGEST"]
    assert asked == "#{variables.IMAGE_DIGEST}"


def test_a_failure_before_the_deployment_ends_the_execution(plan: Any) -> None:
    results = {
        stage["name"]: stage.get("onFailure", {}).get("result")
        for stage in plan.one(PIPELINE).inputs["stages"]
    }

    assert {name for name, result in results.items() if result == "FAIL"} == {
        "Test",
        "Build",
        "Preview",
    }
    assert "ROLLBACK" not in results.values()  # going back is ours, and tested


def test_builds_are_native_arm_and_only_the_image_build_runs_docker(plan: Any) -> None:
    for project in plan.of(PROJECT):
        environment = project.inputs["environment"]
        assert environment["type"] == "ARM_CONTAINER"
        assert environment["image"].startswith("aws/codebuild/amazonlinux-aarch64-standard:")
        assert environment["privilegedMode"] is (project.name == "build")
        assert project.inputs["projectVisibility"] == "PRIVATE"


def test_every_build_uses_a_specification_of_the_repository_and_its_own_role(plan: Any) -> None:
    roles = {}
    for project in plan.of(PROJECT):
        assert project.inputs["source"] == {
            "type": "CODEPIPELINE",
            "buildspec": f"pipelines/buildspecs/{project.name}.yml",
        }
        (roles[project.name],) = {
            urn.rsplit("::", 1)[1]
            for urn in project.depends_on["serviceRole"]
            if "aws:iam/role:Role" in urn
        }

    assert roles == {
        "test": "codebuild-test",
        "build": "codebuild-build",
        "preview": "codebuild-preview",
        "deploy": "codebuild-deploy",
        "verify": "codebuild-deploy",
    }


def test_logs_artifacts_and_notifications_are_encrypted_with_our_keys(plan: Any) -> None:
    for group in plan.of("aws:cloudwatch/logGroup:LogGroup"):
        assert group.inputs["retentionInDays"] == 400
        assert "aws:kms/key:Key::delivery" in group.depends_on["kmsKeyId"][0]
    (store,) = plan.one(PIPELINE).inputs["artifactStores"]
    assert store["encryptionKey"]["type"] == "KMS"
    assert any("Key::artifacts" in urn for urn in plan.one(PIPELINE).depends_on["artifactStores"])
    assert "Key::delivery" in plan.one("aws:sns/topic:Topic").depends_on["kmsMasterKeyId"][0]


def test_people_hear_of_every_outcome_and_alarms_of_every_failure(plan: Any) -> None:
    rule = plan.one("aws:codestarnotifications/notificationRule:NotificationRule").inputs
    heard = {each.rpartition("-")[2] for each in rule["eventTypeIds"]}
    alarms = {each.name for each in plan.of("aws:cloudwatch/metricAlarm:MetricAlarm")}

    assert heard == {"canceled", "failed", "needed", "succeeded"}
    assert alarms == {
        "pipeline-failed",
        "release-failed",
        "deploy-slow",
        *(f"build-failed-{each}" for each in ("test", "build", "preview", "deploy", "verify")),
    }
    pattern = plan.one("aws:cloudwatch/eventRule:EventRule").inputs["eventPattern"]
    assert json.loads(pattern)["detail"] == {"pipeline": ["budgetbuddy"], "state": ["FAILED"]}


def test_the_images_of_the_last_thirty_releases_are_kept_and_never_replaced(plan: Any) -> None:
    repository = plan.one("aws:ecr/repository:Repository").inputs
    policy = json.loads(plan.one("aws:ecr/lifecyclePolicy:LifecyclePolicy").inputs["policy"])
    kept = [r["selection"] for r in policy["rules"] if r["selection"]["tagStatus"] == "tagged"]

    assert repository["name"] == "budgetbuddy-backend"
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository.get("forceDelete", False) is False
    assert [(each["tagPrefixList"], each["countNumber"]) for each in kept] == [(["sha-"], 30)]


def test_production_scans_stored_images_again_and_again(plans: Callable[[str], Any]) -> None:
    kind = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"

    assert plans("staging").of(kind) == []
    (rule,) = plans("production").one(kind).inputs["rules"]
    assert rule["scanFrequency"] == "CONTINUOUS_SCAN"


def test_evidence_is_locked_and_in_production_for_seven_years(plans: Callable[[str], Any]) -> None:
    kind = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"

    locks = {
        stack: plans(stack).one(kind).inputs["rule"]["defaultRetention"]
        for stack in ("staging", "production")
    }

    assert locks == {
        "staging": {"mode": "GOVERNANCE", "days": 365},
        "production": {"mode": "COMPLIANCE", "days": 2557},
    }
