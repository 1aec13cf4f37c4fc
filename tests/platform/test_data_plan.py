"""Tables, keys, secrets, buckets and logs as the engine would build them."""

from typing import Any

import pytest

from budgetbuddy import contract

pytestmark = pytest.mark.engine

TABLE = "aws:dynamodb/table:Table"
KEY = "aws:kms/key:Key"
GROUP = "aws:cloudwatch/logGroup:LogGroup"
SUBSCRIPTION = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
BUCKET = "aws:s3/bucket:Bucket"


def split(plan: Any, kind: str, bucket: Any) -> Any:
    """The part of a bucket that AWS keeps in a resource of its own."""
    (found,) = [
        each
        for each in plan.of(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}")
        if bucket.urn in each.depends_on["bucket"]
    ]
    return found


@pytest.fixture(params=contract.TABLES, ids=lambda spec: spec.name)
def spec(request: pytest.FixtureRequest) -> contract.TableSpec:
    chosen: contract.TableSpec = request.param
    return chosen


def test_the_tables_are_the_contracts(plan: Any) -> None:
    assert {each.inputs["name"] for each in plan.of(TABLE)} == {
        f"BudgetBuddy-{spec.name}" for spec in contract.TABLES
    }


def test_a_table_has_the_contracts_keys_and_indexes(plan: Any, spec: contract.TableSpec) -> None:
    table = plan.one(TABLE, spec.name.lower()).inputs
    sorts = {spec.sort_key for spec in spec.indexes}

    assert (table["hashKey"], table["rangeKey"]) == ("pk", "sk")
    assert {each["name"]: each["type"] for each in table["attributes"]} == dict.fromkeys(
        {"pk", "sk"} | sorts, "S"
    )
    assert [
        (each["name"], each["rangeKey"], each["projectionType"])
        for each in table.get("localSecondaryIndexes", [])
    ] == [(index.name, index.sort_key, "ALL") for index in spec.indexes]
    assert "globalSecondaryIndexes" not in table
    assert table.get("ttl") == ({"attributeName": spec.ttl, "enabled": True} if spec.ttl else None)


def test_a_table_is_encrypted_with_the_key_of_its_class(
    plan: Any, spec: contract.TableSpec
) -> None:
    table = plan.one(TABLE, spec.name.lower())

    assert table.inputs["serverSideEncryption"]["enabled"] is True
    assert plan.one(KEY, spec.key_class).urn in table.depends_on["serverSideEncryption"]


def test_a_table_can_be_restored_and_does_not_vanish(
    plan: Any, stack: str, spec: contract.TableSpec
) -> None:
    table = plan.one(TABLE, spec.name.lower()).inputs
    longest = {"local": 1, "staging": 7, "production": 35}[stack]

    assert table["pointInTimeRecovery"] == {
        "enabled": True,
        "recoveryPeriodInDays": min(longest, spec.restore_days),
    }
    assert table["deletionProtectionEnabled"] is (stack != "local")
    assert table["billingMode"] == "PAY_PER_REQUEST"
    assert table["tags"]["data-class"] == spec.data_class


# --- Keys ----------------------------------------------------------------------------------------


def test_every_key_rotates_and_is_hard_to_lose(plan: Any) -> None:
    for key in plan.of(KEY):
        assert key.inputs["enableKeyRotation"] is True
        assert key.inputs["deletionWindowInDays"] == 30
        assert key.inputs["bypassPolicyLockoutSafetyCheck"] is False
        assert key.inputs["customerMasterKeySpec"] == "SYMMETRIC_DEFAULT"


def test_every_key_has_its_alias(plan: Any) -> None:
    aliases = plan.of("aws:kms/alias:Alias")

    for key in plan.of(KEY):
        (mine,) = [each for each in aliases if each.depends_on["targetKeyId"] == (key.urn,)]
        short = "backup" if key.name.startswith("vault") else key.name
        assert mine.inputs["name"] == f"alias/budgetbuddy-{short}"


# --- Secrets -------------------------------------------------------------------------------------


def test_every_secret_of_the_contract_is_encrypted_private_and_filled(
    plan: Any, stack: str
) -> None:
    kinds = [
        f"aws:secretsmanager/{kind}" for kind in ("secret:Secret", "secretPolicy:SecretPolicy")
    ]
    needed = {spec.secret for spec in contract.SECRETS}
    for name in needed:
        secret = plan.one(kinds[0], name)
        policy = plan.one(kinds[1], name)
        version = plan.one("aws:secretsmanager/secretVersion:SecretVersion", name)
        days = {"local": 0, "staging": 7, "production": 30}[stack]
        assert secret.inputs["name"] == f"budgetbuddy/{name}"
        assert secret.inputs["recoveryWindowInDays"] == days
        assert secret.depends_on["kmsKeyId"] == (plan.one(KEY, "secrets").urn,)
        assert policy.inputs["blockPublicPolicy"] is True
        assert version.depends_on["secretId"] == (secret.urn,)
    assert {each.name for each in plan.of(kinds[0])} == needed


def test_the_signing_key_rotates_every_month(plan: Any) -> None:
    rotation = plan.one("aws:secretsmanager/secretRotation:SecretRotation")
    function = plan.one("aws:lambda/function:Function", "rotate-jwt")
    permission = plan.one("aws:lambda/permission:Permission")
    secret = plan.one("aws:secretsmanager/secret:Secret", "jwt-secret")

    assert rotation.inputs["rotationRules"] == {"automaticallyAfterDays": 30}
    assert rotation.inputs["rotateImmediately"] is True
    assert rotation.depends_on["secretId"] == (secret.urn,)
    assert rotation.depends_on["rotationLambdaArn"] == (function.urn,)
    assert permission.inputs["principal"] == "secretsmanager.amazonaws.com"
    assert permission.depends_on["sourceArn"] == (secret.urn,)
    assert permission.inputs["sourceAccount"]


def test_the_rotation_function_may_rotate_one_secret_and_restart_one_service(plan: Any) -> None:
    policy = plan.one("aws:iam/rolePolicy:RolePolicy", "rotate-jwt-inline")
    by_sid = {each["Sid"]: each for each in policy.document("policy")}
    rotate, restart = by_sid["RotateSecret"], by_sid["RestartTasks"]
    key = by_sid["UseSecretsKeyThroughSecretsmanager"]

    assert by_sid.keys() == {
        "RotateSecret",
        "RestartTasks",
        "UseSecretsKeyThroughSecretsmanager",
        "WriteLogs",
    }
    assert rotate["Resource"].endswith(":secret:budgetbuddy/jwt-secret-??????")
    (function,) = rotate["Condition"]["StringEquals"].values()
    assert function.endswith(":function:budgetbuddy-rotate-jwt")
    assert restart["Action"] == "ecs:UpdateService"
    assert restart["Resource"].endswith(":service/budgetbuddy-cluster/budgetbuddy-backend")
    assert sorted(key["Action"]) == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert key["Condition"]["StringLike"] == {"kms:EncryptionContext:SecretARN": rotate["Resource"]}


def test_the_rotation_function_runs_alone_and_logs_where_the_archive_reads(plan: Any) -> None:
    function = plan.one("aws:lambda/function:Function", "rotate-jwt")

    assert function.inputs["reservedConcurrentExecutions"] == 1
    assert function.inputs["runtime"] == "python3.13"
    assert function.inputs["architectures"] == ["arm64"]
    assert plan.at(function.depends_on["loggingConfig"][0]).name == "logs-rotate-jwt"


# --- Buckets -------------------------------------------------------------------------------------


def test_every_bucket_is_private_versioned_and_tls_only(plan: Any) -> None:
    for bucket in plan.of(BUCKET):
        private = split(plan, "BucketPublicAccessBlock", bucket).inputs
        flags = (
            "blockPublicAcls",
            "blockPublicPolicy",
            "ignorePublicAcls",
            "restrictPublicBuckets",
        )
        assert all(private[flag] is True for flag in flags)
        owner = split(plan, "BucketOwnershipControls", bucket).inputs
        assert owner["rule"]["objectOwnership"] == "BucketOwnerEnforced"
        versions = split(plan, "BucketVersioning", bucket).inputs
        assert versions["versioningConfiguration"]["status"] == "Enabled"
        sids = {each["Sid"] for each in split(plan, "BucketPolicy", bucket).document("policy")}
        assert {"DenyWithoutTls", "DenyOldTls"} <= sids
        assert bucket.inputs["forceDestroy"] is False


@pytest.mark.parametrize(("name", "key"), [("log-archive", "logs"), ("audit", "audit")])
def test_evidence_is_encrypted_locked_and_logged(
    plan: Any, stack: str, name: str, key: str
) -> None:
    bucket = plan.one(BUCKET, name)
    days = {"local": 365, "staging": 400, "production": 2557}[stack] if name == "audit" else 365
    encryption = split(plan, "BucketServerSideEncryptionConfiguration", bucket)
    (rule,) = encryption.inputs["rules"]
    lock = split(plan, "BucketObjectLockConfiguration", bucket).inputs["rule"]["defaultRetention"]
    logging = split(plan, "BucketLogging", bucket)
    mode = "COMPLIANCE" if stack == "production" else "GOVERNANCE"

    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert plan.one(KEY, key).urn in encryption.depends_on["rules"]
    assert bucket.inputs["objectLockEnabled"] is True
    assert lock == {"mode": mode, "days": days}
    assert logging.depends_on["targetBucket"] == (plan.one(BUCKET, "access-logs").urn,)


def test_log_delivery_targets_use_what_the_delivery_accepts(plan: Any) -> None:
    bucket = plan.one(BUCKET, "access-logs")
    (rule,) = split(plan, "BucketServerSideEncryptionConfiguration", bucket).inputs["rules"]

    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "AES256"
    assert not bucket.inputs.get("objectLockEnabled")


def test_nothing_is_disposed_of_within_a_year(plan: Any, stack: str) -> None:
    days = {"local": 365, "staging": 400, "production": 2557}[stack]
    for bucket in plan.of(BUCKET):
        (rule,) = split(plan, "BucketLifecycleConfiguration", bucket).inputs["rules"]
        assert rule["status"] == "Enabled"
        assert rule["expiration"]["days"] == days
        assert rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"] == 7


# --- Logs ----------------------------------------------------------------------------------------


def test_every_group_reaches_the_archive(plan: Any) -> None:
    stream = plan.one("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
    own_errors = plan.one(GROUP, "firehose-errors")
    forwarded = {each.depends_on["logGroup"][0] for each in plan.of(SUBSCRIPTION)}

    assert forwarded == {each.urn for each in plan.of(GROUP)} - {own_errors.urn}
    for each in plan.of(SUBSCRIPTION):
        assert each.inputs["filterPattern"] == ""
        assert each.depends_on["destinationArn"] == (stream.urn,)
    assert own_errors.inputs["retentionInDays"] >= 365


def test_every_group_is_encrypted_and_keeps_a_month(plan: Any) -> None:
    for group in plan.of(GROUP):
        assert group.depends_on["kmsKeyId"] == (plan.one(KEY, "logs").urn,)
        assert group.inputs["retentionInDays"] in (30, 400)


def test_the_archive_stream_is_encrypted_on_the_way_and_at_the_end(plan: Any) -> None:
    stream = plan.one("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
    logs = plan.one(KEY, "logs").urn

    assert stream.inputs["serverSideEncryption"]["keyType"] == "CUSTOMER_MANAGED_CMK"
    assert logs in stream.depends_on["serverSideEncryption"]
    assert {logs, plan.one(BUCKET, "log-archive").urn} <= set(
        stream.depends_on["extendedS3Configuration"]
    )


# --- Backups -------------------------------------------------------------------------------------


def test_the_tables_that_are_kept_are_backed_up_here_and_elsewhere(plan: Any) -> None:
    selection = plan.one("aws:backup/selection:Selection")
    chosen = [plan.at(urn).name for urn in selection.depends_on["resources"]]
    rules = plan.one("aws:backup/plan:Plan").inputs["rules"]
    copies = plan.one("aws:backup/plan:Plan").depends_on["rules"]

    assert sorted(chosen) == sorted(s.name.lower() for s in contract.TABLES if s.backup)
    assert all(len(rule["copyActions"]) == 1 for rule in rules)
    assert {plan.at(urn).name for urn in copies} == {"vault", "vault-copy"}


def test_recovery_points_are_encrypted_and_locked(plan: Any, stack: str) -> None:
    vaults = plan.of("aws:backup/vault:Vault")
    locks = plan.of("aws:backup/vaultLockConfiguration:VaultLockConfiguration")

    assert {each.name for each in vaults} == {each.name for each in locks}
    assert len(vaults) == 2
    for each in vaults:
        assert each.depends_on["kmsKeyArn"] == (plan.one(KEY, each.name).urn,)
    for each in locks:
        assert each.inputs["minRetentionDays"] == (35 if stack == "production" else 7)
        assert ("changeableForDays" in each.inputs) is (stack == "production")


def test_production_keeps_backups_for_a_year(production: Any) -> None:
    rules = production.one("aws:backup/plan:Plan").inputs["rules"]
    kept = {rule["ruleName"]: rule["lifecycle"] for rule in rules}

    assert kept == {
        "daily": {"deleteAfter": 35},
        "monthly": {"deleteAfter": 400, "coldStorageAfter": 30},
    }


def test_a_restore_is_tried_every_week(plan: Any) -> None:
    selection = plan.one("aws:backup/restoreTestingSelection:RestoreTestingSelection")
    tried = [plan.at(urn).name for urn in selection.depends_on["protectedResourceArns"]]
    failures = plan.one("aws:backup/vaultNotifications:VaultNotifications").inputs

    assert sorted(tried) == sorted(s.name.lower() for s in contract.TABLES if s.backup)
    assert "RESTORE_JOB_FAILED" in failures["backupVaultEvents"]
