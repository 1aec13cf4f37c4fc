"""What a deployment may do to tables, buckets, secrets, backups and keys."""

from delivery.naming import PROJECT, Names
from delivery.policy import Statement, everywhere, verbs

# Buckets of the platform; delivery's own state, artifacts and evidence are not among them.
PLATFORM_BUCKETS = ("access-logs", "audit", "config", "exports", "log-archive")


def data_statements(names: Names) -> list[Statement]:
    """Everything that holds data, and the keys it is encrypted with."""
    buckets = tuple(names.bucket_arn(use) for use in PLATFORM_BUCKETS)
    return [
        Statement(
            sid="Tables",
            actions=verbs(
                "dynamodb",
                "CreateTable DeleteTable DescribeContinuousBackups DescribeTable"
                " DescribeTimeToLive ListTagsOfResource TagResource UntagResource"
                " UpdateContinuousBackups UpdateTable UpdateTimeToLive",
            ),
            resources=(names.arn("dynamodb", "table/BudgetBuddy-*"),),
        ),
        Statement(
            sid="Buckets",
            actions=verbs(
                "s3",
                "CreateBucket DeleteBucket GetAccelerateConfiguration GetBucket*"
                " GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration"
                " ListBucket PutBucketLogging PutBucketOwnershipControls PutBucketPolicy"
                " PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning"
                " PutEncryptionConfiguration PutLifecycleConfiguration",
            ),
            resources=buckets,
        ),
        Statement(
            sid="Secrets",
            actions=verbs(
                "secretsmanager",
                "CreateSecret DeleteSecret DescribeSecret GetResourcePolicy"
                " GetSecretValue PutResourcePolicy PutSecretValue RotateSecret"
                " TagResource UntagResource UpdateSecret UpdateSecretVersionStage",
            ),
            resources=(names.arn("secretsmanager", f"secret:{PROJECT}/*"),),
        ),
        Statement(
            sid="Backups",
            actions=verbs(
                "backup",
                "CreateBackupPlan CreateBackupSelection CreateBackupVault CreateRestoreTestingPlan"
                " CreateRestoreTestingSelection DeleteBackupPlan DeleteBackupSelection"
                " DeleteBackupVaultAccessPolicy DeleteBackupVaultNotifications"
                " DeleteRestoreTestingPlan DeleteRestoreTestingSelection DescribeBackupVault"
                " GetBackupPlan GetBackupSelection GetBackupVaultAccessPolicy"
                " GetBackupVaultNotifications GetRestoreTestingPlan GetRestoreTestingSelection"
                " ListTags PutBackupVaultAccessPolicy PutBackupVaultNotifications TagResource"
                " UntagResource UpdateBackupPlan UpdateRestoreTestingPlan"
                " UpdateRestoreTestingSelection",
            ),
            resources=tuple(
                names.arn("backup", each, region)
                for region in (names.region, names.backup_region)
                for each in (
                    "backup-vault:budgetbuddy-*",
                    "backup-plan:*",
                    "restore-testing-plan:*",
                )
            ),
        ),
        *_keys(names),
        everywhere("SeeData", "kms:CreateKey", "kms:ListAliases"),
    ]


def _keys(names: Names) -> list[Statement]:
    """Keys are made and described; taking one away is left to people."""
    regions = (names.region, names.backup_region)
    keys = tuple(names.arn("kms", "key/*", region) for region in regions)
    aliases = tuple(names.arn("kms", f"alias/{PROJECT}-*", region) for region in regions)
    return [
        Statement(
            sid="Keys",
            actions=verbs(
                "kms",
                "DescribeKey EnableKeyRotation GetKeyPolicy GetKeyRotationStatus ListResourceTags"
                " TagResource UpdateKeyDescription",
            ),
            resources=keys,
        ),
        Statement(sid="NameKeys", actions=("kms:CreateAlias",), resources=(*keys, *aliases)),
        Statement(
            sid="LetServicesUseKeys",
            actions=verbs("kms", "CreateGrant Decrypt Encrypt GenerateDataKey"),
            resources=keys,
            conditions={
                "StringEquals": {
                    "kms:ViaService": tuple(
                        f"{service}.{names.region}.amazonaws.com"
                        for service in ("dynamodb", "lambda", "secretsmanager")
                    )
                },
                "ForAnyValue:StringLike": {"kms:ResourceAliases": f"alias/{PROJECT}-*"},
            },
        ),
    ]
