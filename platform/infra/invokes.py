"""What the program asks AWS while it runs. Nothing else may: zones and account are configured."""

import pulumi
import pulumi_aws as aws

CLOUDFRONT_ORIGINS = "com.amazonaws.global.cloudfront.origin-facing"
# CloudFront's own policies have the same ids in every account.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"


def cloudfront_prefix_list(home: aws.Provider) -> pulumi.Output[str]:
    """The id of the list of addresses that CloudFront reaches origins from."""
    found = aws.ec2.get_managed_prefix_list_output(
        name=CLOUDFRONT_ORIGINS, opts=pulumi.InvokeOptions(provider=home)
    )
    return found.id
