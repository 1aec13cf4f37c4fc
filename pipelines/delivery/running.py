"""What the platform's roles do, all in all: the content of the boundary of what runs.

A test holds the documents of the platform's roles against it.
"""

from delivery.policy import verbs

RUNTIME_ACTIONS = (
    *verbs(
        "backup",
        "CopyFromBackupVault CopyIntoBackupVault DescribeBackupVault "
        "ListRecoveryPointsByBackupVault",
    ),
    *verbs("cloudwatch", "DescribeAlarms"),
    *verbs("codepipeline", "GetPipelineState"),
    *verbs(
        "dynamodb",
        "BatchGetItem BatchWriteItem ConditionCheckItem CreateTable DeleteItem "
        "DeleteTable Describe* GetItem ListTagsOfResource PutItem Query "
        "RestoreTableFromAwsBackup StartAwsBackupJob UpdateItem",
    ),
    *verbs("ecr", "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer"),
    *verbs("ecs", "DescribeServices UpdateService"),
    *verbs("elasticloadbalancing", "DeregisterTargets ModifyListener ModifyRule RegisterTargets"),
    *verbs("firehose", "PutRecord PutRecordBatch"),
    *verbs("kms", "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey GetKeyRotationStatus"),
    *verbs("lambda", "InvokeFunction"),
    *verbs("logs", "CreateLogStream DescribeLogStreams PutLogEvents"),
    *verbs(
        "s3",
        "AbortMultipartUpload GetBucketAcl GetBucketLocation GetObject ListBucket "
        "ListBucketMultipartUploads PutObject",
    ),
    *verbs(
        "secretsmanager", "DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage"
    ),
    *verbs("ses", "SendEmail"),
    *verbs("sns", "Publish"),
    *verbs(
        "sqs",
        "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage SendMessage",
    ),
)
RUNTIME_UNSCOPED = (
    *verbs("backup", "ListRecoveryPointsByResource"),
    *verbs("cloudwatch", "GetMetricData PutMetricData"),
    *verbs(
        "ec2",
        "AssignPrivateIpAddresses CreateNetworkInterface DeleteNetworkInterface "
        "DescribeNetworkInterfaces DescribeSubnets UnassignPrivateIpAddresses",
    ),
    *verbs("ecr", "GetAuthorizationToken"),
    *verbs(
        "elasticloadbalancing",
        "DescribeListeners DescribeRules DescribeTargetGroups DescribeTargetHealth",
    ),
)
