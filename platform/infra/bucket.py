"""A private, versioned, encrypted bucket that only speaks TLS 1.2 and disposes of its objects."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.bucket_policies import (
    ABORT_UPLOAD_DAYS,
    NONCURRENT_DAYS,
    S3_LOG_PREFIX,
    encryption_statements,
    transitions,
    transport_statements,
)
from infra.naming import Names
from infra.policy import Statement, render


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """Default retention of every object; COMPLIANCE cannot be undone by anybody."""

    mode: str
    days: int


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """Without `kms_key_arn` objects are encrypted by S3 (all that log delivery accepts)."""

    names: Names
    use: str
    data_class: str
    protect: bool
    expire_days: int
    deep_archive: bool = False
    kms_key_arn: pulumi.Output[str] | None = None
    lock: ObjectLock | None = None
    log_bucket: pulumi.Input[str] | None = None
    statements: tuple[Statement, ...] = ()


class SecureBucket(pulumi.ComponentResource):
    """`name` and `arn` wait for the bucket, `policy` for the right to write into it."""

    def __init__(self, name: str, args: BucketArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:storage:SecureBucket", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._label = name
        bucket = aws.s3.Bucket(
            name,
            bucket=args.names.bucket(args.use),
            object_lock_enabled=args.lock is not None,
            force_destroy=False,
            tags={"data-class": args.data_class},
            opts=ResourceOptions(parent=self, protect=args.protect),
        )
        self.name, self.arn = bucket.bucket, bucket.arn
        self._shut(bucket)
        versioning = self._keep_versions(bucket)
        self._encrypt(bucket, args.kms_key_arn)
        self._lock(bucket, args.lock, versioning)
        self._dispose(bucket, args, versioning)
        self._log(bucket, args.log_bucket)
        self.policy = self._restrict(bucket, args)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _shut(self, bucket: aws.s3.Bucket) -> None:
        aws.s3.BucketPublicAccessBlock(
            f"{self._label}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            f"{self._label}-owner",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )

    def _keep_versions(self, bucket: aws.s3.Bucket) -> aws.s3.BucketVersioning:
        return aws.s3.BucketVersioning(
            f"{self._label}-versions",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._child,
        )

    def _encrypt(self, bucket: aws.s3.Bucket, key_arn: pulumi.Output[str] | None) -> None:
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._label}-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms" if key_arn else "AES256",
                        "kms_master_key_id": key_arn,
                    },
                    "bucket_key_enabled": key_arn is not None,
                }
            ],
            opts=self._child,
        )

    def _lock(
        self, bucket: aws.s3.Bucket, lock: ObjectLock | None, versioning: aws.s3.BucketVersioning
    ) -> None:
        if lock is None:
            return
        aws.s3.BucketObjectLockConfiguration(
            f"{self._label}-lock",
            bucket=bucket.bucket,
            rule={"default_retention": {"mode": lock.mode, "days": lock.days}},
            opts=ResourceOptions(parent=self, depends_on=[versioning]),
        )

    def _dispose(
        self, bucket: aws.s3.Bucket, args: BucketArgs, versioning: aws.s3.BucketVersioning
    ) -> None:
        steps = transitions(args.expire_days, deep=args.deep_archive)
        aws.s3.BucketLifecycleConfiguration(
            f"{self._label}-lifecycle",
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "keep-then-expire",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "transitions": [
                        {"days": step.days, "storage_class": step.storage_class} for step in steps
                    ],
                    "expiration": {"days": args.expire_days},
                    "noncurrent_version_expiration": {"noncurrent_days": NONCURRENT_DAYS},
                    "abort_incomplete_multipart_upload": {
                        "days_after_initiation": ABORT_UPLOAD_DAYS
                    },
                }
            ],
            opts=ResourceOptions(parent=self, depends_on=[versioning]),
        )

    def _log(self, bucket: aws.s3.Bucket, target: pulumi.Input[str] | None) -> None:
        if target is None:
            return
        aws.s3.BucketLogging(
            f"{self._label}-logging",
            bucket=bucket.bucket,
            target_bucket=target,
            target_prefix=f"{S3_LOG_PREFIX}{self._label}/",
            opts=self._child,
        )

    def _restrict(self, bucket: aws.s3.Bucket, args: BucketArgs) -> aws.s3.BucketPolicy:
        arn = args.names.bucket_arn(args.use)
        encrypted = encryption_statements(arn, args.names) if args.kms_key_arn else []
        return aws.s3.BucketPolicy(
            f"{self._label}-policy",
            bucket=bucket.bucket,
            policy=render([*transport_statements(arn), *encrypted, *args.statements]),
            opts=self._child,
        )
