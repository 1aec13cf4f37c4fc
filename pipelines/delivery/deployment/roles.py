"""What a deployment may do to the roles of what runs, and to nobody else's."""

from delivery.naming import BREAK_GLASS_ROLE, RUNTIME_BOUNDARY, Names
from delivery.policy import Statement, verbs

# Services that may be given a role of the platform.
PASSED_TO = (
    "backup",
    "cloudtrail",
    "config",
    "ecs",
    "ecs-tasks",
    "events",
    "firehose",
    "lambda",
    "logs",
    "scheduler",
    "vpc-flow-logs",
)
SERVICE_ROLES = (
    "backup.amazonaws.com",
    "config.amazonaws.com",
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
)


def role_statements(names: Names) -> list[Statement]:
    """Roles of what runs, each under the boundary for what runs, passed to named services only."""
    ours = names.platform_role_arn("*")
    return [
        Statement(
            sid="GrantWithinBoundary",
            actions=verbs(
                "iam",
                "AttachRolePolicy CreateRole DeleteRolePolicy DetachRolePolicy"
                " PutRolePermissionsBoundary PutRolePolicy UpdateAssumeRolePolicy",
            ),
            resources=(ours,),
            conditions={
                "StringEquals": {"iam:PermissionsBoundary": names.policy_arn(RUNTIME_BOUNDARY)}
            },
        ),
        Statement(
            sid="KeepRoles",
            actions=verbs(
                "iam",
                "DeleteRole GetRole GetRolePolicy ListAttachedRolePolicies"
                " ListInstanceProfilesForRole ListRolePolicies ListRoleTags TagRole UntagRole"
                " UpdateRole UpdateRoleDescription",
            ),
            resources=(ours,),
        ),
        Statement(
            sid="PassRoles",
            actions=("iam:PassRole",),
            resources=(ours,),
            conditions={
                "StringEquals": {
                    "iam:PassedToService": tuple(f"{each}.amazonaws.com" for each in PASSED_TO)
                }
            },
        ),
        Statement(
            sid="ServiceRoles",
            actions=("iam:CreateServiceLinkedRole",),
            resources=(f"arn:aws:iam::{names.account_id}:role/aws-service-role/*",),
            conditions={"StringEquals": {"iam:AWSServiceName": SERVICE_ROLES}},
        ),
        Statement(
            sid="LeaveBreakGlassAlone",
            effect="Deny",
            actions=("iam:*",),
            resources=(names.platform_role_arn(BREAK_GLASS_ROLE),),
        ),
    ]
