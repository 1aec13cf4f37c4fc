"""What the API may look at to report on the system it is a part of: read-only, and never its data.

The bundle of a release lies in the bucket of the delivery project, under that project's key.
"""

from budgetbuddy import contract
from infra.key_policies import use_statement
from infra.naming import PROJECT, Names
from infra.policy import Statement

EVIDENCE_BUCKET = "evidence"  # names of the delivery project
BUNDLE_KEY = "artifacts"
PIPELINE = PROJECT


def evidence_statements(names: Names, table_prefix: str) -> tuple[Statement, ...]:
    """The statements of the API's role."""
    aliases = {spec.key_class for spec in contract.TABLES} | {contract.ENVELOPE_KEY_CLASS}
    bundles = f"{names.bucket_arn(EVIDENCE_BUCKET)}/{contract.EVIDENCE_BUNDLES}/*"
    return (
        Statement(
            sid="DescribeTables",
            actions=contract.EVIDENCE_TABLE_ACTIONS,
            resources=tuple(
                names.arn("dynamodb", f"table/{table_prefix}-{spec.name}")
                for spec in contract.TABLES
            ),
        ),
        Statement(
            sid="DescribeKeys",
            actions=contract.EVIDENCE_KEY_ACTIONS,
            resources=(names.arn("kms", "key/*"),),
            conditions={
                "ForAnyValue:StringEquals": {
                    "kms:ResourceAliases": tuple(sorted(map(names.key_alias, aliases)))
                }
            },
        ),
        Statement(
            sid="DescribeAlarms",
            actions=contract.EVIDENCE_ALARM_ACTIONS,
            resources=(names.arn("cloudwatch", "alarm:*"),),
        ),
        Statement(
            sid="FollowPipeline",
            actions=contract.EVIDENCE_PIPELINE_ACTIONS,
            resources=(names.arn("codepipeline", PIPELINE),),
        ),
        Statement(
            sid="ReadPolicyBundles",
            actions=contract.EVIDENCE_BUNDLE_ACTIONS,
            resources=(bundles,),
        ),
        use_statement(BUNDLE_KEY, "s3", names, ("kms:Decrypt",)),
        Statement(
            sid="ReadBackupsAndMetrics",
            actions=contract.EVIDENCE_UNSCOPED_ACTIONS,
            resources=("*",),
            wildcard_reason="AWS offers no resource for these read-only actions",
        ),
    )
