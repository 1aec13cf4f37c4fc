"""What may pass through the VPC endpoints; everything else is denied by silence."""

from budgetbuddy import contract
from infra.naming import INSIGHTS_LOGS, PROJECT, SECRET_PREFIX, Names
from infra.policy import Statement, render

GATEWAYS = ("s3", "dynamodb")
INTERFACES = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "kms", "sqs")
PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
TOKEN_REASON = "the token belongs to the registry, which is no resource"  # noqa: S105 - a sentence


def endpoint_policy(service: str, names: Names, *, table_prefix: str, repository: str) -> str:
    """Policy of one endpoint of `GATEWAYS` or `INTERFACES`. Another name raises KeyError."""
    statements = {
        "s3": _s3(names),
        "dynamodb": [_tables(names, table_prefix)],
        "ecr.api": _images(names, repository),
        "ecr.dkr": _images(names, repository),
        "logs": [_logs(names)],
        "secretsmanager": [_secrets(names)],
        "kms": [_keys(names)],
        "sqs": [_queues(names)],
    }
    return render(statements[service])


def _own(sid: str, names: Names, actions: tuple[str, ...], *resources: str) -> Statement:
    """Any principal of this account, and none of another."""
    return Statement(
        sid=sid,
        principals="*",
        actions=actions,
        resources=resources,
        conditions={"StringEquals": {"aws:PrincipalAccount": names.account_id}},
        wildcard_reason=TOKEN_REASON if "*" in resources else "",
    )


def _s3(names: Names) -> list[Statement]:
    """Fargate pulls image layers with credentials of its own, so that bucket has no condition."""
    layers = f"arn:aws:s3:::prod-{names.region}-starport-layer-bucket/*"
    return [
        Statement(sid="Layers", principals="*", actions=("s3:GetObject",), resources=(layers,)),
        _own(
            "OwnBuckets",
            names,
            ("s3:GetObject", "s3:ListBucket", "s3:PutObject"),
            f"arn:aws:s3:::{PROJECT}-*-{names.account_id}-{names.region}",
            f"arn:aws:s3:::{PROJECT}-*-{names.account_id}-{names.region}/*",
        ),
    ]


def _tables(names: Names, prefix: str) -> Statement:
    actions = {action for table in contract.TABLES for action in table.actions}
    actions |= set(contract.EVIDENCE_TABLE_ACTIONS)
    tables = names.arn("dynamodb", f"table/{prefix}-*")
    return _own("OwnTables", names, tuple(sorted(actions)), tables, f"{tables}/index/*")


def _images(names: Names, repository: str) -> list[Statement]:
    own = names.arn("ecr", f"repository/{repository}")
    return [
        _own("Pull", names, PULL, own),
        _own("Token", names, ("ecr:GetAuthorizationToken",), "*"),
    ]


def _logs(names: Names) -> Statement:
    groups = (f"/{PROJECT}/*", f"{INSIGHTS_LOGS}:*")
    arns = tuple(names.log_group_arn(group) for group in groups)
    return _own("OwnGroups", names, ("logs:CreateLogStream", "logs:PutLogEvents"), *arns)


def _secrets(names: Names) -> Statement:
    own = names.arn("secretsmanager", f"secret:{SECRET_PREFIX}/*")
    actions = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
    return _own("OwnSecrets", names, actions, own)


def _queues(names: Names) -> Statement:
    actions = (*contract.QUEUE_SEND_ACTIONS, *contract.QUEUE_CONSUME_ACTIONS)
    arns = tuple(names.queue_arn(spec.name) for spec in contract.QUEUES)
    return _own("OwnQueues", names, actions, *arns)


def _keys(names: Names) -> Statement:
    actions = tuple(sorted({"kms:Decrypt", "kms:GenerateDataKey", *contract.EVIDENCE_KEY_ACTIONS}))
    return _own("OwnKeys", names, actions, names.arn("kms", "key/*"))
