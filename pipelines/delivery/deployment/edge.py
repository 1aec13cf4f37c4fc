"""What a deployment may do to load balancer, firewall, certificate and names."""

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
                "AssociateWebACL CreateWebACL DeleteLoggingConfiguration DeleteWebACL"
                " DisassociateWebACL GetLoggingConfiguration GetWebACL GetWebACLForResource"
                " ListTagsForResource PutLoggingConfiguration TagResource UntagResource"
                " UpdateWebACL",
            ),
            resources=(
                names.arn("wafv2", "regional/webacl/budgetbuddy-*/*"),
                names.arn("wafv2", "regional/managedruleset/*"),
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
        everywhere(
            "SeeEdge",
            "acm:RequestCertificate",
            "elasticloadbalancing:Describe*",
            "elasticloadbalancing:SetWebACL",
            "wafv2:List*",
        ),
    ]
