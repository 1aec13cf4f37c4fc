"""Who may touch recovery points, and what AWS Backup may touch."""

from collections.abc import Sequence

from infra.naming import BREAK_GLASS_ROLE, Names
from infra.policy import Statement, render
from infra.tables import OwnedTable

DESTRUCTIVE = (
    "backup:DeleteBackupVault",
    "backup:DeleteBackupVaultAccessPolicy",
    "backup:DeleteBackupVaultLockConfiguration",
    "backup:DeleteRecoveryPoint",
    "backup:PutBackupVaultAccessPolicy",
    "backup:PutBackupVaultLockConfiguration",
    "backup:UpdateRecoveryPointLifecycle",
)
RESTORE_TEST_TABLES = "awsbackup-restore-test-*"  # named by AWS Backup


def vault_policy(names: Names) -> str:
    """Nobody but a person with break-glass rights deletes a recovery point or loosens the vault."""
    return render(
        [
            Statement(
                sid="DenyTampering",
                effect="Deny",
                principals="*",
                actions=DESTRUCTIVE,
                resources=("*",),  # in a vault policy, * is the recovery points of that vault
                conditions={"ArnNotLike": {"aws:PrincipalArn": names.role_arn(BREAK_GLASS_ROLE)}},
            )
        ]
    )


def backup_statements(
    names: Names, there: Names, vault: str, tables: Sequence[OwnedTable]
) -> list[Statement]:
    """Read the kept tables, copy between the two vaults, restore into tables made for the test."""
    arns = tuple(names.arn("dynamodb", f"table/{table.physical_name}") for table in tables)
    test = names.arn("dynamodb", f"table/{RESTORE_TEST_TABLES}")
    vaults = tuple(where.arn("backup", f"backup-vault:{vault}") for where in (names, there))
    return [
        Statement(
            sid="BackUpTables",
            actions=(
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTable",
                "dynamodb:ListTagsOfResource",
                "dynamodb:StartAwsBackupJob",
            ),
            resources=arns,
        ),
        Statement(
            sid="TryRestores",
            actions=(
                "dynamodb:CreateTable",
                "dynamodb:DeleteTable",
                "dynamodb:DescribeTable",
                "dynamodb:RestoreTableFromAwsBackup",
            ),
            resources=(test,),
        ),
        Statement(
            sid="MoveRecoveryPoints",
            actions=(
                "backup:CopyFromBackupVault",
                "backup:CopyIntoBackupVault",
                "backup:DescribeBackupVault",
            ),
            resources=vaults,
        ),
        *_key_statements(names, there, tables),
    ]


def _key_statements(names: Names, there: Names, tables: Sequence[OwnedTable]) -> list[Statement]:
    aliases = tuple(names.key_alias(table.spec.key_class) for table in tables)
    services = tuple(
        f"{service}.{where.region}.amazonaws.com"
        for where in (names, there)
        for service in ("backup", "dynamodb")
    )
    keys = (names.arn("kms", "key/*"), there.arn("kms", "key/*"))
    ours = {"kms:ResourceAliases": (*aliases, names.key_alias("backup"))}
    return [
        Statement(
            sid="UseKeys",
            actions=("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
            resources=keys,
            conditions={
                "ForAnyValue:StringEquals": ours,
                "StringEquals": {"kms:ViaService": services},
            },
        ),
        Statement(
            sid="GrantKeys",
            actions=("kms:CreateGrant",),
            resources=keys,
            conditions={
                "ForAnyValue:StringEquals": ours,
                "Bool": {"kms:GrantIsForAWSResource": "true"},
            },
        ),
    ]
