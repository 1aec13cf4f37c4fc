"""What a deployment may do to logs, alarms, topics and events."""

from delivery.deployment.roles import role_statements
from delivery.naming import PROJECT, Names
from delivery.policy import Statement, everywhere, verbs


def oversight_statements(names: Names) -> list[Statement]:
    """Logs, alarms, notifications, and the roles of what runs."""
    return [
        Statement(
            sid="LogGroups",
            actions=verbs(
                "logs",
                "AssociateKmsKey CreateLogGroup CreateLogStream DeleteMetricFilter"
                " DescribeLogStreams DescribeMetricFilters"
                " DescribeSubscriptionFilters ListTagsForResource PutMetricFilter"
                " PutRetentionPolicy PutSubscriptionFilter TagResource UntagResource",
            ),
            resources=tuple(
                names.arn("logs", f"log-group:{each}")
                for each in (
                    f"/{PROJECT}/*",
                    f"/aws/ecs/containerinsights/{PROJECT}-cluster/*",
                    f"/aws/lambda/{PROJECT}-*",
                    f"aws-waf-logs-{PROJECT}-*",
                )
            ),
        ),
        Statement(
            sid="Archive",
            actions=verbs(
                "firehose",
                "CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream"
                " ListTagsForDeliveryStream StartDeliveryStreamEncryption TagDeliveryStream"
                " UntagDeliveryStream UpdateDestination",
            ),
            resources=(names.arn("firehose", "deliverystream/budgetbuddy-*"),),
        ),
        Statement(
            sid="Alarms",
            actions=verbs(
                "cloudwatch",
                "DeleteAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource",
            ),
            resources=(names.arn("cloudwatch", f"alarm:{PROJECT}-*"),),
        ),
        Statement(
            sid="Dashboards",
            actions=verbs("cloudwatch", "DeleteDashboards GetDashboard PutDashboard"),
            # Dashboards belong to the account, to no region.
            resources=(f"arn:aws:cloudwatch::{names.account_id}:dashboard/BudgetBuddy-*",),
        ),
        Statement(
            sid="Budgets",
            actions=verbs(
                "budgets", "ListTagsForResource ModifyBudget TagResource UntagResource ViewBudget"
            ),
            resources=(f"arn:aws:budgets::{names.account_id}:budget/{PROJECT}-*",),
        ),
        Statement(
            sid="Topics",
            actions=verbs(
                "sns",
                "CreateTopic DeleteTopic GetTopicAttributes ListSubscriptionsByTopic"
                " ListTagsForResource SetTopicAttributes Subscribe TagResource UntagResource",
            ),
            resources=(names.arn("sns", f"{PROJECT}-*"),),
        ),
        Statement(
            sid="Events",
            actions=verbs(
                "events",
                "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets"
                " RemoveTargets TagResource UntagResource",
            ),
            resources=(names.arn("events", f"rule/{PROJECT}-*"),),
        ),
        everywhere(
            "SeeOversight",
            # AWS refuses these two to whoever may do them on some alarms only.
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutCompositeAlarm",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:PutResourcePolicy",
            "sns:GetSubscriptionAttributes",
            "sns:SetSubscriptionAttributes",
            "sns:Unsubscribe",
        ),
        *role_statements(names),
    ]
