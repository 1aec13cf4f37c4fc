"""What people may do in an emergency, and on a first deployment, beyond the pipeline.

Trail, detection and locks are set here and nowhere else; every use is an alarm.
"""

from delivery.naming import PROJECT, Names
from delivery.policy import Statement, everywhere, verbs


def emergency_statements(names: Names) -> list[Statement]:
    """Records, detection, keys and backups: what the boundary of delivery keeps from the pipeline.

    Deleting a trail or a recovery point, and passing over a lock, is not among it.
    """
    regions = (names.region, names.backup_region)
    return [
        Statement(
            sid="Trail",
            actions=verbs(
                "cloudtrail",
                "AddTags CreateTrail GetEventSelectors GetTrail GetTrailStatus ListTags"
                " PutEventSelectors RemoveTags StartLogging UpdateTrail",
            ),
            resources=(names.arn("cloudtrail", f"trail/{PROJECT}"),),
        ),
        Statement(
            sid="Locks",
            actions=("s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"),
            resources=(f"arn:aws:s3:::{PROJECT}-*",),
        ),
        Statement(
            sid="VaultLocks",
            actions=verbs(
                "backup", "DeleteBackupVault DescribeBackupVault PutBackupVaultLockConfiguration"
            ),
            resources=tuple(
                names.arn("backup", f"backup-vault:{PROJECT}-*", region) for region in regions
            ),
        ),
        Statement(
            sid="Detection",
            actions=(
                "access-analyzer:CreateAnalyzer",
                "access-analyzer:GetAnalyzer",
                "config:PutConfigurationRecorder",
                "config:StartConfigurationRecorder",
                "guardduty:GetDetector",
                "guardduty:TagResource",
                "guardduty:UpdateDetector",
                "securityhub:BatchEnableStandards",
                "securityhub:EnableSecurityHub",
                "securityhub:GetEnabledStandards",
            ),
            resources=tuple(
                names.arn(service, "*")
                for service in ("access-analyzer", "config", "guardduty", "securityhub")
            ),
        ),
        Statement(
            sid="RetireKeys",
            actions=verbs(
                "kms",
                "CancelKeyDeletion DeleteAlias DisableKey EnableKey PutKeyPolicy"
                " ScheduleKeyDeletion UpdateAlias",
            ),
            resources=tuple(
                names.arn("kms", each, region)
                for region in regions
                for each in ("key/*", f"alias/{PROJECT}-*")
            ),
        ),
        everywhere(
            "Account",
            "backup:UpdateRegionSettings",
            "config:PutDeliveryChannel",
            "config:PutRetentionConfiguration",
            "ec2:EnableEbsEncryptionByDefault",
            "guardduty:CreateDetector",
            "iam:GetAccountPasswordPolicy",
            "iam:UpdateAccountPasswordPolicy",
            "s3:GetAccountPublicAccessBlock",
            "s3:PutAccountPublicAccessBlock",
        ),
    ]
