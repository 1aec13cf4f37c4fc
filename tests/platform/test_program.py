"""Rules over the whole program, on the plan of the real engine."""

import ast
import importlib.util
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from budgetbuddy import contract

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "platform"
COMPONENTS = ("budgetbuddy:", "awsx:")
WILDCARD_ACTIONS = {
    # Lambda's, to put a function into the VPC; denied to the function's own code.
    *(f"ec2:{verb}PrivateIpAddresses" for verb in ("Assign", "Unassign")),
    *(f"ec2:{verb}NetworkInterface" for verb in ("Create", "Delete")),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    "ecr:GetAuthorizationToken",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    *contract.EVIDENCE_UNSCOPED_ACTIONS,
}
EVIDENCE = (
    *contract.EVIDENCE_TABLE_ACTIONS,
    *contract.EVIDENCE_KEY_ACTIONS,
    *contract.EVIDENCE_ALARM_ACTIONS,
    *contract.EVIDENCE_PIPELINE_ACTIONS,
    *contract.EVIDENCE_BUNDLE_ACTIONS,
    *contract.EVIDENCE_UNSCOPED_ACTIONS,
)


def statements(document: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(document)["Statement"]
    return found


def as_set(value: str | list[str]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


# --- Source --------------------------------------------------------------------------------------


def test_the_standard_librarys_platform_is_not_shadowed() -> None:
    assert not (PROGRAM / "__init__.py").exists()
    assert ROOT not in Path(str(platform.__file__)).parents


def test_the_main_program_is_a_table_of_contents() -> None:
    tree = ast.parse((PROGRAM / "__main__.py").read_text())
    logic = (ast.If, ast.For, ast.While, ast.FunctionDef, ast.ClassDef, ast.Try, ast.Lambda)

    assert not [node for node in ast.walk(tree) if isinstance(node, logic)]


def test_no_class_of_the_old_s3_generation_is_used() -> None:
    source = "".join(path.read_text() for path in (PROGRAM / "infra").glob("*.py"))

    assert "V2(" not in source
    assert "inline_policies" not in source
    assert importlib.util.find_spec("infra") is not None


# --- Plan ----------------------------------------------------------------------------------------


@pytest.mark.engine
def test_every_resource_belongs_to_a_component(plan: Any) -> None:
    for each in plan.resources:
        if each.type.startswith(("pulumi:providers:", "budgetbuddy:")):
            continue
        parent = plan.at(each.parent)
        while not parent.type.startswith(COMPONENTS):
            parent = plan.at(parent.parent)


@pytest.mark.engine
def test_every_resource_uses_one_of_our_providers(plan: Any) -> None:
    aws = [each for each in plan.resources if each.type.startswith("aws:")]
    used = {each.provider.rsplit("::", 2)[1] for each in aws}
    away = {each.type for each in aws if "::backup::" in each.provider}

    assert used == {"home", "backup"}
    assert away == {
        "aws:backup/vault:Vault",
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "aws:backup/vaultPolicy:VaultPolicy",
        "aws:kms/alias:Alias",
        "aws:kms/key:Key",
    }


@pytest.mark.engine
def test_each_provider_admits_one_account_and_tags_everything(plan: Any, stack: str) -> None:
    for provider in plan.of("pulumi:providers:aws"):
        tags = json.loads(provider.inputs["defaultTags"])["tags"]
        assert len(json.loads(provider.inputs["allowedAccountIds"])) == 1
        assert "skipRequestingAccountId" not in provider.inputs
        assert tags["env"] == stack
        assert {"owner", "env", "data-class", "pci-scope"} <= tags.keys()


@pytest.mark.engine
def test_every_policy_is_known_before_anything_exists(plan: Any) -> None:
    kinds = {
        "aws:iam/rolePolicy:RolePolicy": "policy",
        "aws:iam/role:Role": "assumeRolePolicy",
        "aws:kms/key:Key": "policy",
        "aws:s3/bucketPolicy:BucketPolicy": "policy",
        "aws:sns/topicPolicy:TopicPolicy": "policy",
        "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
        "aws:ec2/vpcEndpoint:VpcEndpoint": "policy",
        "aws:backup/vaultPolicy:VaultPolicy": "policy",
    }
    for kind, key in kinds.items():
        assert plan.of(kind)
        assert all(each.document(key) for each in plan.of(kind))


@pytest.mark.engine
def test_properties_are_ignored_only_where_somebody_else_writes_them(plan: Any) -> None:
    ignored = {
        each.type: set(each.ignored)
        for each in plan.resources
        if each.ignored and each.name != "worker"
    }

    assert plan.one("aws:ecs/service:Service", "worker").ignored == ("desiredCount",)
    assert ignored == {
        "aws:ecs/service:Service": {"desiredCount", "loadBalancers"},
        "aws:lb/listenerRule:ListenerRule": {"actions"},
        "aws:secretsmanager/secretVersion:SecretVersion": {"secretString", "versionStages"},
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": {"subnetIds"},
    }


@pytest.mark.engine
def test_every_role_has_exactly_one_document_and_the_boundary(plan: Any, stack: str) -> None:
    roles = plan.of("aws:iam/role:Role")
    documents = plan.of("aws:iam/rolePolicy:RolePolicy")
    exclusive = plan.of("aws:iam/rolePoliciesExclusive:RolePoliciesExclusive")

    assert len(roles) == len(documents) == len(exclusive)
    for role in roles:
        assert role.inputs["path"] == "/budgetbuddy/"
        boundary = role.inputs.get("permissionsBoundary", "")
        assert boundary.endswith("policy/budgetbuddy/budgetbuddy-boundary") != (stack == "local")
    owners = [role for each in documents for role in each.depends_on["role"]]
    assert sorted(owners) == sorted(role.urn for role in roles)


@pytest.mark.engine
def test_no_role_has_a_wildcard_beyond_what_aws_cannot_scope(plan: Any) -> None:
    for policy in plan.of("aws:iam/rolePolicy:RolePolicy"):
        for each in policy.document("policy"):
            assert not any(action.endswith("*") for action in as_set(each["Action"]))
            if "*" in as_set(each["Resource"]):
                assert as_set(each["Action"]) <= WILDCARD_ACTIONS


@pytest.mark.engine
@pytest.mark.parametrize(
    ("role", "more"),
    [("task-api", EVIDENCE), ("task-worker", contract.QUEUE_CONSUME_ACTIONS)],
)
def test_a_task_role_allows_the_contract_and_nothing_else(
    plan: Any, role: str, more: tuple[str, ...]
) -> None:
    policy = plan.one("aws:iam/rolePolicy:RolePolicy", f"{role}-inline")
    allowed = {
        action
        for each in policy.document("policy")
        if each["Effect"] == "Allow"
        for action in as_set(each["Action"])
    }
    tables = {action for table in contract.TABLES for action in table.actions}
    keys = {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"}

    sent = {*contract.ENVELOPE_ACTIONS, *contract.EMAIL_ACTIONS, *contract.QUEUE_SEND_ACTIONS}
    assert allowed == tables | keys | sent | set(more)


@pytest.mark.engine
def test_only_the_api_looks_at_the_system_and_changes_nothing_of_it(plan: Any) -> None:
    policies = {
        role: plan.one("aws:iam/rolePolicy:RolePolicy", f"{role}-inline").document("policy")
        for role in ("task-api", "task-worker")
    }
    looks = {each["Sid"]: each for each in policies["task-api"]}
    only_here = looks.keys() - {each["Sid"] for each in policies["task-worker"]}

    actions = {action for sid in only_here for action in as_set(looks[sid]["Action"])}
    assert actions == {*EVIDENCE, "kms:Decrypt"}
    verbs = {action.partition(":")[2] for action in actions - {"kms:Decrypt"}}
    assert all(verb.startswith(("Describe", "Get", "List")) for verb in verbs)
    (bundles,) = as_set(looks["ReadPolicyBundles"]["Resource"])
    assert bundles.startswith("arn:aws:s3:::budgetbuddy-evidence-")
    assert bundles.endswith("/preview/*")


@pytest.mark.engine
def test_a_task_role_reaches_the_queues_and_not_what_lies_beside_them(plan: Any) -> None:
    policy = plan.one("aws:iam/rolePolicy:RolePolicy", "task-worker-inline")
    queues = [each for each in policy.document("policy") if "Messages" in each["Sid"]]

    for each in queues:
        arns = as_set(each["Resource"])
        assert {arn.rpartition(":")[2] for arn in arns} == {
            f"budgetbuddy-{spec.name}" for spec in contract.QUEUES
        }
    assert {each["Sid"] for each in queues} == {"SendMessages", "TakeMessages"}


@pytest.mark.engine
def test_the_task_role_reaches_each_table_by_its_own_actions(plan: Any) -> None:
    policy = plan.one("aws:iam/rolePolicy:RolePolicy", "task-api-inline")
    by_sid = {each["Sid"]: each for each in policy.document("policy")}

    for table in contract.TABLES:
        allow = by_sid[f"Use{table.name}"]
        assert as_set(allow["Action"]) == set(table.actions)
        assert all(f":table/BudgetBuddy-{table.name}" in arn for arn in as_set(allow["Resource"]))
        assert len(as_set(allow["Resource"])) == 1 + len(table.indexes)


@pytest.mark.engine
def test_the_audit_table_cannot_be_rewritten(plan: Any) -> None:
    policy = plan.one("aws:iam/rolePolicy:RolePolicy", "task-api-inline")
    (deny,) = [each for each in policy.document("policy") if each["Effect"] == "Deny"]

    assert deny["Resource"].endswith(":table/BudgetBuddy-Audit")
    assert as_set(deny["Action"]) == {
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:UpdateItem",
    }


@pytest.mark.engine
def test_mail_is_sent_from_one_address_only(plan: Any) -> None:
    policy = plan.one("aws:iam/rolePolicy:RolePolicy", "task-api-inline")
    (send,) = [each for each in policy.document("policy") if each["Sid"] == "SendMail"]
    sender = plan.outputs["serviceEnvironment"]["EMAIL_FROM"]

    assert send["Condition"] == {"StringEquals": {"ses:FromAddress": sender}}
    assert send["Resource"].endswith(f":identity/{sender.split('@')[1]}")


@pytest.mark.engine
def test_the_execution_role_reads_exactly_the_injected_secrets(plan: Any) -> None:
    policy = plan.one("aws:iam/rolePolicy:RolePolicy", "execution-inline")
    by_sid = {each["Sid"]: each for each in policy.document("policy")}
    patterns = {f"budgetbuddy/{spec.secret}-??????" for spec in contract.SECRETS}

    granted = {arn.rsplit(":", 1)[1] for arn in as_set(by_sid["ReadSecrets"]["Resource"])}
    assert granted == patterns
    key = by_sid["UseSecretsKeyThroughSecretsmanager"]
    context = as_set(key["Condition"]["StringLike"]["kms:EncryptionContext:SecretARN"])
    assert (key["Action"], context) == ("kms:Decrypt", as_set(by_sid["ReadSecrets"]["Resource"]))


@pytest.mark.engine
def test_stateful_resources_are_protected_except_on_a_laptop(plans: Callable[..., Any]) -> None:
    kinds = {
        "aws:dynamodb/table:Table",
        "aws:backup/vault:Vault",
        "aws:kms/key:Key",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
        "aws:ecs/service:Service",
    }
    for stack, protected in (("production", True), ("staging", True), ("local", False)):
        for kind in kinds:
            assert plans(stack).of(kind)
            assert all(each.protect is protected for each in plans(stack).of(kind))


@pytest.mark.engine
def test_secret_values_reach_the_engine_as_secrets(plan: Any) -> None:
    versions = plan.of("aws:secretsmanager/secretVersion:SecretVersion")

    assert [each.inputs["secretString"] for each in versions] == ["[secret]"] * len(versions)


@pytest.mark.engine
def test_no_output_holds_a_secret(plan: Any) -> None:
    assert "[secret]" not in json.dumps(plan.outputs)


# --- Bad input on the engine ---------------------------------------------------------------------

BAD = [
    pytest.param({"network.cidrr": "10.0.0.0/16"}, "network.cidrr", id="unknown key"),
    pytest.param({"network.cidr": "10.0.0.0/24"}, "network.cidr", id="too small for 3 x 2"),
    pytest.param({"network.zones": ["us-east-1a"]}, "network.zones", id="one zone"),
    pytest.param({"accountId": "1234"}, "accountId", id="account id"),
    pytest.param({"imageDigest": "api:latest", "release": "0123abc"}, "imageDigest", id="tag"),
]


@pytest.mark.engine
@pytest.mark.parametrize(("values", "key"), BAD)
def test_a_wrong_stack_file_ends_in_one_line_and_nothing_is_created(
    edited_project: Callable[..., Any], values: dict[str, Any], key: str
) -> None:
    done = edited_project("staging", values).run("preview", "--stack", "staging", "--json")
    plan = json.loads(done.stdout)
    errors = [each["message"] for each in plan["diagnostics"] if each["severity"] == "error"]

    assert done.returncode != 0
    (message,) = errors
    assert message.strip().count("\n") == 0
    assert f"budgetbuddy:{key}" in message
    assert "Traceback" not in done.stdout + done.stderr
    assert [step["newState"]["type"] for step in plan["steps"]] in ([], ["pulumi:pulumi:Stack"])
