"""The program the whole-engine tests run: a VPC, a table, a key, a secret and their readers."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

config = pulumi.Config()
endpoint = config.get("endpoint")
options = json.loads(config.get("provider") or "{}")
provider = aws.Provider(
    "home",
    region="us-east-1",
    allowed_account_ids=["000000000000"],
    default_tags={"tags": {"project": "sample"}},
    endpoints=[
        aws.ProviderEndpointArgs(
            dynamodb=endpoint, kms=endpoint, secretsmanager=endpoint, sqs=endpoint
        )
    ]
    if endpoint
    else None,
    **options,
)
opts = pulumi.ResourceOptions(provider=provider)

vpc = awsx.ec2.Vpc(
    "net",
    cidr_block="10.0.0.0/16",
    availability_zone_names=["us-east-1a", "us-east-1b", "us-east-1c"],
    subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
    subnet_specs=[
        awsx.ec2.SubnetSpecArgs(type=awsx.ec2.SubnetType.PUBLIC, cidr_mask=20),
        awsx.ec2.SubnetSpecArgs(
            type=awsx.ec2.SubnetType.PRIVATE, cidr_mask=19, tags={"tier": "inner"}
        ),
    ],
    subnet_name_tag_strategy=awsx.ec2.SubnetNameTagStrategy.AVAILABILITY_ZONE,
    tags={"team": "platform"},
    opts=pulumi.ResourceOptions(providers={"aws": provider}),
)
if config.get_bool("broken"):
    wrong: Any = "soon"
    aws.sqs.Queue("broken", visibility_timeout_seconds=wrong, opts=opts)
if other := config.get("component"):
    awsx.ecs.FargateService(other, opts=pulumi.ResourceOptions(providers={"aws": provider}))
key = aws.kms.Key("key", deletion_window_in_days=7, enable_key_rotation=True, opts=opts)
table = aws.dynamodb.Table(
    "table",
    billing_mode="PAY_PER_REQUEST",
    hash_key="pk",
    range_key=config.get("rangeKey"),
    attributes=[{"name": name, "type": "S"} for name in ("pk", config.get("rangeKey")) if name],
    ttl={"attribute_name": "ttl", "enabled": True},
    server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
    point_in_time_recovery={"enabled": True},
    tags={"data-class": config.get("dataClass") or "financial"},
    opts=opts,
)
secret = aws.secretsmanager.Secret(
    "secret", kms_key_id=key.arn, recovery_window_in_days=0, opts=opts
)
aws.secretsmanager.SecretVersion(
    "value",
    secret_id=secret.id,
    secret_string=pulumi.Output.secret("correct horse battery staple"),
    opts=opts,
)
pulumi.export("table", table.name)
pulumi.export("key", key.key_id)
pulumi.export("secret", secret.arn)
pulumi.export("vpc", vpc.vpc_id)
pulumi.export("isolated", vpc.isolated_subnet_ids)
pulumi.export("private", vpc.private_subnet_ids)
pulumi.export("addresses", vpc.nat_gateways.apply(len))
