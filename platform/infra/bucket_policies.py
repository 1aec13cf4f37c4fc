"""Bucket policies and lifecycles as pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.naming import AUDIT_BUCKET, CONFIG_BUCKET, PROJECT, TRAIL, Names
from infra.policy import Statement, service

ABORT_UPLOAD_DAYS = 7
NONCURRENT_DAYS = 30
INFREQUENT_DAYS = 30  # S3 refuses an earlier move to STANDARD_IA
GLACIER_INSTANT_DAYS = 90
DEEP_ARCHIVE_DAYS = 400
DEEP_ARCHIVE_MINIMUM = 180  # days charged at least, so a shorter stay costs more than it saves

# The account Elastic Load Balancing writes logs from, where the service principal is not enough.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
ELB_LOG_ACCOUNTS = {"us-east-1": "127311923021"}
ALB_PREFIX = "alb"
ALB_CONNECTIONS_PREFIX = "alb-connections"
S3_LOG_PREFIX = "s3/"
CDN_LOGS = "CloudFront"  # AWS puts it behind the account in the path


@dataclass(frozen=True, kw_only=True)
class Transition:
    """Move objects older than `days` to a cheaper class."""

    days: int
    storage_class: str


def transitions(expire_days: int, *, deep: bool) -> tuple[Transition, ...]:
    """Objects stay readable within milliseconds; `deep` allows hours to retrieve after 400 days."""
    steps = [
        Transition(days=INFREQUENT_DAYS, storage_class="STANDARD_IA"),
        Transition(days=GLACIER_INSTANT_DAYS, storage_class="GLACIER_IR"),
    ]
    if deep and expire_days >= DEEP_ARCHIVE_DAYS + DEEP_ARCHIVE_MINIMUM:
        steps.append(Transition(days=DEEP_ARCHIVE_DAYS, storage_class="DEEP_ARCHIVE"))
    return tuple(step for step in steps if step.days < expire_days)


def transport_statements(bucket_arn: str) -> list[Statement]:
    """Nobody reaches the bucket without TLS, or with TLS older than 1.2."""
    everything = (bucket_arn, f"{bucket_arn}/*")
    return [
        Statement(
            sid="DenyWithoutTls",
            effect="Deny",
            principals="*",
            actions=("s3:*",),
            resources=everything,
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        ),
        Statement(
            sid="DenyOldTls",
            effect="Deny",
            principals="*",
            actions=("s3:*",),
            resources=everything,
            conditions={"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        ),
    ]


def encryption_statements(bucket_arn: str, names: Names) -> list[Statement]:
    """An upload that names its encryption names KMS and a key of this account.

    One that names none gets the bucket's own key by default.
    """
    return [
        Statement(
            sid="DenyOtherEncryption",
            effect="Deny",
            principals="*",
            actions=("s3:PutObject",),
            resources=(f"{bucket_arn}/*",),
            conditions={
                "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
                "Null": {"s3:x-amz-server-side-encryption": "false"},
            },
        ),
        Statement(
            sid="DenyForeignKey",
            effect="Deny",
            principals="*",
            actions=("s3:PutObject",),
            resources=(f"{bucket_arn}/*",),
            conditions={
                "ArnNotLike": {
                    "s3:x-amz-server-side-encryption-aws-kms-key-id": names.arn("kms", "key/*")
                },
                "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"},
            },
        ),
    ]


def access_log_statements(bucket_arn: str, names: Names) -> list[Statement]:
    """Load balancer, S3 itself and CloudFront may write their logs, each under its own prefix."""
    balancer = tuple(
        f"{bucket_arn}/{prefix}/AWSLogs/{names.account_id}/*"
        for prefix in (ALB_PREFIX, ALB_CONNECTIONS_PREFIX)
    )
    statements = [
        Statement(
            sid="AllowLoadBalancer",
            principals=service("logdelivery.elasticloadbalancing"),
            actions=("s3:PutObject",),
            resources=balancer,
            conditions={"StringEquals": {"aws:SourceAccount": names.account_id}},
        ),
        Statement(
            sid="AllowS3Logging",
            principals=service("logging.s3"),
            actions=("s3:PutObject",),
            resources=(f"{bucket_arn}/{S3_LOG_PREFIX}*",),
            conditions={
                "StringEquals": {"aws:SourceAccount": names.account_id},
                "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{PROJECT}-*"},
            },
        ),
        Statement(
            sid="AllowCloudFront",
            principals=service("delivery.logs"),
            actions=("s3:PutObject",),
            resources=(f"{bucket_arn}/AWSLogs/{names.account_id}/{CDN_LOGS}/*",),
            conditions={
                "StringEquals": {
                    "aws:SourceAccount": names.account_id,
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
                "ArnLike": {"aws:SourceArn": names.arn("logs", f"delivery-source:{PROJECT}-cdn")},
            },
        ),
    ]
    return statements + _regional_log_account(balancer, names)


def trail_statements(names: Names) -> list[Statement]:
    """Our trail, and no other of this or another account, writes its files."""
    bucket = names.bucket_arn(AUDIT_BUCKET)
    source = {"aws:SourceArn": names.arn("cloudtrail", f"trail/{TRAIL}")}
    return [
        Statement(
            sid="AllowTrailCheck",
            principals=service("cloudtrail"),
            actions=("s3:GetBucketAcl",),
            resources=(bucket,),
            conditions={"StringEquals": source},
        ),
        Statement(
            sid="AllowTrail",
            principals=service("cloudtrail"),
            actions=("s3:PutObject",),
            resources=(f"{bucket}/AWSLogs/{names.account_id}/*",),
            conditions={"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    ]


def config_statements(names: Names) -> list[Statement]:
    """AWS Config, for this account only, finds its bucket and writes under its own prefix."""
    bucket = names.bucket_arn(CONFIG_BUCKET)
    source = {"aws:SourceAccount": names.account_id}
    return [
        Statement(
            sid="AllowConfigCheck",
            principals=service("config"),
            actions=("s3:GetBucketAcl", "s3:ListBucket"),
            resources=(bucket,),
            conditions={"StringEquals": source},
        ),
        Statement(
            sid="AllowConfig",
            principals=service("config"),
            actions=("s3:PutObject",),
            resources=(f"{bucket}/AWSLogs/{names.account_id}/Config/*",),
            conditions={"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    ]


def _regional_log_account(resources: Sequence[str], names: Names) -> list[Statement]:
    account = ELB_LOG_ACCOUNTS.get(names.region)
    if account is None:
        return []
    return [
        Statement(
            sid="AllowLoadBalancerAccount",
            principals={"AWS": f"arn:aws:iam::{account}:root"},
            actions=("s3:PutObject",),
            resources=tuple(resources),
        )
    ]
