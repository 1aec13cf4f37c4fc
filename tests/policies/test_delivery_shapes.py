"""Pipelines, builds, images and distributions in the shapes that programs write them."""

from typing import Any

import pytest

from guardrails.verdicts import Verdict

PIPELINE = "aws:codepipeline/pipeline:Pipeline"
PROJECT = "aws:codebuild/project:Project"
REPOSITORY = "aws:ecr/repository:Repository"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


def action(category: str, name: str = "one", **more: Any) -> dict[str, Any]:
    return {"category": category, "name": name, **more}


def stages(*named: tuple[str, list[dict[str, Any]]], **tags: str) -> dict[str, Any]:
    return {"stages": [{"name": n, "actions": a} for n, a in named], "tags": tags}


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        (stages(("go", [action("Approval")]), ("prod", [action("Deploy")])), Verdict.PASS),
        (stages(("prod", [action("Deploy")]), ("go", [action("Approval")])), Verdict.FAIL),
        (
            stages(("prod", [action("Approval", runOrder=1), action("Deploy", runOrder=2)])),
            Verdict.PASS,
        ),
        (
            stages(("prod", [action("Approval", runOrder=2), action("Deploy", runOrder=2)])),
            Verdict.FAIL,
        ),
        (stages(("prod", [action("Build", "deploy-service")])), Verdict.FAIL),
        (stages(("staging", [action("Deploy")])), Verdict.NOT_APPLICABLE),
        (
            stages(
                ("staging", [action("Deploy")]),
                ("go", [action("Approval")]),
                ("production", [action("Deploy")]),
            ),
            Verdict.PASS,
        ),
        (stages(("build", [action("Build")])), Verdict.NOT_APPLICABLE),
        (stages(("prod", [action("Deploy")]), env="staging"), Verdict.NOT_APPLICABLE),
    ],
    ids=["before", "after", "same stage", "same time", "build deploys", "staging only",
         "staging first", "no deployment", "staging pipeline"],
)  # fmt: skip
def test_a_person_approves_production(
    harness: Any, props: dict[str, Any], expected: Verdict
) -> None:
    assert harness.verdict("CP-02", harness.Declared(PIPELINE, "p", props)) == {expected}


@pytest.mark.parametrize(
    ("token", "props", "expected"),
    [
        (PIPELINE, stages(("s", [action("Source", provider="CodeCommit")])), Verdict.PASS),
        (PIPELINE, stages(("s", [action("Source", provider="GitHub")])), Verdict.FAIL),
        (
            PIPELINE,
            stages(("s", [action("Source", provider="S3", configuration={"OAuthToken": "x"})])),
            Verdict.FAIL,
        ),
        (PROJECT, {"source": {"location": "https://github.com/acme/app.git"}}, Verdict.PASS),
        (PROJECT, {"source": {"location": "https://me:pw@github.com/acme/app.git"}}, Verdict.FAIL),
        (
            PROJECT,
            {"source": {"type": "NO_SOURCE"}, "secondarySources": [{"location": "https://t@h/a"}]},
            Verdict.FAIL,
        ),
        (
            "aws:codebuild/sourceCredential:SourceCredential",
            {"authType": "PERSONAL_ACCESS_TOKEN"},
            Verdict.FAIL,
        ),
        (
            "aws:codebuild/sourceCredential:SourceCredential",
            {"authType": "CODECONNECTIONS"},
            Verdict.PASS,
        ),
    ],
    ids=["role", "token", "token in settings", "address", "password", "second", "stored", "linked"],
)
def test_sources_hold_no_credential(
    harness: Any, token: str, props: dict[str, Any], expected: Verdict
) -> None:
    assert harness.verdict("CP-03", harness.Declared(token, "r", props)) == {expected}


def test_a_build_project_may_run_the_policies(harness: Any) -> None:
    project = harness.Declared(
        PROJECT, "p", {"source": {"buildspec": "pulumi preview --policy-pack policies/all"}}
    )
    chain = (("test", [action("Build")]), ("check", [action("Build")]), ("go", [action("Deploy")]))
    linked = harness.Declared(PIPELINE, "d", stages(*chain), {"stages": [project.urn]})
    alone = harness.Declared(PIPELINE, "d", stages(*chain))

    assert harness.verdict("CP-04", project, linked) == {Verdict.PASS}
    assert harness.verdict("CP-04", alone) == {Verdict.FAIL}


def test_nothing_deployed_needs_no_test(harness: Any) -> None:
    pipeline = harness.Declared(PIPELINE, "d", stages(("build", [action("Build")])))

    assert harness.verdict("CP-04", pipeline) == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ({"cloudwatchLogs": {"groupName": "builds"}}, Verdict.PASS),
        ({"cloudwatchLogs": {"groupName": "builds", "status": "DISABLED"}}, Verdict.FAIL),
        ({"s3Logs": {"status": "ENABLED", "location": "logs/builds"}}, Verdict.PASS),
        ({"s3Logs": {"status": "DISABLED"}}, Verdict.FAIL),
        ({}, Verdict.FAIL),
    ],
    ids=["group", "group off", "bucket", "bucket off", "default"],
)
def test_builds_are_logged_by_either_way(
    harness: Any, logs: dict[str, Any], expected: Verdict
) -> None:
    project = harness.Declared(PROJECT, "p", {"logsConfig": logs})

    assert harness.verdict("CB-02", project) == {expected}


def test_a_redacted_variable_was_a_secret(harness: Any) -> None:
    def project(value: str) -> Any:
        variable = {"name": "API_TOKEN", "value": value}
        return harness.Declared(PROJECT, "p", {"environment": {"environmentVariables": [variable]}})

    assert harness.verdict("CB-01", project("[secret]")) == {Verdict.PASS}
    assert harness.verdict("CB-01", project("correct-horse")) == {Verdict.FAIL}


def test_a_privileged_build_says_that_it_builds_images(harness: Any) -> None:
    props = {"environment": {"privilegedMode": True}}
    tagged = props | {"tags": {"builds": "images"}}

    assert harness.verdict("CB-04", harness.Declared(PROJECT, "p", props)) == {Verdict.FAIL}
    assert harness.verdict("CB-04", harness.Declared(PROJECT, "p", tagged)) == {Verdict.PASS}


def scanning(frequency: str, *filters: str) -> dict[str, Any]:
    named = [{"filter": name, "filterType": "WILDCARD"} for name in filters]
    rule = {"scanFrequency": frequency, "repositoryFilters": named}
    return {"scanType": "ENHANCED", "rules": [rule]}


@pytest.mark.parametrize(
    ("scan", "expected"),
    [
        (scanning("CONTINUOUS_SCAN", "*"), Verdict.PASS),
        (scanning("SCAN_ON_PUSH", "app-*"), Verdict.PASS),
        (scanning("SCAN_ON_PUSH", "pp-a"), Verdict.PASS),
        (scanning("SCAN_ON_PUSH", "other-*", "app-api"), Verdict.PASS),
        (scanning("SCAN_ON_PUSH", "other-*"), Verdict.FAIL),
        (scanning("MANUAL", "*"), Verdict.FAIL),
        (scanning("CONTINUOUS_SCAN"), Verdict.FAIL),
        ({"scanType": "ENHANCED", "rules": []}, Verdict.FAIL),
    ],
    ids=str,
)
def test_the_registry_scans_for_its_repositories(
    harness: Any, scan: dict[str, Any], expected: Verdict
) -> None:
    repository = harness.Declared(REPOSITORY, "r", {"name": "app-api"})
    registry = harness.Declared(
        "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration", "s", scan
    )

    records = harness.Bench([harness.controls["ECR-01"]]).run([repository, registry])

    assert {r.verdict for r in records if r.urn == repository.urn} == {expected}


def test_a_repository_is_emptied_by_one_call_only_where_it_does_not_matter(harness: Any) -> None:
    def repository(**tags: str) -> set[Verdict]:
        one = harness.Declared(REPOSITORY, "r", {"forceDelete": True, "tags": tags})
        rules = harness.Declared(
            "aws:ecr/lifecyclePolicy:LifecyclePolicy", "l", {}, {"repository": [one.urn]}
        )
        return set(harness.verdict("ECR-05", one, rules))

    assert repository() == {Verdict.FAIL}
    assert repository(env="production") == {Verdict.FAIL}
    assert repository(env="test") == {Verdict.PASS}


HTTPS = {"viewerProtocolPolicy": "redirect-to-https"}


@pytest.mark.parametrize(
    ("ordered", "expected"),
    [([], Verdict.PASS), ([HTTPS], Verdict.PASS), ([HTTPS, {}], Verdict.FAIL)],
    ids=["default", "all", "one without"],
)
def test_every_behaviour_counts(harness: Any, ordered: list[Any], expected: Verdict) -> None:
    edge = harness.Declared(
        DISTRIBUTION, "d", {"defaultCacheBehavior": HTTPS, "orderedCacheBehaviors": ordered}
    )

    assert harness.verdict("CF-01", edge) == {expected}


def test_the_edge_is_logged_by_either_way(harness: Any) -> None:
    edge = harness.Declared(DISTRIBUTION, "d", {})
    source = harness.Declared(
        "aws:cloudwatch/logDeliverySource:LogDeliverySource", "s", {}, {"resourceArn": [edge.urn]}
    )

    assert harness.verdict("CF-05", edge) == {Verdict.FAIL}
    assert harness.verdict("CF-05", edge, source) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({"domainName": "a.example", "customOriginConfig": {}}, Verdict.NOT_APPLICABLE),
        ({"domainName": "a.example"}, Verdict.NOT_APPLICABLE),
        ({"domainName": "site.s3.eu-west-1.amazonaws.com"}, Verdict.FAIL),
        ({"domainName": "site.example", "originAccessControlId": "E1"}, Verdict.FAIL),
    ],
    ids=["server", "name", "bucket", "controlled"],
)
def test_a_bucket_behind_the_edge_is_known_here(
    harness: Any, origin: dict[str, Any], expected: Verdict
) -> None:
    edge = harness.Declared(DISTRIBUTION, "d", {"origins": [origin]})

    assert harness.verdict("CF-06", edge) == {expected}


def test_failover_is_asked_of_production(harness: Any) -> None:
    test = harness.Declared(DISTRIBUTION, "d", {"tags": {"env": "test"}})

    assert harness.verdict("CF-09", test) == {Verdict.NOT_APPLICABLE}
    assert harness.verdict("CF-09", harness.Declared(DISTRIBUTION, "d", {})) == {Verdict.FAIL}
