"""Everything a stack may configure, as frozen models.

Loaded by `configuration.py`; rules that join several keys stand in `rules.py`. Secret values never
enter the models: `stack_secrets.py`.
"""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from infra.setting_types import (
    LOG_RETENTION_DAYS,
    STRICT,
    AccountId,
    Digest,
    Email,
    Host,
    Percent,
    Pin,
    PrivateNetwork,
    Region,
    Url,
    Zones,
    matches,
    one_of,
)


class NetworkSettings(BaseModel):
    """Address space and how it leaves the VPC."""

    model_config = STRICT
    cidr: PrivateNetwork = IPv4Network("10.0.0.0/16")
    zones: Zones
    nat_strategy: Literal["OnePerAz", "Single"] = "OnePerAz"
    endpoint_zones: int = Field(default=2, ge=1, le=3)


class EdgeSettings(BaseModel):
    """Names the clients use and what stands between them and the service."""

    model_config = STRICT
    domain: Host
    hosted_zone_id: Annotated[
        str, matches(r"Z[A-Z0-9]{3,31}", "must be the id of a Route 53 hosted zone")
    ]
    api_host: Host | None = None
    origin_host: Host | None = None
    public_url: Url | None = None
    cdn: bool = True
    health_check: bool = False
    test_port: int = Field(default=9443, ge=1024, le=65_535)
    # 1.2 is the floor, 1.3 preferred; both lists drop every CBC and SHA-1 suite.
    tls_policy: Literal[
        "ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    ] = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    waf_rate_limit: int = Field(default=2000, ge=100, le=20_000)
    waf_login_limit: int = Field(default=100, ge=10, le=2000)
    waf_mode: Literal["block", "count"] = "block"


class ServiceSettings(BaseModel):
    """Size, scaling and release behaviour of the API."""

    model_config = STRICT
    repository: Annotated[
        str,
        matches(r"[a-z0-9]+([._/-][a-z0-9]+)*", "must be the name of an ECR repository"),
    ] = "budgetbuddy-backend"
    cpu: int = 512
    memory: int = 1024
    min: int = Field(default=2, ge=1, le=20)
    max: int = Field(default=20, ge=1, le=20)
    cpu_target: float = Field(default=70, ge=40, le=75)
    memory_target: float = Field(default=70, ge=40, le=75)
    requests_per_task: int = Field(default=1200, gt=0)
    scale_out_cooldown: int = Field(default=60, ge=0)
    scale_in_cooldown: int = Field(default=300, ge=0)
    spot_weight: int = Field(default=0, ge=0, le=100)
    strategy: Literal["BLUE_GREEN", "ROLLING"] = "BLUE_GREEN"
    bake_minutes: int = Field(default=10, ge=0, le=1440)
    grace_seconds: int = Field(default=60, ge=0, le=300)
    exec_enabled: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"


class WorkerSettings(BaseModel):
    """Size and scaling of the worker."""

    model_config = STRICT
    cpu: int = 256
    memory: int = 512
    min: int = Field(default=1, ge=1, le=4)
    max: int = Field(default=4, ge=1, le=10)


class BillingSettings(BaseModel):
    """What is sold, by Stripe's price id, and where its pages may return to beside the API."""

    model_config = STRICT
    plus_price: (
        Annotated[str, matches(r"price_[A-Za-z0-9]{8,64}", "must be a price id of Stripe's")] | None
    ) = None
    return_origins: tuple[Url, ...] = ()


class PinningSettings(BaseModel):
    """Keys that the providers must show, and what becomes of connections without one.

    A pin is the SHA-256 of the public key of any certificate in the chain. Enforced, each provider
    needs two, so that one may change.
    """

    model_config = STRICT
    mode: Literal["enforce", "report", "off"] = "report"
    plaid: tuple[Pin, ...] = ()
    stripe: tuple[Pin, ...] = ()


class DataSettings(BaseModel):
    """How well the tables are kept."""

    model_config = STRICT
    table_prefix: Annotated[
        str, matches(r"[A-Za-z][A-Za-z0-9]{2,31}", "must be 3 to 32 letters and digits")
    ] = "BudgetBuddy"
    deletion_protection: bool = True
    pitr_days: int = Field(default=35, ge=1, le=35)
    max_read_units: Annotated[int, Field(ge=1)] | None = None
    max_write_units: Annotated[int, Field(ge=1)] | None = None
    backup_region: Region = "us-west-2"
    backup_retention_days: int = Field(default=35, ge=7, le=400)
    monthly_retention_days: Annotated[
        int, one_of((0, *range(120, 401)), "must be 0 for none, or 120 to 400")
    ] = 400
    vault_lock: Literal["governance", "compliance"] = "governance"


class SecretSettings(BaseModel):
    """How often the signing key is replaced, and how long a deleted secret can be brought back."""

    model_config = STRICT
    jwt_rotation_days: int = Field(default=30, ge=1, le=90)
    recovery_days: Annotated[int, one_of((0, *range(7, 31)), "must be 0, or 7 to 30")] = 30


class LogSettings(BaseModel):
    """Retention in CloudWatch Logs and in the archive behind it."""

    model_config = STRICT
    retention_days: Annotated[
        int, one_of(LOG_RETENTION_DAYS, "must be a CloudWatch Logs retention of 30 days or more")
    ] = 30
    archive_days: int = Field(default=400, ge=365)
    audit_days: int = Field(default=2557, ge=365)
    lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"
    lock_days: int = Field(default=365, ge=365)


class SecuritySettings(BaseModel):
    """What watches the account, and what limits every role.

    `boundary` is the name of a policy under `/budgetbuddy/`, empty for none. A detector that
    another program of the account owns is switched off here.
    """

    model_config = STRICT
    boundary: Annotated[
        str, matches(r"[A-Za-z0-9+=.@_-]{0,128}", "must be the name of a policy, without its path")
    ] = "budgetbuddy-boundary"
    guard_duty: bool = True
    runtime_monitoring: bool = False
    security_hub: bool = True
    standards: tuple[Literal["fsbp", "cis-3.0", "pci-4.0.1"], ...] = (
        "fsbp",
        "cis-3.0",
        "pci-4.0.1",
    )
    config_recorder: bool = True
    config_mode: Literal["CONTINUOUS", "DAILY"] = "CONTINUOUS"


class AlarmSettings(BaseModel):
    """Who is told, and from which values on."""

    model_config = STRICT
    critical_email: Email | None = None
    warning_email: Email | None = None
    security_email: Email | None = None
    cpu_percent: Percent = 80
    memory_percent: Percent = 80
    error_rate_percent: Percent = 1
    min_requests: int = Field(default=20, ge=1)
    p95_millis: int = Field(default=500, ge=50, le=60_000)
    auth_failures: int = Field(default=50, ge=1)
    slo_percent: float = Field(default=99.99, ge=90, le=99.999)


class CostSettings(BaseModel):
    """What the whole account may cost in a month, in US dollars, before somebody is told."""

    model_config = STRICT
    monthly_usd: int = Field(default=400, ge=1)


class ProviderSettings(BaseModel):
    """Where the AWS API is, when it is not AWS."""

    model_config = STRICT
    endpoint: Url | None = None


class Settings(BaseModel):
    """Everything a stack may configure."""

    model_config = STRICT
    region: Region
    environment: Literal["local", "staging", "production"]
    account_id: AccountId
    owner: Annotated[
        str, matches(r"[a-z][a-z0-9-]{1,31}", "must be 2 to 32 of a-z, 0-9 and hyphen")
    ] = "platform"
    protect: bool = False
    image_digest: Digest | None = None
    release: Annotated[str, matches(r"[0-9a-f]{7,40}", "must be 7 to 40 hex digits")] | None = None
    network: NetworkSettings
    edge: EdgeSettings
    service: ServiceSettings = ServiceSettings()
    worker: WorkerSettings = WorkerSettings()
    billing: BillingSettings = BillingSettings()
    pinning: PinningSettings = PinningSettings()
    data: DataSettings = DataSettings()
    secrets: SecretSettings = SecretSettings()
    logs: LogSettings = LogSettings()
    security: SecuritySettings = SecuritySettings()
    alarms: AlarmSettings = AlarmSettings()
    cost: CostSettings = CostSettings()
    provider: ProviderSettings = ProviderSettings()

    @property
    def api_host(self) -> str:
        """Host name of the API, on the certificate."""
        return self.edge.api_host or f"api.{self.edge.domain}"

    @property
    def origin_host(self) -> str:
        """Host name by which CloudFront finds the load balancer."""
        return self.edge.origin_host or f"origin.{self.edge.domain}"

    @property
    def api_url(self) -> str:
        """Origin the clients call."""
        return self.edge.public_url or f"https://{self.api_host}"
