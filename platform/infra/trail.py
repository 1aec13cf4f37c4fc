"""Who did what in the account: one trail for all regions, validated, locked, watched."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.cloudtrail import TrailAdvancedEventSelectorArgsDict

from infra.bucket import BucketArgs, ObjectLock, SecureBucket
from infra.bucket_policies import trail_statements
from infra.identity import RoleArgs, ServiceRole
from infra.keys import KeyRing
from infra.log_archive import LogArchive
from infra.log_group import ArchivedLogGroup
from infra.naming import AUDIT_BUCKET, TRAIL, TRAIL_LOGS, Names
from infra.policy import Statement
from infra.tables import Tables


@dataclass(frozen=True, kw_only=True)
class AuditTrailArgs:
    """`lock` covers `audit_days`, so that nobody shortens the record."""

    names: Names
    keys: KeyRing
    access_logs: SecureBucket
    archive: LogArchive
    logs: ArchivedLogGroup
    tables: Tables
    lock: ObjectLock
    protect: bool
    boundary_arn: str | None


class AuditTrail(pulumi.ComponentResource):
    """`bucket` holds the files, the log group feeds the security alarms."""

    def __init__(
        self, name: str, args: AuditTrailArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:security:AuditTrail", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.bucket = SecureBucket(
            "audit",
            BucketArgs(
                names=args.names,
                use=AUDIT_BUCKET,
                data_class="audit",
                protect=args.protect,
                expire_days=args.lock.days,
                deep_archive=True,
                kms_key_arn=args.keys.arns["audit"],
                lock=args.lock,
                log_bucket=args.access_logs.name,
                statements=tuple(trail_statements(args.names)),
            ),
            self._child,
        )
        self._trail(self._role())
        self.register_outputs({"bucket": self.bucket.name})

    def _role(self) -> ServiceRole:
        names = self._args.names
        role = ServiceRole(
            "trail-to-logs",
            RoleArgs(
                names=names,
                service="cloudtrail",
                description="CloudTrail copies events to the log group the alarms read",
                source_arn=names.arn("cloudtrail", f"trail/{TRAIL}"),
                boundary_arn=self._args.boundary_arn,
            ),
            self._child,
        )
        stream = f"log-stream:{names.account_id}_CloudTrail_{names.region}*"
        role.allow(
            Statement(
                sid="WriteEvents",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                resources=(f"{names.log_group_arn(TRAIL_LOGS)}:{stream}",),
            )
        )
        role.seal()
        return role

    def _trail(self, role: ServiceRole) -> None:
        args = self._args
        aws.cloudtrail.Trail(
            "trail",
            name=TRAIL,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_logging=True,
            enable_log_file_validation=True,
            kms_key_id=args.keys.arns["audit"],
            s3_bucket_name=self.bucket.name,
            cloud_watch_logs_group_arn=pulumi.Output.format("{0}:*", args.logs.arn),
            cloud_watch_logs_role_arn=role.arn,
            advanced_event_selectors=self._selectors(),
            insight_selectors=[
                {"insight_type": "ApiCallRateInsight"},
                {"insight_type": "ApiErrorRateInsight"},
            ],
            opts=ResourceOptions(
                parent=self, protect=args.protect, depends_on=[role, self.bucket.policy]
            ),
        )

    def _selectors(self) -> list[TrailAdvancedEventSelectorArgsDict]:
        """Every management event; reads of the evidence; the audit table; changes of the ledger.

        Writes of the evidence are left out: the trail would record its own deliveries.
        """
        tables = self._args.tables.tables
        evidence = [
            pulumi.Output.format("{0}/", bucket.arn)
            for bucket in (self.bucket, self._args.archive.bucket)
        ]
        return [
            {
                "name": "management",
                "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}],
            },
            {
                "name": "reads of the evidence",
                "field_selectors": [
                    {"field": "eventCategory", "equals": ["Data"]},
                    {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                    {"field": "readOnly", "equals": ["true"]},
                    {"field": "resources.ARN", "starts_withs": evidence},
                ],
            },
            {
                "name": "the audit table",
                "field_selectors": [
                    {"field": "eventCategory", "equals": ["Data"]},
                    {"field": "resources.type", "equals": ["AWS::DynamoDB::Table"]},
                    {"field": "resources.ARN", "equals": [tables["Audit"].arn]},
                ],
            },
            {
                "name": "changes of the ledger",
                "field_selectors": [
                    {"field": "eventCategory", "equals": ["Data"]},
                    {"field": "resources.type", "equals": ["AWS::DynamoDB::Table"]},
                    {"field": "readOnly", "equals": ["false"]},
                    {"field": "resources.ARN", "equals": [tables["Ledger"].arn]},
                ],
            },
        ]
