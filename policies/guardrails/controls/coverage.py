"""Which resource types the catalogue has considered (ACC-10)."""

from __future__ import annotations

from functools import cache
from typing import Final

from guardrails.controls.declare import DECLARED

# Types that no control judges, each because it only carries what another resource decides, or
# because it neither stores, exposes nor permits anything.
AUXILIARY: Final = frozenset(
    {
        "aws:accessanalyzer/analyzer:Analyzer",
        "aws:acm/certificateValidation:CertificateValidation",
        "aws:appautoscaling/policy:Policy",
        "aws:appautoscaling/target:Target",
        "aws:backup/regionSettings:RegionSettings",
        "aws:backup/restoreTestingPlan:RestoreTestingPlan",
        "aws:backup/restoreTestingSelection:RestoreTestingSelection",
        "aws:backup/selection:Selection",
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "aws:backup/vaultNotifications:VaultNotifications",
        "aws:backup/vaultPolicy:VaultPolicy",
        "aws:budgets/budget:Budget",
        "aws:cfg/deliveryChannel:DeliveryChannel",
        "aws:cfg/recorderStatus:RecorderStatus",
        "aws:cfg/retentionConfiguration:RetentionConfiguration",
        "aws:cloudfront/cachePolicy:CachePolicy",
        "aws:cloudfront/originAccessControl:OriginAccessControl",
        "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        "aws:cloudwatch/logDelivery:LogDelivery",
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
        "aws:cloudwatch/logDeliverySource:LogDeliverySource",
        "aws:codestarconnections/connection:Connection",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "aws:cloudwatch/logStream:LogStream",
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        "aws:codebuild/reportGroup:ReportGroup",
        "aws:codeconnections/connection:Connection",
        "aws:codestarnotifications/notificationRule:NotificationRule",
        "aws:inspector2/enabler:Enabler",
        "aws:dynamodb/contributorInsights:ContributorInsights",
        "aws:ebs/encryptionByDefault:EncryptionByDefault",
        "aws:ec2/eip:Eip",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/networkAclAssociation:NetworkAclAssociation",
        "aws:ec2/route:Route",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws:guardduty/detectorFeature:DetectorFeature",
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
        "aws:iam/serviceLinkedRole:ServiceLinkedRole",
        "aws:kms/alias:Alias",
        "aws:lb/targetGroupAttachment:TargetGroupAttachment",
        "aws:route53/record:Record",
        "aws:route53/healthCheck:HealthCheck",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:secretsmanager/secretRotation:SecretRotation",
        "aws:securityhub/standardsSubscription:StandardsSubscription",
        "aws:sesv2/emailIdentity:EmailIdentity",
        "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "aws:wafv2/ipSet:IpSet",
        "aws:wafv2/ruleGroup:RuleGroup",
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    }
)


@cache
def judged() -> frozenset[str]:
    """Every type that some control names."""
    return frozenset(
        kind
        for declaration in DECLARED.values()
        for kind in (*declaration.check_types, *declaration.join_types)
    )


def is_mapped(kind: str) -> bool:
    """Whether a canonical type was considered; other clouds and components are not AWS's."""
    package = kind.partition(":")[0]
    if package not in ("aws", "aws-native"):
        return True
    return kind in judged() or kind in AUXILIARY
