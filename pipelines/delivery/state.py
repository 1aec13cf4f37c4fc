"""Where the state of the stacks lies. Losing it means importing every resource by hand."""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from delivery.naming import STATE_BUCKET, STATE_KEY, Names
from delivery.storage import BucketArgs, PrivateBucket

STATE_VERSION_DAYS = 90  # how far back an older state can be restored


@dataclass(frozen=True, kw_only=True)
class StateBackendArgs:
    """The bucket's key, and the bucket that hears who read it."""

    names: Names
    kms_key_arn: pulumi.Output[str]
    log_bucket: pulumi.Input[str]


class StateBackend(pulumi.ComponentResource):
    """`url` is for `pulumi login`, `secrets_provider` for `pulumi stack init`."""

    def __init__(
        self, name: str, args: StateBackendArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:delivery:StateBackend", name, None, opts)
        names = args.names
        bucket = PrivateBucket(
            STATE_BUCKET,
            BucketArgs(
                names=names,
                use=STATE_BUCKET,
                data_class="internal",
                protect=True,
                expire_days=None,
                noncurrent_days=STATE_VERSION_DAYS,
                kms_key_arn=args.kms_key_arn,
                log_bucket=args.log_bucket,
            ),
            ResourceOptions(parent=self),
        )
        self.url = bucket.name.apply(lambda known: f"s3://{known}")
        self.secrets_provider = f"awskms://{names.key_alias(STATE_KEY)}?region={names.region}"
        self.register_outputs({"url": self.url})
