"""A sample of every really created type: inputs, a change, and drift somebody else could cause.

Inputs are functions of the workbench, for a sample may need other resources first.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Inputs = dict[str, Any]
ACCOUNT = "000000000000"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def document(action: str, resource: str = "*", principal: str | None = None) -> str:
    statement: dict[str, Any] = {
        "Sid": "Sample",
        "Effect": "Allow",
        "Action": action,
        "Resource": resource,
    }
    if principal:
        statement["Principal"] = {"AWS": principal}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def expiry(days: int) -> str:
    rule = {
        "rulePriority": 1,
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": days,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})


ROOT = f"arn:aws:iam::{ACCOUNT}:root"


@dataclass(frozen=True)
class Sample:
    """`change` is laid over the inputs for an update; `drift` changes the live resource."""

    token: str
    inputs: Callable[[Any], Inputs]
    change: Mapping[str, Any] = field(default_factory=dict)
    replacing: tuple[str, Any] | None = None
    drift: Callable[[Any, Any], Any] | None = None
    drifted: str = ""

    @property
    def title(self) -> str:
        return self.token.rpartition("/")[0].removeprefix("aws:") + ":" + self.token.split(":")[2]


def made(bench: Any, token: str, **inputs: Any) -> Any:
    return bench.resource(token).create(inputs)


def bucket(bench: Any, **inputs: Any) -> str:
    return str(made(bench, "aws:s3/bucket:Bucket", **inputs).id)


def table(_: Any) -> Inputs:
    return {
        "hashKey": "pk",
        "rangeKey": "sk",
        "billingMode": "PAY_PER_REQUEST",
        "attributes": [{"name": n, "type": "S"} for n in ("pk", "sk", "d", "g")],
        "localSecondaryIndexes": [{"name": "byDate", "rangeKey": "d", "projectionType": "ALL"}],
        "globalSecondaryIndexes": [
            {"name": "byGroup", "hashKey": "g", "projectionType": "KEYS_ONLY"}
        ],
        "ttl": {"attributeName": "ttl", "enabled": True},
        "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 7},
        "serverSideEncryption": {"enabled": True},
        "tags": {"data-class": "financial"},
    }


SAMPLES = (
    Sample(
        "aws:dynamodb/table:Table",
        table,
        change={
            "deletionProtectionEnabled": False,
            "pointInTimeRecovery": {"enabled": False},
            "globalSecondaryIndexes": [],
            "attributes": [{"name": n, "type": "S"} for n in ("pk", "sk", "d")],
            "tags": {"data-class": "internal", "extra": "1"},
        },
        replacing=("rangeKey", "d"),
        drift=lambda cloud, one: cloud.client("dynamodb").update_time_to_live(
            TableName=one.id,
            TimeToLiveSpecification={"Enabled": False, "AttributeName": "ttl"},
        ),
        drifted="ttl",
    ),
    Sample(
        "aws:kms/key:Key",
        lambda _: {"description": "sample", "enableKeyRotation": True, "deletionWindowInDays": 7},
        change={"description": "changed", "enableKeyRotation": False},
        replacing=("keyUsage", "SIGN_VERIFY"),
        drift=lambda cloud, one: cloud.client("kms").disable_key_rotation(KeyId=one.id),
        drifted="enableKeyRotation",
    ),
    Sample(
        "aws:kms/alias:Alias",
        lambda bench: {
            "name": "alias/sample-one",
            "targetKeyId": made(bench, "aws:kms/key:Key", deletionWindowInDays=7).id,
        },
        replacing=("name", "alias/sample-two"),
    ),
    Sample(
        "aws:secretsmanager/secret:Secret",
        lambda _: {"description": "sample", "recoveryWindowInDays": 0, "tags": {"a": "b"}},
        change={"description": "changed", "tags": {}},
        replacing=("name", "another"),
        drift=lambda cloud, one: cloud.client("secretsmanager").update_secret(
            SecretId=one.id, Description="tampered"
        ),
        drifted="description",
    ),
    Sample(
        "aws:secretsmanager/secretVersion:SecretVersion",
        lambda bench: {
            "secretId": made(bench, "aws:secretsmanager/secret:Secret", recoveryWindowInDays=0).id,
            "secretString": "first",
        },
        replacing=("secretString", "second"),
    ),
    Sample(
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        lambda bench: {
            "secretArn": made(bench, "aws:secretsmanager/secret:Secret", recoveryWindowInDays=0).id,
            "policy": document("secretsmanager:GetSecretValue", principal=ROOT),
        },
        change={"policy": document("secretsmanager:DescribeSecret", principal=ROOT)},
        replacing=("secretArn", "arn:aws:secretsmanager:us-east-1:000000000000:secret:o-AbCdEf"),
    ),
    Sample(
        "aws:sqs/queue:Queue",
        lambda _: {"visibilityTimeoutSeconds": 45, "tags": {"a": "b"}},
        change={"visibilityTimeoutSeconds": 60, "messageRetentionSeconds": 1209600},
        replacing=("name", "another"),
        drift=lambda cloud, one: cloud.client("sqs").set_queue_attributes(
            QueueUrl=one.id, Attributes={"VisibilityTimeout": "5"}
        ),
        drifted="visibilityTimeoutSeconds",
    ),
    Sample(
        "aws:sqs/queuePolicy:QueuePolicy",
        lambda bench: {
            "queueUrl": made(bench, "aws:sqs/queue:Queue").id,
            "policy": document("sqs:SendMessage", principal=ROOT),
        },
        change={"policy": document("sqs:ReceiveMessage", principal=ROOT)},
        replacing=("queueUrl", "http://127.0.0.1/000000000000/other"),
    ),
    Sample(
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        lambda bench: {
            "queueUrl": made(bench, "aws:sqs/queue:Queue").id,
            "redriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"}),
        },
        change={"redriveAllowPolicy": json.dumps({"redrivePermission": "allowAll"})},
        replacing=("queueUrl", "http://127.0.0.1/000000000000/other"),
    ),
    Sample(
        "aws:sns/topic:Topic",
        lambda _: {"displayName": "sample", "tags": {"a": "b"}},
        change={"displayName": "changed", "tags": {"a": "c"}},
        replacing=("name", "another"),
        drift=lambda cloud, one: cloud.client("sns").set_topic_attributes(
            TopicArn=one.id, AttributeName="DisplayName", AttributeValue="tampered"
        ),
        drifted="displayName",
    ),
    Sample(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda bench: {
            "arn": made(bench, "aws:sns/topic:Topic").id,
            "policy": document("sns:Publish", principal=ROOT),
        },
        change={"policy": document("sns:Subscribe", principal=ROOT)},
        replacing=("arn", "arn:aws:sns:us-east-1:000000000000:other"),
    ),
    Sample(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda bench: {
            "topic": made(bench, "aws:sns/topic:Topic").id,
            "protocol": "sqs",
            "endpoint": made(bench, "aws:sqs/queue:Queue").outputs["arn"],
        },
        change={"rawMessageDelivery": True},
        replacing=("protocol", "email"),
    ),
    Sample(
        "aws:s3/bucket:Bucket",
        lambda _: {"tags": {"a": "b"}},
        change={"tags": {"a": "c"}},
        replacing=("bucket", "another-bucket"),
        drift=lambda cloud, one: cloud.client("s3").put_bucket_tagging(
            Bucket=one.id, Tagging={"TagSet": [{"Key": "a", "Value": "tampered"}]}
        ),
        drifted="tags",
    ),
    Sample(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda bench: {"bucket": bucket(bench), "blockPublicAcls": True, "blockPublicPolicy": True},
        change={"ignorePublicAcls": True, "restrictPublicBuckets": True},
        replacing=("bucket", "another-bucket"),
        drift=lambda cloud, one: cloud.client("s3").put_public_access_block(
            Bucket=one.id,
            PublicAccessBlockConfiguration={"BlockPublicAcls": False, "BlockPublicPolicy": True},
        ),
        drifted="blockPublicAcls",
    ),
    Sample(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda bench: {
            "bucket": bucket(bench),
            "versioningConfiguration": {"status": "Enabled"},
        },
        change={"versioningConfiguration": {"status": "Suspended"}},
        replacing=("bucket", "another-bucket"),
        drift=lambda cloud, one: cloud.client("s3").put_bucket_versioning(
            Bucket=one.id, VersioningConfiguration={"Status": "Suspended"}
        ),
        drifted="versioningConfiguration",
    ),
    Sample(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda bench: {
            "bucket": bucket(bench),
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        change={
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/sample",
                    },
                    "bucketKeyEnabled": True,
                }
            ]
        },
        replacing=("bucket", "another-bucket"),
    ),
    Sample(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda bench: {
            "bucket": bucket(bench),
            "rules": [
                {
                    "id": "expire",
                    "status": "Enabled",
                    "expiration": {"days": 400},
                    "transitions": [{"days": 30, "storageClass": "STANDARD_IA"}],
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                }
            ],
        },
        change={
            "rules": [
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {"prefix": "exports/"},
                    "expiration": {"days": 7},
                    "noncurrentVersionExpiration": {"noncurrentDays": 1},
                }
            ]
        },
        replacing=("bucket", "another-bucket"),
    ),
    Sample(
        "aws:s3/bucketPolicy:BucketPolicy",
        lambda bench: {
            "bucket": bucket(bench),
            "policy": document("s3:GetObject", "arn:aws:s3:::sample/*", ROOT),
        },
        change={"policy": document("s3:PutObject", "arn:aws:s3:::sample/*", ROOT)},
        replacing=("bucket", "another-bucket"),
    ),
    Sample(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        lambda bench: {
            "bucket": bucket(bench),
            "rule": {"objectOwnership": "BucketOwnerEnforced"},
        },
        change={"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        replacing=("bucket", "another-bucket"),
    ),
    Sample(
        "aws:s3/bucketLogging:BucketLogging",
        lambda bench: {
            "bucket": bucket(bench),
            "targetBucket": bucket(bench),
            "targetPrefix": "logs/",
        },
        change={"targetPrefix": "access/"},
        replacing=("bucket", "another-bucket"),
    ),
    Sample(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        lambda bench: {
            "bucket": bucket(bench, objectLockEnabled=True),
            "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 365}},
        },
        change={"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 400}}},
        replacing=("bucket", "another-bucket"),
    ),
    Sample(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda bench: {
            "retentionInDays": 30,
            "kmsKeyId": made(bench, "aws:kms/key:Key", deletionWindowInDays=7).outputs["arn"],
            "tags": {"a": "b"},
        },
        change={"retentionInDays": 90, "tags": {}},
        replacing=("name", "another"),
        drift=lambda cloud, one: cloud.client("logs").put_retention_policy(
            logGroupName=one.id, retentionInDays=1
        ),
        drifted="retentionInDays",
    ),
    Sample(
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        lambda bench: {
            "name": "archive",
            "logGroup": made(bench, "aws:cloudwatch/logGroup:LogGroup").id,
            "filterPattern": "",
            "destinationArn": f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/archive",
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/logs-to-firehose",
        },
        change={"filterPattern": "ERROR"},
        replacing=("name", "another"),
        drift=lambda cloud, one: cloud.client("logs").put_subscription_filter(
            logGroupName=one.inputs["logGroup"],
            filterName="archive",
            filterPattern="tampered",
            destinationArn=one.inputs["destinationArn"],
        ),
        drifted="filterPattern",
    ),
    Sample(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda _: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 3,
            "threshold": 80,
            "metricName": "CPUUtilization",
            "namespace": "AWS/ECS",
            "period": 60,
            "statistic": "Average",
            "dimensions": {"ClusterName": "c", "ServiceName": "s"},
            "alarmActions": [f"arn:aws:sns:us-east-1:{ACCOUNT}:critical"],
            "tags": {"a": "b"},
        },
        change={"threshold": 90.5, "treatMissingData": "notBreaching", "tags": {"a": "c"}},
        replacing=("name", "another"),
        drift=lambda cloud, one: cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=one.id,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=3,
            Threshold=99,
            MetricName="CPUUtilization",
            Namespace="AWS/ECS",
            Period=60,
            Statistic="Average",
        ),
        drifted="threshold",
    ),
    Sample(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda _: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 3,
            "threshold": 1,
            "dimensions": {},
            "metricQueries": [
                {
                    "id": "errors",
                    "metric": {
                        "metricName": "HTTPCode_Target_5XX_Count",
                        "namespace": "AWS/ApplicationELB",
                        "period": 60,
                        "stat": "Sum",
                        "dimensions": {"LoadBalancer": "app/sample/0123456789abcdef"},
                    },
                    "returnData": False,
                },
                {"id": "result", "expression": "FILL(errors, 0)", "returnData": True},
            ],
        },
        change={"threshold": 2},
        replacing=("name", "another"),
    ),
    Sample(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda _: {"dashboardName": "sample", "dashboardBody": json.dumps({"widgets": []})},
        change={
            "dashboardBody": json.dumps(
                {
                    "widgets": [
                        {
                            "type": "text",
                            "x": 0,
                            "y": 0,
                            "width": 6,
                            "height": 3,
                            "properties": {"markdown": "hello"},
                        }
                    ]
                }
            )
        },
        replacing=("dashboardName", "another"),
    ),
    Sample(
        "aws:iam/role:Role",
        lambda _: {"assumeRolePolicy": TRUST, "path": "/sample/", "tags": {"a": "b"}},
        change={"description": "changed", "maxSessionDuration": 7200, "tags": {}},
        replacing=("path", "/other/"),
        drift=lambda cloud, one: cloud.client("iam").update_assume_role_policy(
            RoleName=one.id, PolicyDocument=TRUST.replace("ecs-tasks", "lambda")
        ),
        drifted="assumeRolePolicy",
    ),
    Sample(
        "aws:iam/rolePolicy:RolePolicy",
        lambda bench: {
            "name": "inline",
            "role": made(bench, "aws:iam/role:Role", assumeRolePolicy=TRUST).id,
            "policy": document("s3:GetObject"),
        },
        change={"policy": document("s3:PutObject")},
        replacing=("name", "another"),
        drift=lambda cloud, one: cloud.client("iam").put_role_policy(
            RoleName=one.inputs["role"], PolicyName="inline", PolicyDocument=document("*")
        ),
        drifted="policy",
    ),
    Sample(
        "aws:iam/policy:Policy",
        lambda _: {"policy": document("s3:GetObject")},
        change={"policy": document("s3:PutObject")},
        replacing=("description", "another"),
    ),
    Sample(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda bench: {
            "role": made(bench, "aws:iam/role:Role", assumeRolePolicy=TRUST).id,
            "policyArn": made(bench, "aws:iam/policy:Policy", policy=document("s3:Get*")).id,
        },
        replacing=("role", "another"),
    ),
    Sample(
        "aws:ecr/repository:Repository",
        lambda _: {
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
        },
        change={"imageScanningConfiguration": {"scanOnPush": False}, "tags": {"a": "b"}},
        replacing=("name", "another"),
    ),
    Sample(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        lambda bench: {
            "repository": made(bench, "aws:ecr/repository:Repository").id,
            "policy": expiry(14),
        },
        replacing=("policy", expiry(30)),
    ),
    Sample(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        lambda bench: {
            "repository": made(bench, "aws:ecr/repository:Repository").id,
            "policy": document("ecr:BatchGetImage", principal=ROOT),
        },
        change={"policy": document("ecr:GetDownloadUrlForLayer", principal=ROOT)},
        replacing=("repository", "another"),
    ),
    Sample(
        "aws:ssm/parameter:Parameter",
        lambda _: {"name": "/sample/release", "type": "String", "value": "one"},
        change={"value": "two", "tags": {"a": "b"}},
        replacing=("name", "/sample/other"),
        drift=lambda cloud, one: cloud.client("ssm").put_parameter(
            Name=one.id, Value="tampered", Overwrite=True
        ),
        drifted="value",
    ),
    Sample(
        "aws:ses/emailIdentity:EmailIdentity",
        lambda _: {"email": "ops@example.com"},
        replacing=("email", "other@example.com"),
    ),
    Sample(
        "aws:sesv2/emailIdentity:EmailIdentity",
        lambda _: {"emailIdentity": "mail.example.com"},
        change={"tags": {"a": "b"}},
        replacing=("emailIdentity", "other.example.com"),
    ),
)
