"""What holds for the whole account, whichever program made a resource in it."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

PASSWORD_LENGTH = 14
PASSWORD_HISTORY = 24
PASSWORD_DAYS = 90


class AccountBaseline(pulumi.ComponentResource):
    """No public bucket, no plain disk, no weak console password."""

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:security:AccountBaseline", name, None, opts)
        child = ResourceOptions(parent=self)
        aws.s3.AccountPublicAccessBlock(
            "no-public-buckets",
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.iam.AccountPasswordPolicy(
            "passwords",
            minimum_password_length=PASSWORD_LENGTH,
            require_lowercase_characters=True,
            require_uppercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            password_reuse_prevention=PASSWORD_HISTORY,
            max_password_age=PASSWORD_DAYS,
            allow_users_to_change_password=True,
            opts=child,
        )
        aws.ebs.EncryptionByDefault("disks", enabled=True, opts=child)
        self.register_outputs({})
