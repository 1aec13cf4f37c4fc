"""Rules over the whole program, on the plan of the real engine."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "pipelines"
PLATFORM_STATE = {
    "version": 3,
    "deployment": {
        "manifest": {"time": "2026-01-31T08:00:00Z", "magic": "", "version": ""},
        "resources": [
            {
                "urn": "urn:pulumi:staging::budgetbuddy-platform::pulumi:pulumi:Stack::"
                "budgetbuddy-platform-staging",
                "custom": False,
                "type": "pulumi:pulumi:Stack",
                "outputs": {"apiUrl": "https://api.staging.budgetbuddy.com"},
            }
        ],
    },
}


def test_the_main_program_is_a_table_of_contents() -> None:
    tree = ast.parse((PROGRAM / "__main__.py").read_text())
    logic = (ast.If, ast.For, ast.While, ast.FunctionDef, ast.ClassDef, ast.Try, ast.Lambda)

    assert not [node for node in ast.walk(tree) if isinstance(node, logic)]


@pytest.mark.engine
def test_every_resource_belongs_to_a_component_and_to_our_provider(plan: Any) -> None:
    for each in plan.resources:
        if each.type.startswith(("pulumi:providers:", "budgetbuddy:")):
            continue
        assert plan.at(each.parent).type.startswith(("budgetbuddy:", "aws:")), each.urn
        assert "::home::" in each.provider


@pytest.mark.engine
def test_the_provider_admits_one_account_and_tags_everything(plan: Any, stack: str) -> None:
    provider = plan.one("pulumi:providers:aws")

    assert len(json.loads(provider.inputs["allowedAccountIds"])) == 1
    assert json.loads(provider.inputs["defaultTags"])["tags"]["env"] == stack


@pytest.mark.engine
def test_every_policy_is_known_before_anything_exists(plan: Any) -> None:
    kinds = {
        "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
        "aws:iam/policy:Policy": "policy",
        "aws:iam/role:Role": "assumeRolePolicy",
        "aws:iam/rolePolicy:RolePolicy": "policy",
        "aws:kms/key:Key": "policy",
        "aws:s3/bucketPolicy:BucketPolicy": "policy",
        "aws:sns/topicPolicy:TopicPolicy": "policy",
    }
    for kind, key in kinds.items():
        assert plan.of(kind)
        assert all(json.loads(each.inputs[key])["Statement"] for each in plan.of(kind))


@pytest.mark.engine
def test_what_cannot_be_made_again_is_protected(plan: Any) -> None:
    kinds = {"aws:s3/bucket:Bucket", "aws:kms/key:Key", "aws:ecr/repository:Repository"}
    boundaries = [p for p in plan.of("aws:iam/policy:Policy") if p.name.endswith("-boundary")]

    assert len(boundaries) == 4
    assert all(each.protect for kind in kinds for each in plan.of(kind))
    assert all(each.protect for each in boundaries)


@pytest.mark.engine
def test_the_platform_finds_here_what_its_stack_files_name(plan: Any) -> None:
    policies = {each.inputs["name"] for each in plan.of("aws:iam/policy:Policy")}
    roles = {each.inputs["path"] + each.inputs["name"] for each in plan.of("aws:iam/role:Role")}

    assert "budgetbuddy-boundary" in policies  # infra.settings, security.boundary
    assert "/budgetbuddy/budgetbuddy-break-glass" in roles  # infra.naming, BREAK_GLASS_ROLE
    assert plan.one("aws:ecr/repository:Repository").inputs["name"] == "budgetbuddy-backend"


@pytest.mark.engine
def test_no_output_and_no_variable_of_a_build_holds_a_secret(plan: Any) -> None:
    assert "[secret]" not in json.dumps(plan.outputs)
    for project in plan.of("aws:codebuild/project:Project"):
        names = {each["name"] for each in project.inputs["environment"]["environmentVariables"]}
        assert names == {
            "EVIDENCE_BUCKET",
            "REPOSITORY_URL",
            "SCAN_HIGH_ALLOWED",
            "SOURCE",
            "STACK",
            "STATE_URL",
        }


@pytest.mark.engine
def test_builds_learn_the_platforms_address_by_reference(
    edited_project: Callable[[str, Mapping[str, Any]], Any], tmp_path: Path
) -> None:
    reference = "organization/budgetbuddy-platform/staging"
    project = edited_project("staging", {"platformStack": reference})
    other = tmp_path / "platform"
    other.mkdir()
    (other / "Pulumi.yaml").write_text("name: budgetbuddy-platform\nruntime: python\n")
    state = other / "state.json"
    state.write_text(json.dumps(PLATFORM_STATE))
    where = ("--cwd", str(other))
    project.run("stack", "init", "staging", "--secrets-provider", "passphrase", *where)
    imported = project.run("stack", "import", "--stack", "staging", "--file", str(state), *where)
    assert imported.returncode == 0, imported.stderr

    done = project.run("preview", "--stack", "staging", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"https://api.staging.budgetbuddy.com"' in done.stdout


@pytest.mark.engine
def test_a_platform_that_is_not_there_is_said(
    edited_project: Callable[[str, Mapping[str, Any]], Any],
) -> None:
    project = edited_project("staging", {"platformStack": "organization/budgetbuddy-platform/none"})

    done = project.run("preview", "--stack", "staging", "--json")

    assert done.returncode != 0
    assert "budgetbuddy-platform/none" in done.stdout + done.stderr


@pytest.mark.engine
def test_a_wrong_stack_file_ends_in_one_error_and_nothing_is_created(
    edited_project: Callable[[str, Mapping[str, Any]], Any],
) -> None:
    project = edited_project("staging", {"branch": "main", "accountId": "1"})

    done = project.run("preview", "--stack", "staging", "--json")

    plan = json.loads(done.stdout)
    errors = [each["message"] for each in plan["diagnostics"] if each["severity"] == "error"]
    assert done.returncode != 0
    assert len(errors) == 1
    assert "budgetbuddy:branch" in errors[0]
    assert "budgetbuddy:accountId" in errors[0]
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.engine
def test_every_control_is_satisfied(stack: str, tmp_path: Path) -> None:
    """As `make preview` runs it: the pack of all controls, and the evidence bundle."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "localcloud", "preview", "--project", "pipelines", stack],
        env=os.environ | {"LOCALCLOUD_STATE": str(tmp_path), "COLUMNS": "200"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    bundle = tmp_path / "evidence" / f"pipelines-{stack}"
    assert (bundle / "index.html").exists()


@pytest.mark.engine
def test_every_alarm_leads_to_a_section_of_the_delivery_document(plan: Any) -> None:
    text = (ROOT / "docs" / "DELIVERY.md").read_text()
    headings = {line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")}

    for alarm in plan.of("aws:cloudwatch/metricAlarm:MetricAlarm"):
        document, _, anchor = alarm.inputs["alarmDescription"].rpartition(" ")[2].partition("#")
        assert document == "docs/DELIVERY.md"
        assert anchor in headings
