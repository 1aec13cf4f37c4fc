"""Physical names and ARNs as plain strings.

Whatever IAM refers to has a fixed name, so every policy is fully known on the first preview and can
be judged before anything exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PROJECT = "budgetbuddy"
SECRET_PREFIX = PROJECT
ROLE_PATH = f"/{PROJECT}/"
CLUSTER = f"{PROJECT}-cluster"
SERVICE = f"{PROJECT}-backend"
WORKER = f"{PROJECT}-worker"
LOAD_BALANCER = f"{PROJECT}-alb"
TRAIL = PROJECT
AUDIT_BUCKET = "audit"
CONFIG_BUCKET = "config"
JWT_SECRET = "jwt-secret"  # noqa: S105 - the name of a secret, not its value
ROTATION_FUNCTION = f"{PROJECT}-rotate-jwt"
RELEASE_CHECK_FUNCTION = f"{PROJECT}-release-check"

# Logical role names; policies name the roles' ARNs before the roles exist.
TASK_ROLE = "task-api"
WORKER_ROLE = "task-worker"
EXECUTION_ROLE = "execution"
ROTATION_ROLE = "rotate-jwt"
# People in an emergency; the role is made by whoever owns the account, not by this program.
BREAK_GLASS_ROLE = "break-glass"

ARCHIVE_STREAM = f"{PROJECT}-archive"
SUBSCRIPTION = "archive"  # of every log group to that stream

API_LOGS = f"/{PROJECT}/api"
WORKER_LOGS = f"/{PROJECT}/worker"
EXEC_LOGS = f"/{PROJECT}/ecs-exec"
FLOW_LOGS = f"/{PROJECT}/vpc-flow"
TRAIL_LOGS = f"/{PROJECT}/trail"
ROTATION_LOGS = f"/{PROJECT}/rotate-jwt"
RELEASE_CHECK_LOGS = f"/{PROJECT}/release-check"
FIREHOSE_LOGS = f"/{PROJECT}/firehose"
FIREWALL_LOGS = f"aws-waf-logs-{PROJECT}-alb"  # the prefix is mandatory for WAF
CDN_FIREWALL_LOGS = f"aws-waf-logs-{PROJECT}-cdn"
INSIGHTS_LOGS = f"/aws/ecs/containerinsights/{CLUSTER}/performance"  # name fixed by ECS

# Every use of `ignore_changes`, with who else writes the property. Nothing else may be ignored.
IGNORED: Mapping[str, tuple[str, ...]] = {
    "service": ("desiredCount", "loadBalancers"),  # autoscaling; ECS during blue/green
    "worker": ("desiredCount",),  # autoscaling
    "listener rule": ("actions",),  # ECS during blue/green
    "secret version": ("secretString", "versionStages"),  # rotation
    "default network acl": ("subnetIds",),  # AWS, when subnets come and go
}


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names of one stack in one account and its home region."""

    account_id: str
    region: str
    environment: str

    def arn(self, service: str, resource: str) -> str:
        """ARN of a regional resource."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def role_arn(self, name: str) -> str:
        """ARN of one of our roles; `*` gives the pattern of all."""
        suffix = name if name == "*" else f"{PROJECT}-{name}"
        return f"arn:aws:iam::{self.account_id}:role{ROLE_PATH}{suffix}"

    def boundary_arn(self, policy: str) -> str | None:
        """ARN of the permission boundary, None when the stack has none."""
        return f"arn:aws:iam::{self.account_id}:policy{ROLE_PATH}{policy}" if policy else None

    def bucket(self, use: str) -> str:
        """Globally unique bucket name."""
        return f"{PROJECT}-{use}-{self.account_id}-{self.region}"

    def bucket_arn(self, use: str) -> str:
        """ARN of a bucket of ours."""
        return f"arn:aws:s3:::{self.bucket(use)}"

    def log_group_arn(self, name: str) -> str:
        """ARN of a log group, without the stream part."""
        return self.arn("logs", f"log-group:{name}")

    def key_alias(self, key_class: str) -> str:
        """Alias of the customer-managed key of one data class."""
        return f"alias/{PROJECT}-{key_class}"

    def key_alias_arn(self, key_class: str) -> str:
        """ARN of that alias, which KMS accepts as a key id."""
        return self.arn("kms", self.key_alias(key_class))

    def secret(self, name: str) -> str:
        """Full name of a secret, as the README gives it."""
        return f"{SECRET_PREFIX}/{name}"

    def secret_arn_pattern(self, name: str) -> str:
        """ARN with the six characters Secrets Manager appends, as single-character wildcards.

        Never a bare prefix or a partial ARN: `jwt-secret` itself ends like such a suffix.
        """
        return self.arn("secretsmanager", f"secret:{self.secret(name)}-??????")

    def queue(self, short: str) -> str:
        """Name of a queue; a policy can name its ARN before it exists."""
        return f"{PROJECT}-{short}"

    def queue_arn(self, short: str) -> str:
        """ARN of a queue."""
        return self.arn("sqs", self.queue(short))

    def topic(self, severity: str) -> str:
        """Name of the alarm topic of one severity."""
        return f"{PROJECT}-{severity}"
