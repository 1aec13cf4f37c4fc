"""What the pipeline and each build may do, as data.

The builds of one commit run with four different roles: what runs before an approval can change
nothing in AWS but the artifact it hands on, the image it pushes and the evidence it adds.
"""

from collections.abc import Callable, Mapping

from delivery.keys import use_statement
from delivery.naming import (
    ARTIFACT_BUCKET,
    ARTIFACT_KEY,
    BUILD,
    BUILDS,
    CLUSTER,
    DELIVERY_KEY,
    DEPLOY,
    EVIDENCE_BUCKET,
    METRIC_NAMESPACE,
    PIPELINE,
    PREVIEW,
    PROJECT,
    STATE_BUCKET,
    STATE_KEY,
    TEST,
    VERIFY,
    Names,
)
from delivery.policy import Statement

READ_KEY = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
ARTIFACT_PREFIX = f"{PIPELINE}/"  # CodePipeline names its objects <pipeline>/<artifact>/<random>
METRIC_NAMESPACES = ("BudgetBuddy/Compliance", METRIC_NAMESPACE)


def pipeline_statements(names: Names, repository: str) -> list[Statement]:
    """The pipeline fetches one repository, starts the builds and passes artifacts on."""
    return [
        Statement(
            sid="FetchSource",
            actions=("codeconnections:UseConnection",),
            # The id is AWS's choice and unknown before the connection exists; what can be named is
            # the repository, and that is what counts.
            resources=(names.arn("codeconnections", "connection/*"),),
            conditions={"StringEquals": {"codeconnections:FullRepositoryId": repository}},
        ),
        Statement(
            sid="StartBuilds",
            actions=("codebuild:BatchGetBuilds", "codebuild:StartBuild"),
            resources=tuple(names.build_project_arn(build) for build in BUILDS),
        ),
        *_artifacts(names),
        Statement(sid="AskForApproval", actions=("sns:Publish",), resources=(names.topic_arn(),)),
        use_statement(
            DELIVERY_KEY, names, via="sns", actions=("kms:Decrypt", "kms:GenerateDataKey")
        ),
    ]


def _artifacts(names: Names) -> list[Statement]:
    bucket = names.bucket_arn(ARTIFACT_BUCKET)
    return [
        Statement(
            sid="PassArtifacts",
            actions=("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
            resources=(f"{bucket}/{ARTIFACT_PREFIX}*",),
        ),
        Statement(
            sid="SeeArtifactBucket",
            actions=("s3:GetBucketLocation", "s3:GetBucketVersioning"),
            resources=(bucket,),
        ),
        use_statement(ARTIFACT_KEY, names, via="s3", actions=READ_KEY),
    ]


def _every_build(names: Names, *projects: str) -> list[Statement]:
    """Logs and artifacts: what a build needs to run at all."""
    groups = tuple(
        names.arn("logs", f"log-group:{names.build_log_group(each)}:log-stream:*")
        for each in projects
    )
    return [
        Statement(
            sid="WriteLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=groups,
        ),
        *_artifacts(names),
    ]


def _reports(names: Names, *projects: str) -> Statement:
    return Statement(
        sid="WriteReports",
        actions=(
            "codebuild:BatchPutCodeCoverages",
            "codebuild:BatchPutTestCases",
            "codebuild:CreateReport",
            "codebuild:UpdateReport",
        ),
        resources=tuple(
            names.arn("codebuild", f"report-group/{names.build_project(each)}") for each in projects
        ),
    )


def _add_evidence(names: Names, prefix: str) -> Statement:
    """Objects are locked when they arrive; adding never replaces."""
    return Statement(
        sid="AddEvidence",
        actions=("s3:PutObject",),
        resources=(f"{names.bucket_arn(EVIDENCE_BUCKET)}/{prefix}/*",),
    )


def _test(names: Names) -> list[Statement]:
    return [*_every_build(names, TEST), _reports(names, TEST)]


def _build(names: Names) -> list[Statement]:
    return [
        *_every_build(names, BUILD),
        Statement(
            sid="RegistryToken",
            actions=("ecr:GetAuthorizationToken",),
            resources=("*",),
            wildcard_reason="the token belongs to the registry, which is no resource",
        ),
        Statement(
            sid="PushAndScan",
            actions=(
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImageScanFindings",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ),
            resources=(names.repository_arn(),),
        ),
        Statement(
            sid="ReadFindings",
            actions=("inspector2:ListCoverage", "inspector2:ListFindings"),
            resources=("*",),
            wildcard_reason="Inspector lists findings of the account, which are no resource",
        ),
        _add_evidence(names, "sbom"),
    ]


def _read_state(names: Names) -> list[Statement]:
    bucket = names.bucket_arn(STATE_BUCKET)
    return [
        Statement(
            sid="ListState",
            actions=("s3:GetBucketLocation", "s3:ListBucket"),
            resources=(bucket,),
        ),
        Statement(sid="ReadState", actions=("s3:GetObject",), resources=(f"{bucket}/.pulumi/*",)),
        use_statement(STATE_KEY, names, via="s3", actions=READ_KEY),
        use_statement(STATE_KEY, names, via=None, actions=READ_KEY),
    ]


def state_statements(names: Names) -> list[Statement]:
    """Read and write the state of the stacks, and open what is secret in it."""
    return [
        *_read_state(names),
        Statement(
            sid="WriteState",
            actions=("s3:DeleteObject", "s3:PutObject"),
            resources=(f"{names.bucket_arn(STATE_BUCKET)}/.pulumi/*",),
        ),
    ]


def _preview(names: Names) -> list[Statement]:
    locks = f"{names.bucket_arn(STATE_BUCKET)}/.pulumi/locks/*"
    return [
        *_every_build(names, PREVIEW),
        *_read_state(names),
        Statement(sid="LockState", actions=("s3:DeleteObject", "s3:PutObject"), resources=(locks,)),
        Statement(
            sid="LookUp",
            actions=(
                "ec2:DescribeManagedPrefixLists",
                "sts:GetCallerIdentity",
            ),
            resources=("*",),
            wildcard_reason="AWS offers no resource for listing, or for asking who one is",
        ),
        Statement(
            sid="ReadPrefixLists",
            actions=("ec2:GetManagedPrefixListEntries",),
            resources=(f"arn:aws:ec2:{names.region}:aws:prefix-list/*",),
        ),
        _add_evidence(names, "preview"),
    ]


def _deploy(names: Names) -> list[Statement]:
    """Around the deployment itself, which `deploying` allows in policies of its own."""
    return [
        *_every_build(names, DEPLOY, VERIFY),
        _reports(names, VERIFY),
        *state_statements(names),
        _add_evidence(names, "deploy"),
        Statement(
            sid="WatchRelease",
            actions=(
                "ecs:DescribeServiceDeployments",
                "ecs:DescribeServices",
                "ecs:DescribeTasks",
                "ecs:ListServiceDeployments",
                "ecs:ListTasks",
                "ecs:StopServiceDeployment",
            ),
            resources=(
                names.arn("ecs", f"service-deployment/{CLUSTER}/{PROJECT}-*/*"),
                names.arn("ecs", f"service/{CLUSTER}/{PROJECT}-*"),
                names.arn("ecs", f"task/{CLUSTER}/*"),
                names.arn("ecs", f"container-instance/{CLUSTER}/*"),
            ),
        ),
        Statement(
            sid="CheckImage",
            actions=("ecr:DescribeImageScanFindings", "ecr:DescribeImages"),
            resources=(names.repository_arn(),),
        ),
        Statement(
            sid="CountFindings",
            actions=("cloudwatch:PutMetricData",),
            resources=("*",),
            conditions={"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACES}},
            wildcard_reason="a metric is no resource; the namespace is what can be named",
        ),
        Statement(
            sid="Look",
            actions=("sns:ListSubscriptionsByTopic",),
            resources=(names.arn("sns", f"{PROJECT}-*"),),
        ),
    ]


BUILD_GRANTS: Mapping[str, Callable[[Names], list[Statement]]] = {
    TEST: _test,
    BUILD: _build,
    PREVIEW: _preview,
    DEPLOY: _deploy,
}
