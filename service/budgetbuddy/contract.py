"""What the service declares and the platform provides: names two sides must agree on.

Pure data, standard library only, so that infrastructure, policies and tests can import it without
Flask or boto3. Every entry is compared with both sides by a test: nothing here is documentation.
"""

from dataclasses import dataclass
from enum import StrEnum

# --- Process -------------------------------------------------------------------------------------

PORT = 8080
HEALTH_LIVE = "/health/live"
HEALTH_READY = "/health/ready"
STOP_SECONDS = 30  # the process ends this long after SIGTERM; ECS stopTimeout must be longer
KEEP_ALIVE_SECONDS = 60  # granian's header-read timeout closes idle connections and caps at 60 s
ALB_IDLE_SECONDS = 50  # must stay below KEEP_ALIVE_SECONDS, or the load balancer answers 502
ACCESS_TOKEN_SECONDS = 900

# --- Tables --------------------------------------------------------------------------------------

PARTITION_KEY = "pk"
SORT_KEY = "sk"


@dataclass(frozen=True, kw_only=True)
class IndexSpec:
    """A local secondary index: same partition key, projection ALL, `sort_key` is a string."""

    name: str
    sort_key: str


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """One DynamoDB table, named `{prefix}-{name}`; its keys are the strings `pk` and `sk`."""

    name: str
    data_class: str  # value of the tag `data-class`
    key_class: str  # which customer-managed key encrypts it
    indexes: tuple[IndexSpec, ...] = ()
    ttl: str | None = None
    restore_days: int  # point-in-time recovery window, days
    backup: bool  # selected by the AWS Backup plan
    append_only: bool = False
    actions: tuple[str, ...]  # IAM actions the service needs, no more


TABLES: tuple[TableSpec, ...] = (
    TableSpec(
        name="Ledger",
        data_class="financial",
        key_class="ledger",
        indexes=(
            IndexSpec(name="byDate", sort_key="d"),
            IndexSpec(name="byAccount", sort_key="a"),
        ),
        ttl="ttl",
        restore_days=35,
        backup=True,
        actions=(
            "dynamodb:BatchGetItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ),
    ),
    TableSpec(
        name="Runtime",
        data_class="credential",
        key_class="runtime",
        ttl="ttl",
        # Wrapped user keys live here. Seven days and no backup, so that deleting a key makes
        # every older backup of the Ledger unreadable for that person within a week.
        restore_days=7,
        backup=False,
        actions=(
            "dynamodb:BatchGetItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ),
    ),
    TableSpec(
        name="Audit",
        data_class="audit",
        key_class="audit",
        ttl="ttl",
        restore_days=35,
        backup=True,
        append_only=True,
        actions=("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
    ),
)

# --- Queues --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class QueueSpec:
    """One queue named `budgetbuddy-{name}` and its dead-letter queue `budgetbuddy-{name}-dlq`."""

    name: str
    variable: str  # environment variable that holds its URL
    visibility_seconds: int  # a message in hand is kept from other workers this long
    retention_days: int
    dead_letter_days: int
    max_receives: int  # then it goes to the dead-letter queue


QUEUES: tuple[QueueSpec, ...] = (
    QueueSpec(
        name="jobs",
        variable="JOBS_QUEUE_URL",
        visibility_seconds=120,
        retention_days=4,
        dead_letter_days=14,
        max_receives=5,
    ),
)
QUEUE_SEND_ACTIONS = ("sqs:SendMessage",)
QUEUE_CONSUME_ACTIONS = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
)

# --- Encryption ----------------------------------------------------------------------------------

ENVELOPE_KEY_CLASS = "tokens"  # the KMS key class that wraps one data key per user
ENVELOPE_PURPOSE = "user-data"  # value of the encryption context key `purpose` in every call
ENVELOPE_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")

# --- Configuration -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SecretSpec:
    """One environment variable filled from one JSON key of a Secrets Manager secret."""

    variable: str
    secret: str  # name below the prefix, e.g. `jwt-secret` of `budgetbuddy/jwt-secret`
    json_key: str
    required: bool = True  # False: the value may be empty


@dataclass(frozen=True, kw_only=True)
class VariableSpec:
    """One plain environment variable of the service."""

    name: str
    purpose: str
    default: str | None = None  # None: required everywhere
    local_only: bool = False  # never set by the platform for staging or production


SECRETS: tuple[SecretSpec, ...] = (
    SecretSpec(variable="JWT_SECRET", secret="jwt-secret", json_key="secret"),
    SecretSpec(variable="JWT_KEY_ID", secret="jwt-secret", json_key="kid"),
    SecretSpec(
        variable="JWT_PREVIOUS_SECRET",
        secret="jwt-secret",
        json_key="previousSecret",
        required=False,
    ),
    SecretSpec(
        variable="JWT_PREVIOUS_KEY_ID",
        secret="jwt-secret",
        json_key="previousKid",
        required=False,
    ),
    SecretSpec(variable="LOOKUP_KEY", secret="lookup-key", json_key="key"),
    # Empty until the operator has an account there: routes that need it answer 503.
    SecretSpec(variable="PLAID_CLIENT_ID", secret="plaid", json_key="clientId", required=False),
    SecretSpec(variable="PLAID_SECRET", secret="plaid", json_key="secret", required=False),
    SecretSpec(variable="STRIPE_SECRET_KEY", secret="stripe", json_key="secretKey", required=False),
    # One, or two with a comma between while one takes the other's place.
    SecretSpec(
        variable="STRIPE_WEBHOOK_SECRETS", secret="stripe", json_key="webhookSecret", required=False
    ),
)

ENVIRONMENT: tuple[VariableSpec, ...] = (
    VariableSpec(name="AWS_REGION", purpose="region of every AWS client"),
    VariableSpec(name="ENVIRONMENT", purpose="local, test, staging or production"),
    VariableSpec(name="RELEASE", purpose="commit the image was built from"),
    VariableSpec(name="DATA_KEY_ID", purpose="KMS key (alias ARN) that wraps the users' data keys"),
    VariableSpec(
        name="EMAIL_FROM", purpose="verified SES identity that confirmation mail comes from"
    ),
    VariableSpec(name="PUBLIC_BASE_URL", purpose="origin the clients call, in links and OpenAPI"),
    VariableSpec(
        name="JOBS_QUEUE_URL",
        purpose="queue of the worker; without one, which only tests are, work is done at once",
        default="",
    ),
    VariableSpec(
        name="DYNAMODB_TABLE_PREFIX", purpose="first part of table names", default="BudgetBuddy"
    ),
    VariableSpec(name="AWS_CLOUDWATCH_ENABLED", purpose="print EMF metric lines", default="true"),
    VariableSpec(name="LOG_LEVEL", purpose="DEBUG, INFO or WARNING", default="INFO"),
    VariableSpec(
        name="TRUSTED_PROXY_HOPS",
        purpose="how many proxies of ours append to X-Forwarded-For",
        default="1",
    ),
    VariableSpec(name="WORKERS", purpose="worker processes", default="2"),
    VariableSpec(name="THREADS", purpose="threads of each worker", default="8"),
    VariableSpec(
        name="PLAID_ENVIRONMENT",
        purpose="sandbox, or production where ENVIRONMENT is",
        default="sandbox",
    ),
    VariableSpec(
        name="PLAID_BASE_URL",
        purpose="double of Plaid; refused when ENVIRONMENT is staging or production",
        default="",
        local_only=True,
    ),
    VariableSpec(
        name="STRIPE_PRICES",
        purpose="JSON object from plan to Stripe's price id; a plan without one cannot be had",
        default="{}",
    ),
    VariableSpec(
        name="STRIPE_BASE_URL",
        purpose="double of Stripe; refused when ENVIRONMENT is staging or production",
        default="",
        local_only=True,
    ),
    VariableSpec(
        name="OUTBOUND_PINS",
        purpose="JSON object from a provider's host to the pins of its keys, sha256/ and base64",
        default="{}",
    ),
    VariableSpec(
        name="PINNING_MODE",
        purpose="enforce, report or off: what becomes of a provider that shows no pinned key",
        default="report",
    ),
    VariableSpec(
        name="RETURN_ORIGINS",
        purpose="origins with commas between, beside PUBLIC_BASE_URL, that Stripe may return to",
        default="",
    ),
    VariableSpec(
        name="AWS_ENDPOINT_URL",
        purpose="embedded AWS; refused when ENVIRONMENT is staging or production",
        default="",
        local_only=True,
    ),
    VariableSpec(
        name="EVIDENCE_BUCKET",
        purpose="where the delivery pipeline keeps what the policy packs said of a release",
        default="",
    ),
    VariableSpec(
        name="WEBHOOK_LOOPBACK",
        purpose="let webhooks reach http on 127.0.0.1; refused in staging and production",
        default="false",
        local_only=True,
    ),
    VariableSpec(name="HOST", purpose="address to listen on", default="0.0.0.0", local_only=True),  # nosec B104 - a container listens on all
    VariableSpec(
        name="PORT",
        purpose="port to listen on; the image keeps the default",
        default=str(PORT),
        local_only=True,
    ),
)

# --- Providers -----------------------------------------------------------------------------------

PLAID_HOSTS = {"sandbox": "sandbox.plaid.com", "production": "production.plaid.com"}
STRIPE_HOST = "api.stripe.com"
FEWEST_PINS = 2  # of a host whose keys are enforced: the second is the way out when one changes

EMAIL_ACTIONS = ("ses:SendEmail",)

# --- Evidence ------------------------------------------------------------------------------------

# What reports about the running system are read from; the API only, and nothing it could change.
EVIDENCE_TABLE_ACTIONS = ("dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable")
EVIDENCE_KEY_ACTIONS = ("kms:DescribeKey", "kms:GetKeyRotationStatus")
EVIDENCE_ALARM_ACTIONS = ("cloudwatch:DescribeAlarms",)
EVIDENCE_PIPELINE_ACTIONS = ("codepipeline:GetPipelineState",)
EVIDENCE_BUNDLE_ACTIONS = ("s3:GetObject",)
EVIDENCE_BUNDLES = "preview"  # the prefix they lie below, by release
EVIDENCE_UNSCOPED_ACTIONS = ("backup:ListRecoveryPointsByResource", "cloudwatch:GetMetricData")

# --- Metrics -------------------------------------------------------------------------------------

NAMESPACE = "BudgetBuddy"


class Metric(StrEnum):
    """Every metric the service emits. Nothing else may be put on an alarm or a dashboard."""

    REQUEST_COUNT = "RequestCount"
    REQUEST_LATENCY = "RequestLatency"
    SERVER_ERROR_COUNT = "ServerErrorCount"
    CLIENT_ERROR_COUNT = "ClientErrorCount"
    UNHANDLED_ERROR = "UnhandledError"
    AUTH_SUCCEEDED = "AuthSucceeded"
    AUTH_FAILED = "AuthFailed"
    ACCOUNT_LOCKED = "AccountLocked"
    REFRESH_REUSE_DETECTED = "RefreshReuseDetected"
    AUTHORIZATION_DENIED = "AuthorizationDenied"
    MFA_ENROLLED = "MfaEnrolled"
    PRIVILEGED_ACTION = "PrivilegedAction"  # a request that only a role allows
    RATE_LIMITED = "RateLimited"
    RATE_LIMITER_DEGRADED = "RateLimiterDegraded"
    STORE_CONFLICT = "StoreConflict"
    STORE_THROTTLED = "StoreThrottled"
    VERSION_CONFLICT = "VersionConflict"
    IDEMPOTENCY_REPLAYED = "IdempotencyReplayed"
    IDEMPOTENCY_REJECTED = "IdempotencyRejected"
    PAN_REJECTED = "PanRejected"
    PASSWORD_HASH_REJECTED = "PasswordHashRejected"
    AUDIT_EVENT_WRITTEN = "AuditEventWritten"
    AUDIT_CHAIN_BROKEN = "AuditChainBroken"  # chains of a part that was verified; 0 is said too
    DEPENDENCY_LATENCY = "DependencyLatency"
    DEPENDENCY_ERROR_COUNT = "DependencyErrorCount"
    BREAKER_STATE = "BreakerState"  # 0 closed, 1 half open, 2 open
    BREAKER_OPENED = "BreakerOpened"
    BULKHEAD_REJECTED = "BulkheadRejected"
    PINNING_MISMATCH = "PinningMismatch"
    PINNING_RELAXED = "PinningRelaxed"  # 1 where pins are not enforced in production, else 0
    BANK_SYNC_SUCCEEDED = "BankSyncSucceeded"
    BANK_SYNC_FAILED = "BankSyncFailed"
    BANK_SYNC_ROWS = "BankSyncRows"
    WEBHOOK_RECEIVED = "WebhookReceived"
    WEBHOOK_REJECTED = "WebhookRejected"
    WEBHOOK_DUPLICATE = "WebhookDuplicate"
    WEBHOOK_IGNORED = "WebhookIgnored"
    JOB_SUCCEEDED = "JobSucceeded"
    JOB_FAILED = "JobFailed"
    JOB_DURATION = "JobDuration"
    JOB_AGE = "JobAge"
    DELIVERY_SUCCEEDED = "DeliverySucceeded"
    DELIVERY_FAILED = "DeliveryFailed"
    SSRF_BLOCKED = "SsrfBlocked"  # a webhook's host that leads where nothing is sent
    ERASURE_COMPLETED = "ErasureCompleted"
    ERASURE_OVERDUE = "ErasureOverdue"


class Dimension(StrEnum):
    """Every metric has `{Environment}`; a metric may have one more set, `{Environment, <this>}`."""

    ENVIRONMENT = "Environment"
    AREA = "Area"
    METHOD = "Method"
    BUCKET = "Bucket"
    TABLE = "Table"
    DEPENDENCY = "Dependency"
    PROVIDER = "Provider"
    JOB = "Job"


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """Unit as CloudWatch spells it, and the dimension beside `Environment`, if any."""

    metric: Metric
    unit: str
    dimension: Dimension | None = None


METRICS: tuple[MetricSpec, ...] = (
    MetricSpec(metric=Metric.REQUEST_COUNT, unit="Count", dimension=Dimension.AREA),
    MetricSpec(metric=Metric.REQUEST_LATENCY, unit="Milliseconds", dimension=Dimension.AREA),
    MetricSpec(metric=Metric.SERVER_ERROR_COUNT, unit="Count", dimension=Dimension.AREA),
    MetricSpec(metric=Metric.CLIENT_ERROR_COUNT, unit="Count"),
    MetricSpec(metric=Metric.UNHANDLED_ERROR, unit="Count"),
    MetricSpec(metric=Metric.AUTH_SUCCEEDED, unit="Count", dimension=Dimension.METHOD),
    MetricSpec(metric=Metric.AUTH_FAILED, unit="Count", dimension=Dimension.METHOD),
    MetricSpec(metric=Metric.ACCOUNT_LOCKED, unit="Count"),
    MetricSpec(metric=Metric.REFRESH_REUSE_DETECTED, unit="Count"),
    MetricSpec(metric=Metric.AUTHORIZATION_DENIED, unit="Count"),
    MetricSpec(metric=Metric.MFA_ENROLLED, unit="Count"),
    MetricSpec(metric=Metric.PRIVILEGED_ACTION, unit="Count"),
    MetricSpec(metric=Metric.RATE_LIMITED, unit="Count", dimension=Dimension.BUCKET),
    MetricSpec(metric=Metric.RATE_LIMITER_DEGRADED, unit="Count"),
    MetricSpec(metric=Metric.STORE_CONFLICT, unit="Count"),
    MetricSpec(metric=Metric.STORE_THROTTLED, unit="Count", dimension=Dimension.TABLE),
    MetricSpec(metric=Metric.VERSION_CONFLICT, unit="Count"),
    MetricSpec(metric=Metric.IDEMPOTENCY_REPLAYED, unit="Count"),
    MetricSpec(metric=Metric.IDEMPOTENCY_REJECTED, unit="Count"),
    MetricSpec(metric=Metric.PAN_REJECTED, unit="Count"),
    MetricSpec(metric=Metric.PASSWORD_HASH_REJECTED, unit="Count"),
    MetricSpec(metric=Metric.AUDIT_EVENT_WRITTEN, unit="Count"),
    MetricSpec(metric=Metric.AUDIT_CHAIN_BROKEN, unit="Count"),
    MetricSpec(
        metric=Metric.DEPENDENCY_LATENCY, unit="Milliseconds", dimension=Dimension.DEPENDENCY
    ),
    MetricSpec(metric=Metric.DEPENDENCY_ERROR_COUNT, unit="Count", dimension=Dimension.DEPENDENCY),
    MetricSpec(metric=Metric.BREAKER_STATE, unit="None", dimension=Dimension.DEPENDENCY),
    MetricSpec(metric=Metric.BREAKER_OPENED, unit="Count", dimension=Dimension.DEPENDENCY),
    MetricSpec(metric=Metric.BULKHEAD_REJECTED, unit="Count", dimension=Dimension.DEPENDENCY),
    MetricSpec(metric=Metric.PINNING_MISMATCH, unit="Count", dimension=Dimension.DEPENDENCY),
    MetricSpec(metric=Metric.PINNING_RELAXED, unit="None"),
    MetricSpec(metric=Metric.BANK_SYNC_SUCCEEDED, unit="Count"),
    MetricSpec(metric=Metric.BANK_SYNC_FAILED, unit="Count"),
    MetricSpec(metric=Metric.BANK_SYNC_ROWS, unit="Count"),
    MetricSpec(metric=Metric.WEBHOOK_RECEIVED, unit="Count", dimension=Dimension.PROVIDER),
    MetricSpec(metric=Metric.WEBHOOK_REJECTED, unit="Count", dimension=Dimension.PROVIDER),
    MetricSpec(metric=Metric.WEBHOOK_DUPLICATE, unit="Count", dimension=Dimension.PROVIDER),
    MetricSpec(metric=Metric.WEBHOOK_IGNORED, unit="Count", dimension=Dimension.PROVIDER),
    MetricSpec(metric=Metric.JOB_SUCCEEDED, unit="Count", dimension=Dimension.JOB),
    MetricSpec(metric=Metric.JOB_FAILED, unit="Count", dimension=Dimension.JOB),
    MetricSpec(metric=Metric.JOB_DURATION, unit="Milliseconds", dimension=Dimension.JOB),
    MetricSpec(metric=Metric.JOB_AGE, unit="Seconds"),
    MetricSpec(metric=Metric.DELIVERY_SUCCEEDED, unit="Count"),
    MetricSpec(metric=Metric.DELIVERY_FAILED, unit="Count"),
    MetricSpec(metric=Metric.SSRF_BLOCKED, unit="Count"),
    MetricSpec(metric=Metric.ERASURE_COMPLETED, unit="Count"),
    MetricSpec(metric=Metric.ERASURE_OVERDUE, unit="Count"),
)
