"""Where every log group goes after its days in CloudWatch: a locked bucket, fed by Firehose."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.bucket import BucketArgs, ObjectLock, SecureBucket
from infra.identity import RoleArgs, ServiceRole
from infra.keys import KeyRing
from infra.naming import ARCHIVE_STREAM, FIREHOSE_LOGS, Names
from infra.policy import Statement

ERROR_STREAM = "delivery"
BUFFER_MIB = 64
BUFFER_SECONDS = 300
# Firehose reports its own errors here. It must not feed the stream it reports on, so it keeps its
# events for more than a year by itself.
OWN_RETENTION_DAYS = 400


@dataclass(frozen=True, kw_only=True)
class LogArchiveArgs:
    """Retention and lock of the archived events, in days."""

    names: Names
    keys: KeyRing
    access_logs: SecureBucket
    archive_days: int
    lock: ObjectLock
    protect: bool
    boundary_arn: str | None


class LogArchive(pulumi.ComponentResource):
    """`stream_arn` and `role_arn` are what a log group's subscription needs."""

    def __init__(
        self, name: str, args: LogArchiveArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:logs:LogArchive", name, None, opts)
        self._child = ResourceOptions(parent=self)
        self._args = args
        self.bucket = SecureBucket(
            name,
            BucketArgs(
                names=args.names,
                use="log-archive",
                data_class="audit",
                protect=args.protect,
                expire_days=args.archive_days,
                deep_archive=True,
                kms_key_arn=args.keys.arns["logs"],
                lock=args.lock,
                log_bucket=args.access_logs.name,
            ),
            self._child,
        )
        stream = self._stream(self._delivery_role())
        self.stream_arn = stream.arn
        self.role_arn = self._subscription_role().arn
        self.register_outputs({"streamArn": self.stream_arn})

    def _delivery_role(self) -> ServiceRole:
        names = self._args.names
        bucket = names.bucket_arn("log-archive")
        role = ServiceRole(
            "firehose",
            RoleArgs(
                names=names,
                service="firehose",
                description="Firehose writes log events into the archive",
                source_arn=names.arn("firehose", f"deliverystream/{ARCHIVE_STREAM}"),
                boundary_arn=self._args.boundary_arn,
            ),
            self._child,
        )
        role.allow(
            Statement(
                sid="WriteArchive",
                actions=(
                    "s3:AbortMultipartUpload",
                    "s3:GetBucketLocation",
                    "s3:GetObject",
                    "s3:ListBucket",
                    "s3:ListBucketMultipartUploads",
                    "s3:PutObject",
                ),
                resources=(bucket, f"{bucket}/*"),
            ),
            Statement(
                sid="ReportErrors",
                actions=("logs:PutLogEvents",),
                resources=(f"{names.log_group_arn(FIREHOSE_LOGS)}:log-stream:{ERROR_STREAM}",),
            ),
        )
        self._args.keys.grant_use_via(role, "logs", "s3")
        self._args.keys.grant_use_via(role, "logs", "firehose")
        role.seal()
        return role

    def _stream(self, role: ServiceRole) -> aws.kinesis.FirehoseDeliveryStream:
        key_arn = self._args.keys.arns["logs"]
        group = aws.cloudwatch.LogGroup(
            "firehose-errors",
            name=FIREHOSE_LOGS,
            retention_in_days=OWN_RETENTION_DAYS,
            kms_key_id=key_arn,
            tags={"data-class": "log"},
            opts=self._child,
        )
        errors = aws.cloudwatch.LogStream(
            "firehose-errors", name=ERROR_STREAM, log_group_name=group.name, opts=self._child
        )
        return aws.kinesis.FirehoseDeliveryStream(
            "archive",
            name=ARCHIVE_STREAM,
            destination="extended_s3",
            server_side_encryption={
                "enabled": True,
                "key_type": "CUSTOMER_MANAGED_CMK",
                "key_arn": key_arn,
            },
            extended_s3_configuration={
                "bucket_arn": self.bucket.arn,
                "role_arn": role.arn,
                "kms_key_arn": key_arn,
                "buffering_size": BUFFER_MIB,
                "buffering_interval": BUFFER_SECONDS,
                # The processor unpacks what CloudWatch sends; the objects are packed again.
                "compression_format": "GZIP",
                "prefix": "logs/!{timestamp:yyyy/MM/dd/HH}/",
                "error_output_prefix": "failed/!{firehose:error-output-type}/",
                "processing_configuration": {
                    "enabled": True,
                    "processors": [
                        {
                            "type": "Decompression",
                            "parameters": [
                                {
                                    "parameter_name": "CompressionFormat",
                                    "parameter_value": "GZIP",
                                }
                            ],
                        },
                        {"type": "AppendDelimiterToRecord"},
                    ],
                },
                "cloudwatch_logging_options": {
                    "enabled": True,
                    "log_group_name": group.name,
                    "log_stream_name": errors.name,
                },
            },
            tags={"data-class": "log"},
            opts=ResourceOptions(parent=self, depends_on=[role, self.bucket]),
        )

    def _subscription_role(self) -> ServiceRole:
        names = self._args.names
        role = ServiceRole(
            "logs-to-firehose",
            RoleArgs(
                names=names,
                service="logs",
                description="CloudWatch Logs forwards log events to the archive",
                source_arn=names.arn("logs", "*"),
                boundary_arn=self._args.boundary_arn,
            ),
            self._child,
        )
        role.allow(
            Statement(
                sid="Forward",
                actions=("firehose:PutRecord", "firehose:PutRecordBatch"),
                resources=(names.arn("firehose", f"deliverystream/{ARCHIVE_STREAM}"),),
            )
        )
        role.seal()
        return role
