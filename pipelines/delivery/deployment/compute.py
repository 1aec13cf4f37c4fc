"""What a deployment may do to containers, functions, queues and mail."""

from delivery.naming import Names
from delivery.policy import Statement, everywhere, verbs


def compute_statements(names: Names) -> list[Statement]:
    """Containers with their scaling, functions, queues, and the identity mail is sent from."""
    return [
        Statement(
            sid="Containers",
            actions=verbs(
                "ecs",
                "CreateCluster CreateService DeleteCluster DeleteService DescribeClusters"
                " DescribeServices ListTagsForResource PutClusterCapacityProviders"
                " RegisterTaskDefinition TagResource UntagResource UpdateCluster UpdateService",
            ),
            resources=tuple(
                names.arn("ecs", each)
                for each in (
                    "cluster/budgetbuddy-*",
                    "service/budgetbuddy-*",
                    "task-definition/budgetbuddy-*",
                )
            ),
        ),
        Statement(
            sid="Scaling",
            actions=verbs(
                "application-autoscaling",
                "DeleteScalingPolicy DeregisterScalableTarget ListTagsForResource PutScalingPolicy"
                " RegisterScalableTarget TagResource UntagResource",
            ),
            resources=(names.arn("application-autoscaling", "scalable-target/*"),),
        ),
        Statement(
            sid="Functions",
            actions=verbs(
                "lambda",
                "AddPermission CreateFunction DeleteFunction DeleteFunctionConcurrency GetFunction"
                " GetFunctionCodeSigningConfig GetFunctionConfiguration GetPolicy"
                " ListVersionsByFunction PutFunctionConcurrency RemovePermission TagResource"
                " UntagResource UpdateFunctionCode UpdateFunctionConfiguration",
            ),
            resources=(names.arn("lambda", "function:budgetbuddy-*"),),
        ),
        Statement(
            sid="Queues",
            actions=verbs(
                "sqs",
                "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags"
                " SetQueueAttributes TagQueue UntagQueue",
            ),
            resources=(names.arn("sqs", "budgetbuddy-*"),),
        ),
        Statement(
            sid="Mail",
            actions=verbs(
                "ses",
                "CreateEmailIdentity DeleteEmailIdentity GetEmailIdentity ListTagsForResource"
                " PutEmailIdentityDkimAttributes PutEmailIdentityDkimSigningAttributes"
                " PutEmailIdentityFeedbackAttributes PutEmailIdentityMailFromAttributes"
                " TagResource UntagResource",
            ),
            resources=(names.arn("ses", "identity/*"),),
        ),
        everywhere(
            "SeeCompute",
            "application-autoscaling:Describe*",
            "ecs:DeregisterTaskDefinition",
            "ecs:DescribeTaskDefinition",
        ),
    ]
