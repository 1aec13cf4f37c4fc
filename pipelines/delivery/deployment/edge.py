"""What a deployment may do to CloudFront, load balancer, firewalls, certificate and names."""

from delivery.naming import Names
from delivery.policy import Statement, everywhere, verbs


def edge_statements(names: Names) -> list[Statement]:
    """What clients reach first."""
    balancers = (
        "loadbalancer/app/budgetbuddy-*",
        "listener/app/budgetbuddy-*",
        "listener-rule/app/budgetbuddy-*",
        "targetgroup/budgetbuddy-*",
    )
    return [
        Statement(
            sid="LoadBalancer",
            actions=verbs(
                "elasticloadbalancing",
                "AddTags CreateListener CreateLoadBalancer CreateRule"
                " CreateTargetGroup DeleteListener DeleteLoadBalancer DeleteRule DeleteTargetGroup"
                " ModifyListener ModifyListenerAttributes ModifyLoadBalancerAttributes ModifyRule"
                " ModifyTargetGroup ModifyTargetGroupAttributes RemoveTags"
                " SetIpAddressType SetSecurityGroups SetSubnets",
            ),
            resources=tuple(names.arn("elasticloadbalancing", each) for each in balancers),
        ),
        Statement(
            sid="Firewall",
            actions=verbs(
                "wafv2",
                "AssociateWebACL CreateIPSet CreateRuleGroup CreateWebACL DeleteIPSet"
                " DeleteLoggingConfiguration DeleteRuleGroup DeleteWebACL DisassociateWebACL"
                " GetIPSet GetLoggingConfiguration GetRuleGroup GetWebACL"
                " GetWebACLForResource ListTagsForResource PutLoggingConfiguration TagResource"
                " UntagResource UpdateIPSet UpdateRuleGroup UpdateWebACL",
            ),
            resources=(
                *(
                    names.arn("wafv2", f"{reach}/{kind}")
                    for reach in ("global", "regional")  # CloudFront's live in us-east-1
                    for kind in (
                        "ipset/budgetbuddy-*/*",
                        "managedruleset/*",
                        "rulegroup/budgetbuddy-*/*",
                        "webacl/budgetbuddy-*/*",
                    )
                ),
                names.arn("elasticloadbalancing", "loadbalancer/app/budgetbuddy-*"),
            ),
        ),
        Statement(
            sid="Certificate",
            actions=verbs(
                "acm",
                "AddTagsToCertificate DeleteCertificate DescribeCertificate ListTagsForCertificate"
                " RemoveTagsFromCertificate UpdateCertificateOptions",
            ),
            resources=(names.arn("acm", "certificate/*"),),
        ),
        Statement(
            sid="Names",
            actions=verbs(
                "route53", "ChangeResourceRecordSets GetHostedZone ListResourceRecordSets"
            ),
            resources=("arn:aws:route53:::hostedzone/*",),
        ),
        Statement(
            sid="NameChange",
            actions=("route53:GetChange",),
            resources=("arn:aws:route53:::change/*",),
        ),
        Statement(
            sid="ViewFromOutside",
            actions=verbs(
                "route53",
                "ChangeTagsForResource DeleteHealthCheck GetHealthCheck ListTagsForResource"
                " UpdateHealthCheck",
            ),
            resources=("arn:aws:route53:::healthcheck/*",),
        ),
        Statement(
            sid="Distribution",
            actions=verbs(
                "cloudfront",
                "AllowVendedLogDeliveryForResource CreateDistribution CreateResponseHeadersPolicy"
                " DeleteDistribution DeleteResponseHeadersPolicy GetDistribution"
                " GetDistributionConfig GetResponseHeadersPolicy"
                " GetResponseHeadersPolicyConfig ListTagsForResource TagResource UntagResource"
                " UpdateDistribution UpdateResponseHeadersPolicy",
            ),
            resources=tuple(
                f"arn:aws:cloudfront::{names.account_id}:{kind}/*"
                for kind in ("distribution", "response-headers-policy")
            ),
        ),
        Statement(
            sid="DistributionLog",
            actions=verbs(
                "logs",
                "CreateDelivery DeleteDelivery DeleteDeliveryDestination DeleteDeliverySource"
                " GetDelivery GetDeliveryDestination GetDeliverySource ListTagsForResource"
                " PutDeliveryDestination PutDeliverySource TagResource UntagResource"
                " UpdateDeliveryConfiguration",
            ),
            resources=tuple(
                names.arn("logs", each)
                for each in (
                    "delivery:*",
                    "delivery-destination:budgetbuddy-*",
                    "delivery-source:budgetbuddy-*",
                )
            ),
        ),
        everywhere(
            "SeeEdge",
            "acm:RequestCertificate",
            "elasticloadbalancing:Describe*",
            "elasticloadbalancing:SetWebACL",
            "route53:CreateHealthCheck",
            "wafv2:List*",
        ),
    ]
