"""A private, versioned, encrypted bucket, and the buckets that delivery writes into."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.s3 import (
    BucketLifecycleConfigurationRuleArgsDict,
    BucketLifecycleConfigurationRuleTransitionArgsDict,
)

from delivery.naming import ARTIFACT_BUCKET, EVIDENCE_BUCKET, LOG_BUCKET, PROJECT, Names
from delivery.policy import Statement, render, service

NONCURRENT_DAYS = 30
ABORT_UPLOAD_DAYS = 7
INFREQUENT_DAYS = 30  # AWS takes no object into Infrequent Access before
GLACIER_INSTANT_DAYS = 90
LOG_DAYS = 400
S3_LOG_PREFIX = "s3/"


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """Default retention of every object; COMPLIANCE cannot be undone by anybody."""

    mode: str
    days: int


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """Without `kms_key_arn` S3's own key encrypts, and without `expire_days` nothing current ends.

    `noncurrent_days` is how long an overwritten or deleted version can be had back.
    """

    names: Names
    use: str
    data_class: str
    protect: bool
    expire_days: int | None
    noncurrent_days: int = NONCURRENT_DAYS
    kms_key_arn: pulumi.Output[str] | None = None
    lock: ObjectLock | None = None
    log_bucket: pulumi.Input[str] | None = None
    statements: tuple[Statement, ...] = ()


class PrivateBucket(pulumi.ComponentResource):
    """`name` and `arn` wait for the bucket."""

    def __init__(self, name: str, args: BucketArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:delivery:PrivateBucket", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._label, self._args = name, args
        bucket = aws.s3.Bucket(
            name,
            bucket=args.names.bucket(args.use),
            object_lock_enabled=args.lock is not None,
            force_destroy=False,
            tags={"data-class": args.data_class},
            opts=ResourceOptions(parent=self, protect=args.protect),
        )
        self.name, self.arn = bucket.bucket, bucket.arn
        self._shut()
        self._encrypt()
        self._keep_and_dispose()
        self._log()
        self._restrict()
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _shut(self) -> None:
        aws.s3.BucketPublicAccessBlock(
            f"{self._label}-private",
            bucket=self.name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            f"{self._label}-owner",
            bucket=self.name,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )

    def _encrypt(self) -> None:
        key = self._args.kms_key_arn
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._label}-encryption",
            bucket=self.name,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms" if key else "AES256",
                        "kms_master_key_id": key,
                    },
                    "bucket_key_enabled": key is not None,
                }
            ],
            opts=self._child,
        )

    def _keep_and_dispose(self) -> None:
        versioning = aws.s3.BucketVersioning(
            f"{self._label}-versions",
            bucket=self.name,
            versioning_configuration={"status": "Enabled"},
            opts=self._child,
        )
        after = ResourceOptions(parent=self, depends_on=[versioning])
        if lock := self._args.lock:
            aws.s3.BucketObjectLockConfiguration(
                f"{self._label}-lock",
                bucket=self.name,
                rule={"default_retention": {"mode": lock.mode, "days": lock.days}},
                opts=after,
            )
        aws.s3.BucketLifecycleConfiguration(
            f"{self._label}-lifecycle",
            bucket=self.name,
            rules=[lifecycle_rule(self._args.expire_days, self._args.noncurrent_days)],
            opts=after,
        )

    def _log(self) -> None:
        if self._args.log_bucket is not None:
            aws.s3.BucketLogging(
                f"{self._label}-logging",
                bucket=self.name,
                target_bucket=self._args.log_bucket,
                target_prefix=f"{S3_LOG_PREFIX}{self._label}/",
                opts=self._child,
            )

    def _restrict(self) -> None:
        arn = self._args.names.bucket_arn(self._args.use)
        aws.s3.BucketPolicy(
            f"{self._label}-policy",
            bucket=self.name,
            policy=render([*transport_statements(arn), *self._args.statements]),
            opts=self._child,
        )


def lifecycle_rule(
    expire_days: int | None, noncurrent_days: int
) -> BucketLifecycleConfigurationRuleArgsDict:
    """Cheaper with age but always readable within milliseconds, and gone in the end."""
    steps = ((INFREQUENT_DAYS, "STANDARD_IA"), (GLACIER_INSTANT_DAYS, "GLACIER_IR"))
    transitions: list[BucketLifecycleConfigurationRuleTransitionArgsDict] = [
        {"days": days, "storage_class": storage_class}
        for days, storage_class in steps
        if expire_days is not None and days < expire_days
    ]
    rule: BucketLifecycleConfigurationRuleArgsDict = {
        "id": "keep-then-expire",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "transitions": transitions,
        "noncurrent_version_expiration": {"noncurrent_days": noncurrent_days},
        "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_UPLOAD_DAYS},
    }
    if expire_days is not None:
        rule["expiration"] = {"days": expire_days}
    return rule


def transport_statements(bucket_arn: str) -> list[Statement]:
    """Nobody reaches the bucket without TLS, or with TLS older than 1.2."""
    refused = (
        ("DenyWithoutTls", {"Bool": {"aws:SecureTransport": "false"}}),
        ("DenyOldTls", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    )
    return [
        Statement(
            sid=sid,
            effect="Deny",
            principals="*",
            actions=("s3:*",),
            resources=(bucket_arn, f"{bucket_arn}/*"),
            conditions=conditions,
        )
        for sid, conditions in refused
    ]


def access_log_statements(names: Names) -> tuple[Statement, ...]:
    """S3 writes the access logs of our buckets, and nobody else does."""
    return (
        Statement(
            sid="AllowS3Logging",
            principals=service("logging.s3"),
            actions=("s3:PutObject",),
            resources=(f"{names.bucket_arn(LOG_BUCKET)}/{S3_LOG_PREFIX}*",),
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account_id},
                "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{PROJECT}-*"},
            },
        ),
    )


@dataclass(frozen=True, kw_only=True)
class ArtifactStoreArgs:
    """`lock` keeps the evidence; artifacts pass between stages and go after `artifact_days`."""

    names: Names
    kms_key_arn: pulumi.Output[str]
    artifact_days: int
    lock: ObjectLock
    protect: bool


class ArtifactStore(pulumi.ComponentResource):
    """`artifacts` is what stages hand on, `evidence` what auditors ask for, `logs` who looked."""

    def __init__(
        self, name: str, args: ArtifactStoreArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:ArtifactStore", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.logs = self._logs()
        self.artifacts = self._bucket(ARTIFACT_BUCKET, "internal", args.artifact_days, None)
        kept = max(args.lock.days, LOG_DAYS)
        self.evidence = self._bucket(EVIDENCE_BUCKET, "audit", kept, args.lock)
        self.register_outputs({"artifacts": self.artifacts.name, "evidence": self.evidence.name})

    def _logs(self) -> PrivateBucket:
        """S3 logging accepts neither a customer key nor a locked bucket as its target."""
        args = BucketArgs(
            names=self._args.names,
            use=LOG_BUCKET,
            data_class="log",
            protect=self._args.protect,
            expire_days=LOG_DAYS,
            statements=access_log_statements(self._args.names),
        )
        return PrivateBucket(LOG_BUCKET, args, self._child)

    def _bucket(
        self, use: str, data_class: str, expire_days: int, lock: ObjectLock | None
    ) -> PrivateBucket:
        args = BucketArgs(
            names=self._args.names,
            use=use,
            data_class=data_class,
            protect=self._args.protect,
            expire_days=expire_days,
            kms_key_arn=self._args.kms_key_arn,
            lock=lock,
            log_bucket=self.logs.name,
        )
        return PrivateBucket(use, args, self._child)
