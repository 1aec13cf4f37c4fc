"""Physical names and ARNs as plain strings, so that every policy is known on the first preview."""

from dataclasses import dataclass

PROJECT = "budgetbuddy"
PIPELINE = PROJECT
PLATFORM_PROJECT = "budgetbuddy-platform"
REPOSITORY = f"{PROJECT}-backend"
CLUSTER = f"{PROJECT}-cluster"

METRIC_NAMESPACE = "BudgetBuddy/Delivery"

STATE_BUCKET = "pulumi-state"
ARTIFACT_BUCKET = "artifacts"
EVIDENCE_BUCKET = "evidence"
LOG_BUCKET = "delivery-access-logs"

# Where the roles of the platform live; delivery's own lie one level deeper, out of its reach.
PLATFORM_PATH = f"/{PROJECT}/"
DELIVERY_PATH = f"/{PROJECT}/delivery/"
PIPELINE_ROLE = "pipeline"
TEST, BUILD, PREVIEW, DEPLOY, VERIFY = "test", "build", "preview", "deploy", "verify"
BUILDS = (TEST, BUILD, PREVIEW, DEPLOY, VERIFY)
BREAK_GLASS_ROLE = "break-glass"
# The platform's stack files name this boundary for everything that runs.
RUNTIME_BOUNDARY = f"{PROJECT}-boundary"
BUILD_BOUNDARY = f"{PROJECT}-build-boundary"
DEPLOY_BOUNDARY = f"{PROJECT}-deploy-boundary"
EMERGENCY_BOUNDARY = f"{PROJECT}-emergency-boundary"

STATE_KEY, ARTIFACT_KEY, DELIVERY_KEY = "state", "artifacts", "delivery"


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names in one account and its home region; `backup_region` holds the copies of backups."""

    account_id: str
    region: str
    backup_region: str

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """ARN of a regional resource; region `*` means every region."""
        return f"arn:aws:{service}:{region or self.region}:{self.account_id}:{resource}"

    def platform_role_arn(self, name: str) -> str:
        """ARN, or pattern, of a role the platform creates; break-glass lies among them."""
        return f"arn:aws:iam::{self.account_id}:role{PLATFORM_PATH}{PROJECT}-{name}"

    def delivery_role_arn(self, name: str) -> str:
        """ARN of a role of the pipeline; `*` gives the pattern of all."""
        suffix = name if name == "*" else f"{PROJECT}-{name}"
        return f"arn:aws:iam::{self.account_id}:role{DELIVERY_PATH}{suffix}"

    def policy_arn(self, name: str) -> str:
        """ARN of a managed policy of ours; `*` gives the pattern of all."""
        return f"arn:aws:iam::{self.account_id}:policy{PLATFORM_PATH}{name}"

    def bucket(self, use: str) -> str:
        """Globally unique bucket name."""
        return f"{PROJECT}-{use}-{self.account_id}-{self.region}"

    def bucket_arn(self, use: str) -> str:
        """ARN of a bucket of ours."""
        return f"arn:aws:s3:::{self.bucket(use)}"

    def key_alias(self, key_class: str) -> str:
        """Alias of the customer-managed key of one class."""
        return f"alias/{PROJECT}-{key_class}"

    def repository_arn(self) -> str:
        """ARN of the one image repository."""
        return self.arn("ecr", f"repository/{REPOSITORY}")

    def repository_url(self) -> str:
        """Address of that repository, as Docker takes it."""
        return f"{self.account_id}.dkr.ecr.{self.region}.amazonaws.com/{REPOSITORY}"

    def pipeline_arn(self) -> str:
        """ARN of the pipeline."""
        return self.arn("codepipeline", PIPELINE)

    def build_project(self, name: str) -> str:
        """Name of a build project."""
        return f"{PROJECT}-{name}"

    def build_project_arn(self, name: str) -> str:
        """ARN of a build project."""
        return self.arn("codebuild", f"project/{self.build_project(name)}")

    def build_log_group(self, name: str) -> str:
        """Log group of a build project."""
        return f"/{PROJECT}/codebuild/{name}"

    def topic(self) -> str:
        """Name of the topic that hears of the pipeline."""
        return f"{PROJECT}-pipeline"

    def topic_arn(self) -> str:
        """ARN of that topic."""
        return self.arn("sns", self.topic())


def build_role(project: str) -> str:
    """Role of a build project; deploying and verifying are one duty and share one."""
    return f"codebuild-{DEPLOY if project == VERIFY else project}"
