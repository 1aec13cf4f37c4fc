"""What a deployment may do to the VPC."""

from delivery.naming import Names
from delivery.policy import Statement, everywhere, verbs


def network_statements(names: Names) -> list[Statement]:
    """VPC with its parts; ids are AWS's choice, so the account and region are what can be named."""
    changes = (
        "AllocateAddress AssociateAddress AssociateRouteTable AttachInternetGateway"
        " AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateFlowLogs"
        " CreateInternetGateway CreateNatGateway CreateNetworkAclEntry CreateRoute CreateRouteTable"
        " CreateSecurityGroup CreateSubnet CreateTags CreateVpc CreateVpcEndpoint"
        " DeleteInternetGateway DeleteNatGateway DeleteNetworkAclEntry DeleteRoute"
        " DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteTags DeleteVpc"
        " DeleteVpcEndpoints DetachInternetGateway DisassociateAddress DisassociateRouteTable"
        " GetManagedPrefixListEntries ModifySecurityGroupRules ModifySubnetAttribute"
        " ModifyVpcAttribute ModifyVpcEndpoint ReleaseAddress ReplaceNetworkAclAssociation"
        " ReplaceNetworkAclEntry ReplaceRoute RevokeSecurityGroupEgress"
        " RevokeSecurityGroupIngress UpdateSecurityGroupRuleDescriptionsEgress"
        " UpdateSecurityGroupRuleDescriptionsIngress"
    )
    return [
        Statement(sid="Vpc", actions=verbs("ec2", changes), resources=(names.arn("ec2", "*"),)),
        Statement(
            sid="PrefixLists",
            actions=verbs("ec2", "GetManagedPrefixListEntries CreateRoute"),
            resources=(f"arn:aws:ec2:{names.region}:aws:prefix-list/*",),
        ),
        everywhere("SeeNetwork", "ec2:Describe*"),
    ]
