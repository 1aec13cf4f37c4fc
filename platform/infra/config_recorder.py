"""AWS Config: what every resource looked like at any time, kept as long as the trail."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.bucket import BucketArgs, SecureBucket
from infra.bucket_policies import config_statements
from infra.keys import KeyRing
from infra.naming import CONFIG_BUCKET, PROJECT, Names

LONGEST_RETENTION_DAYS = 2557  # AWS limit of the history that Config itself keeps


@dataclass(frozen=True, kw_only=True)
class ConfigRecorderArgs:
    """`frequency` is CONTINUOUS or DAILY; `days` the history is kept."""

    names: Names
    keys: KeyRing
    access_logs: SecureBucket
    frequency: str
    days: int
    protect: bool


class ConfigRecorder(pulumi.ComponentResource):
    """Records every supported type, global ones included; one recorder for the account's region."""

    def __init__(
        self, name: str, args: ConfigRecorderArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:security:ConfigRecorder", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        recorder = self._recorder()
        channel = self._channel(self._bucket(), recorder)
        aws.cfg.RecorderStatus(
            "recorder",
            name=recorder.name,
            is_enabled=True,
            # AWS refuses to start a recorder that has nowhere to write.
            opts=ResourceOptions(parent=self, depends_on=[channel]),
        )
        aws.cfg.RetentionConfiguration(
            "history",
            retention_period_in_days=min(args.days, LONGEST_RETENTION_DAYS),
            opts=self._child,
        )
        self.register_outputs({})

    def _bucket(self) -> SecureBucket:
        """Without Object Lock: Config refuses buckets with a default retention."""
        args = self._args
        return SecureBucket(
            "config",
            BucketArgs(
                names=args.names,
                use=CONFIG_BUCKET,
                data_class="log",
                protect=args.protect,
                expire_days=args.days,
                kms_key_arn=args.keys.arns["audit"],
                log_bucket=args.access_logs.name,
                statements=tuple(config_statements(args.names)),
            ),
            self._child,
        )

    def _recorder(self) -> aws.cfg.Recorder:
        role = aws.iam.ServiceLinkedRole(
            "config", aws_service_name="config.amazonaws.com", opts=self._child
        )
        return aws.cfg.Recorder(
            "recorder",
            name=PROJECT,
            role_arn=role.arn,
            recording_group={"all_supported": True, "include_global_resource_types": True},
            recording_mode={"recording_frequency": self._args.frequency},
            opts=self._child,
        )

    def _channel(self, bucket: SecureBucket, recorder: aws.cfg.Recorder) -> aws.cfg.DeliveryChannel:
        return aws.cfg.DeliveryChannel(
            "channel",
            name=PROJECT,
            s3_bucket_name=bucket.name,
            s3_kms_key_arn=self._args.keys.arns["audit"],
            opts=ResourceOptions(parent=self, depends_on=[recorder, bucket.policy]),
        )
