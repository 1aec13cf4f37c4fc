"""Policy documents: what AWS is told, judged as data."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy import contract
from infra.backup_policies import vault_policy
from infra.bucket_policies import (
    access_log_statements,
    config_statements,
    encryption_statements,
    trail_statements,
    transitions,
    transport_statements,
)
from infra.endpoint_policies import GATEWAYS, INTERFACES, endpoint_policy
from infra.identity import RoleArgs, trust_policy
from infra.key_policies import (
    ADMINISTRATION,
    BACKUP_KEY,
    CLASSES,
    USE,
    KeyClass,
    envelope_statement,
    key_policy,
    use_statement,
)
from infra.log_group import firewall_delivery_policy
from infra.naming import Names
from infra.policy import Statement, render
from infra.secrets import secret_policy
from infra.topics import topic_policy

NAMES = Names(account_id="123456789012", region="us-east-1", environment="production")
ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
READS = {"kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"}


def statements(document: str) -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = json.loads(document)["Statement"]
    return parsed


def as_set(value: str | list[str]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


# --- Statements ----------------------------------------------------------------------------------


def test_a_statement_for_every_resource_must_say_why() -> None:
    with pytest.raises(ValueError, match="does not say why"):
        Statement(sid="All", actions=("s3:GetObject",), resources=("*",))


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:Get*"])
def test_no_statement_allows_a_wildcard_action(action: str) -> None:
    with pytest.raises(ValueError, match="wildcard action"):
        Statement(sid="All", actions=(action,), resources=("arn:aws:s3:::b",))


@pytest.mark.parametrize(("actions", "resources"), [((), ("a",)), (("s3:GetObject",), ())])
def test_a_statement_is_about_something(
    actions: tuple[str, ...], resources: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="no action or no resource"):
        Statement(sid="None", actions=actions, resources=resources)


def test_a_repeated_sid_is_refused() -> None:
    same = Statement(sid="Same", actions=("s3:GetObject",), resources=("arn:aws:s3:::b",))
    with pytest.raises(ValueError, match="share a sid"):
        render([same, same])


@given(st.permutations(["A", "B", "C", "D"]), st.permutations(["s3:GetObject", "s3:PutObject"]))
def test_a_document_does_not_depend_on_the_order_of_grants(
    sids: list[str], actions: list[str]
) -> None:
    document = render(
        Statement(sid=sid, actions=tuple(actions), resources=("arn:b", "arn:a")) for sid in sids
    )

    assert [each["Sid"] for each in statements(document)] == ["A", "B", "C", "D"]
    assert statements(document)[0]["Action"] == ["s3:GetObject", "s3:PutObject"]
    assert statements(document)[0]["Resource"] == ["arn:a", "arn:b"]


# --- Keys ----------------------------------------------------------------------------------------


@pytest.fixture(params=(*CLASSES, BACKUP_KEY), ids=lambda key: key.name)
def key(request: pytest.FixtureRequest) -> KeyClass:
    chosen: KeyClass = request.param
    return chosen


def test_key_administrators_cannot_use_the_key(key: KeyClass) -> None:
    for each in statements(key_policy(key, NAMES)):
        if as_set(each["Action"]) & set(ADMINISTRATION) - set(USE):
            assert as_set(each["Action"]) == set(ADMINISTRATION)
            assert not as_set(each["Action"]) & READS
            assert each["Principal"] == {"AWS": ROOT}


def test_the_account_uses_a_key_only_through_a_service_or_for_one_purpose(key: KeyClass) -> None:
    for each in statements(key_policy(key, NAMES)):
        if each["Principal"] != {"AWS": ROOT} or not as_set(each["Action"]) & READS:
            continue
        equals = each["Condition"]["StringEquals"]
        assert equals["kms:CallerAccount"] == ACCOUNT
        assert "kms:ViaService" in equals or "kms:EncryptionContext:purpose" in equals


def test_every_service_principal_is_bound_to_this_account(key: KeyClass) -> None:
    for each in statements(key_policy(key, NAMES)):
        if "Service" in each["Principal"]:
            assert ACCOUNT in json.dumps(each["Condition"])


def test_a_grant_on_a_key_serves_an_aws_resource(key: KeyClass) -> None:
    for each in statements(key_policy(key, NAMES)):
        if "kms:CreateGrant" in as_set(each["Action"]):
            condition = json.dumps(each["Condition"])
            assert "kms:GrantIsForAWSResource" in condition or "kms:GrantOperations" in condition


def test_the_envelope_key_serves_two_roles_and_one_purpose() -> None:
    (key,) = [each for each in CLASSES if each.name == contract.ENVELOPE_KEY_CLASS]
    (use,) = [each for each in statements(key_policy(key, NAMES)) if each["Sid"] == "WrapUserKeys"]

    assert as_set(use["Action"]) == set(contract.ENVELOPE_ACTIONS)
    roles = use["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    assert roles == [NAMES.role_arn("task-api"), NAMES.role_arn("task-worker")]
    purpose = use["Condition"]["StringEquals"]["kms:EncryptionContext:purpose"]
    assert purpose == contract.ENVELOPE_PURPOSE


def test_every_key_class_of_the_contract_exists_once() -> None:
    names = [key.name for key in CLASSES]
    needed = {table.key_class for table in contract.TABLES} | {contract.ENVELOPE_KEY_CLASS}

    assert len(set(names)) == len(names)
    assert needed <= set(names)
    assert len({table.key_class for table in contract.TABLES}) == len(contract.TABLES)


def test_the_log_key_serves_only_our_groups() -> None:
    (key,) = [each for each in CLASSES if each.name == "logs"]
    (use,) = [each for each in statements(key_policy(key, NAMES)) if "Service" in each["Principal"]]

    assert use["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    for arn in use["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]:
        assert arn.startswith(f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:")
        assert "budgetbuddy" in arn


def test_a_role_uses_a_key_by_alias_through_one_service() -> None:
    grant = use_statement("ledger", "dynamodb", NAMES).rendered()

    assert grant["Resource"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"
    assert grant["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/budgetbuddy-ledger"},
        "StringEquals": {"kms:ViaService": "dynamodb.us-east-1.amazonaws.com"},
    }


def test_the_service_wraps_user_keys_only_with_the_contracts_context() -> None:
    grant = envelope_statement(NAMES).rendered()

    assert as_set(grant["Action"]) == set(contract.ENVELOPE_ACTIONS)
    assert grant["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/budgetbuddy-tokens"},
        "StringEquals": {"kms:EncryptionContext:purpose": contract.ENVELOPE_PURPOSE},
    }


# --- Roles ---------------------------------------------------------------------------------------


def test_a_role_trusts_one_service_for_sources_of_this_account() -> None:
    arn = f"arn:aws:ecs:us-east-1:{ACCOUNT}:*"
    args = RoleArgs(
        names=NAMES, service="ecs-tasks", description="d", source_arn=arn, boundary_arn=None
    )
    (trust,) = statements(trust_policy(args))

    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": arn},
    }


# --- Buckets -------------------------------------------------------------------------------------

MILLISECONDS = {"STANDARD_IA", "GLACIER_IR"}


@given(st.integers(365, 4000), st.booleans())
def test_archived_objects_are_readable_at_once_for_three_months(days: int, deep: bool) -> None:  # noqa: FBT001 - a drawn value
    steps = transitions(days, deep=deep)

    assert min(step.days for step in steps) >= 30
    assert all(step.storage_class in MILLISECONDS for step in steps if step.days < 90)
    assert [step.days for step in steps] == sorted({step.days for step in steps})
    assert max(step.days for step in steps) < days


@given(st.integers(365, 4000), st.booleans())
def test_nothing_moves_to_deep_archive_for_less_than_it_charges(days: int, deep: bool) -> None:  # noqa: FBT001 - a drawn value
    deepest = [s for s in transitions(days, deep=deep) if s.storage_class == "DEEP_ARCHIVE"]

    assert all(days - step.days >= 180 for step in deepest)
    assert bool(deepest) == (deep and days >= 580)


def test_a_bucket_refuses_everyone_without_modern_tls() -> None:
    plain, old = (each.rendered() for each in transport_statements("arn:aws:s3:::b"))

    for each in (plain, old):
        assert (each["Effect"], each["Principal"], each["Action"]) == ("Deny", "*", "s3:*")
        assert as_set(each["Resource"]) == {"arn:aws:s3:::b", "arn:aws:s3:::b/*"}
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert old["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}


def test_an_upload_cannot_bring_its_own_encryption() -> None:
    other, foreign = (each.rendered() for each in encryption_statements("arn:aws:s3:::b", NAMES))

    assert other["Effect"] == foreign["Effect"] == "Deny"
    assert other["Condition"]["StringNotEquals"] == {"s3:x-amz-server-side-encryption": "aws:kms"}
    assert foreign["Condition"]["ArnNotLike"] == {
        "s3:x-amz-server-side-encryption-aws-kms-key-id": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"
    }


def test_only_aws_log_delivery_writes_access_logs() -> None:
    allowed = [each.rendered() for each in access_log_statements("arn:aws:s3:::b", NAMES)]

    assert {as_set(each["Action"]).pop() for each in allowed} == {"s3:PutObject"}
    for each in allowed:
        if "Service" in each["Principal"]:
            assert each["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
        else:  # the account ELB writes from in this region
            assert each["Principal"] == {"AWS": "arn:aws:iam::127311923021:root"}
    assert not any("b/*" in resource for each in allowed for resource in as_set(each["Resource"]))


def test_only_our_trail_writes_audit_files() -> None:
    check, write = (each.rendered() for each in trail_statements(NAMES))
    trail = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/budgetbuddy"

    for each in (check, write):
        assert each["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        assert each["Condition"]["StringEquals"]["aws:SourceArn"] == trail
    assert write["Resource"] == (
        f"arn:aws:s3:::budgetbuddy-audit-{ACCOUNT}-us-east-1/AWSLogs/{ACCOUNT}/*"
    )


def test_a_region_without_an_elb_account_relies_on_the_service_principal() -> None:
    names = Names(account_id=ACCOUNT, region="eu-south-2", environment="production")
    allowed = [each.rendered() for each in access_log_statements("arn:aws:s3:::b", names)]

    assert all("Service" in each["Principal"] for each in allowed)


# --- Everything else -----------------------------------------------------------------------------


@pytest.mark.parametrize("service", [*GATEWAYS, *INTERFACES])
def test_an_endpoint_lets_only_this_account_through(service: str) -> None:
    policy = endpoint_policy(service, NAMES, table_prefix="BudgetBuddy", repository="backend")
    for each in statements(policy):
        if each["Sid"] == "Layers":
            assert each["Action"] == "s3:GetObject"
            assert each["Resource"] == "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"
        else:
            assert each["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
        if each["Resource"] == "*":
            assert each["Action"] == "ecr:GetAuthorizationToken"


def test_the_tables_endpoint_passes_the_contracts_actions_only() -> None:
    policy = endpoint_policy("dynamodb", NAMES, table_prefix="BudgetBuddy", repository="backend")
    (own,) = statements(policy)

    used = {action for table in contract.TABLES for action in table.actions}
    assert as_set(own["Action"]) == used | set(contract.EVIDENCE_TABLE_ACTIONS)


def test_only_people_in_an_emergency_tamper_with_backups() -> None:
    (deny,) = statements(vault_policy(NAMES))

    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": NAMES.role_arn("break-glass")}}
    assert {"backup:DeleteRecoveryPoint", "backup:DeleteBackupVault"} <= as_set(deny["Action"])
    assert "backup:PutBackupVaultLockConfiguration" in as_set(deny["Action"])


def test_only_roles_of_this_system_read_a_secret() -> None:
    (deny,) = statements(secret_policy(NAMES, "jwt-secret"))

    assert (deny["Effect"], deny["Action"]) == ("Deny", "secretsmanager:GetSecretValue")
    assert deny["Condition"] == {
        "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/budgetbuddy/*"}
    }
    assert deny["Resource"].endswith(":secret:budgetbuddy/jwt-secret-??????")


def test_only_our_alarms_publish_and_only_with_tls() -> None:
    allow, backup, deny = (
        {each["Sid"]: each for each in statements(topic_policy(NAMES, "critical"))}[sid]
        for sid in ("AllowAlarms", "AllowBackup", "DenyWithoutTls")
    )

    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert backup["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_event_rules_of_this_system_publish() -> None:
    by_sid = {each["Sid"]: each for each in statements(topic_policy(NAMES, "security"))}
    events = by_sid["AllowEvents"]

    assert by_sid.keys() == {
        "AllowAlarms",
        "AllowBackup",
        "AllowBudgets",
        "AllowEvents",
        "DenyWithoutTls",
    }
    assert by_sid["AllowBudgets"]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert events["Principal"] == {"Service": "events.amazonaws.com"}
    assert events["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/budgetbuddy-*"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


def test_the_recorder_writes_its_own_bucket_for_this_account_only() -> None:
    check, write = (each.rendered() for each in config_statements(NAMES))
    bucket = f"arn:aws:s3:::budgetbuddy-config-{ACCOUNT}-us-east-1"

    for each in (check, write):
        assert each["Principal"] == {"Service": "config.amazonaws.com"}
        assert each["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
    assert check["Resource"] == bucket
    assert write["Resource"] == f"{bucket}/AWSLogs/{ACCOUNT}/Config/*"


def test_the_firewalls_write_their_own_groups_only() -> None:
    (allow,) = statements(firewall_delivery_policy(NAMES))

    assert allow["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    groups = {resource.split(":log-group:")[1] for resource in allow["Resource"]}
    assert groups == {
        "aws-waf-logs-budgetbuddy-alb:log-stream:*",
        "aws-waf-logs-budgetbuddy-cdn:log-stream:*",
    }
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
