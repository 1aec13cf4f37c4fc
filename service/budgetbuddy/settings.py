"""The service's configuration: from environment variables only, checked as a whole at start-up.

All faults are reported together, each by the variable's name and never by its value.
"""

import base64
import binascii
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AnyHttpUrl,
    BeforeValidator,
    Field,
    Json,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from budgetbuddy import contract
from budgetbuddy.domain.billing import Plan
from budgetbuddy.domain.pinning import PinningMode

EX_CONFIG = 78  # sysexits.h: only a person can repair a configuration
KEY_BYTES = 32
# Variables that only together reach a provider.
PROVIDERS = (
    ("plaid_client_id", "plaid_secret"),
    ("stripe_secret_key", "stripe_webhook_secrets"),
)
_DEFAULTS = {spec.name: spec.default for spec in contract.ENVIRONMENT}


class InvalidSettings(Exception):  # noqa: N818 - says what is
    """`faults` has one line a variable."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Environment(StrEnum):
    """Where the service runs."""

    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_deployed(self) -> bool:
        """Whether it is a real cloud: no embedded AWS, no documents in production."""
        return self in {Environment.STAGING, Environment.PRODUCTION}


def _listed(value: Any) -> Any:
    """Parts between commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _decoded_key(value: Any) -> Any:
    """A base64 key of 32 bytes as it is used; the raw value never appears in a message."""
    if isinstance(value, str):
        try:
            raw = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise ValueError("must be base64") from exc
        if len(raw) < KEY_BYTES:
            raise ValueError(f"must decode to at least {KEY_BYTES} bytes")
    return value


LongSecret = Annotated[SecretStr, Field(min_length=KEY_BYTES)]
OptionalSecret = Annotated[LongSecret | None, BeforeValidator(_none_if_empty)]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
Pin = Annotated[str, Field(pattern=r"^sha256/[A-Za-z0-9+/]{43}=$")]
OptionalUrl = Annotated[AnyHttpUrl | None, BeforeValidator(_none_if_empty)]


class Settings(BaseSettings):
    """Field names are the variables of `contract.ENVIRONMENT` and `contract.SECRETS`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    aws_region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    environment: Environment
    release: Annotated[str, Field(min_length=1, max_length=100)]
    data_key_id: Annotated[str, Field(min_length=1)]
    # SES decides which identities exist; a special-use domain is right on a laptop.
    email_from: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    public_base_url: AnyHttpUrl
    jobs_queue_url: OptionalUrl
    dynamodb_table_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
    aws_cloudwatch_enabled: bool
    log_level: Literal["DEBUG", "INFO", "WARNING"]
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=5)]
    workers: Annotated[int, Field(ge=1, le=16)]
    threads: Annotated[int, Field(ge=1, le=64)]
    plaid_environment: Literal["sandbox", "production"]
    plaid_base_url: OptionalUrl
    stripe_prices: Annotated[Json[dict[Literal["plus"], str]], Field()]
    stripe_base_url: OptionalUrl
    outbound_pins: Annotated[Json[dict[str, list[Pin]]], Field()]
    pinning_mode: PinningMode
    return_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
    aws_endpoint_url: OptionalUrl
    webhook_loopback: bool
    evidence_bucket: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$")]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)]

    jwt_secret: LongSecret
    jwt_key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    jwt_previous_secret: OptionalSecret
    jwt_previous_key_id: OptionalText
    lookup_key: Annotated[SecretStr, BeforeValidator(_decoded_key)]
    plaid_client_id: OptionalText
    plaid_secret: Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]
    stripe_secret_key: Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]
    stripe_webhook_secrets: Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        for name in ("aws_endpoint_url", "plaid_base_url", "stripe_base_url"):
            if self.environment.is_deployed and getattr(self, name) is not None:
                refused = f"{name.upper()} is refused when ENVIRONMENT is {self.environment}"
                raise ValueError(refused)
        if self.environment.is_deployed and self.webhook_loopback:
            raise ValueError(f"WEBHOOK_LOOPBACK is refused when ENVIRONMENT is {self.environment}")
        self._require_providers()
        self._require_pins()
        if self.environment.is_deployed and self.jobs_queue_url is None:
            raise ValueError("JOBS_QUEUE_URL is not set")
        if (self.jwt_previous_secret is None) != (self.jwt_previous_key_id is None):
            raise ValueError("JWT_PREVIOUS_SECRET and JWT_PREVIOUS_KEY_ID go together")
        if self.jwt_previous_key_id == self.jwt_key_id:
            raise ValueError("JWT_PREVIOUS_KEY_ID must differ from JWT_KEY_ID")
        return self

    def _require_providers(self) -> None:
        """Deployed, nothing is silently optional; elsewhere a provider is whole or absent."""
        if self.plaid_environment == "production" and self.environment != Environment.PRODUCTION:
            raise ValueError("PLAID_ENVIRONMENT is production only when ENVIRONMENT is")
        for names in PROVIDERS:
            absent = [name for name in names if getattr(self, name) is None]
            if absent and (self.environment.is_deployed or len(absent) < len(names)):
                raise ValueError(f"{absent[0].upper()} is not set")

    def _require_pins(self) -> None:
        """What is enforced needs a second pin: without one, a new key would lock us out."""
        if self.pinning_mode is not PinningMode.ENFORCE:
            return
        for host in (contract.PLAID_HOSTS[self.plaid_environment], contract.STRIPE_HOST):
            if len(set(self.outbound_pins.get(host, ()))) < contract.FEWEST_PINS:
                raise ValueError(
                    f"OUTBOUND_PINS has fewer than {contract.FEWEST_PINS} pins of {host}"
                )

    @property
    def plaid_origin(self) -> str:
        """Where Plaid is."""
        origin = self.plaid_base_url or f"https://{contract.PLAID_HOSTS[self.plaid_environment]}"
        return str(origin).rstrip("/")

    @property
    def stripe_origin(self) -> str:
        """Where Stripe is."""
        return str(self.stripe_base_url or f"https://{contract.STRIPE_HOST}").rstrip("/")

    def pins_of(self, origin: str) -> frozenset[str]:
        """The pins of the host of an origin."""
        return frozenset(self.outbound_pins.get(urlsplit(origin).hostname or "", ()))

    @property
    def prices(self) -> dict[Plan, str]:
        """Stripe's price ids by plan."""
        return {Plan(name): price for name, price in self.stripe_prices.items()}

    @property
    def stripe_secrets(self) -> tuple[str, ...]:
        """What Stripe signs webhooks with: none, one, or two while one replaces the other."""
        kept = self.stripe_webhook_secrets
        return _listed(kept.get_secret_value()) if kept else ()

    @property
    def lookup_key_bytes(self) -> bytes:
        """The decoded lookup key."""
        return base64.b64decode(self.lookup_key.get_secret_value())

    @property
    def token_keys(self) -> dict[str, bytes]:
        """Token keys by their ids: the current one and, while it lives, its predecessor."""
        keys = {self.jwt_key_id: self.jwt_secret.get_secret_value().encode()}
        if self.jwt_previous_secret is not None and self.jwt_previous_key_id is not None:
            keys[self.jwt_previous_key_id] = self.jwt_previous_secret.get_secret_value().encode()
        return keys


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from variables; raises `InvalidSettings` with every fault there is."""
    values = {
        name.lower(): value
        for name, default in {**_DEFAULTS, **_optional_secrets()}.items()
        if (value := environ.get(name, default)) is not None
    }
    values |= {
        spec.variable.lower(): environ[spec.variable]
        for spec in contract.SECRETS
        if spec.variable in environ
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as exc:
        raise InvalidSettings([_fault(error) for error in exc.errors(include_url=False)]) from None


def _optional_secrets() -> dict[str, str]:
    return {spec.variable: "" for spec in contract.SECRETS if not spec.required}


def _fault(error: Any) -> str:
    """Name and rule; pydantic's own text can hold the value, so only some of it is used."""
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    match error["type"]:
        case "missing":
            return f"{name} is not set"
        case "value_error":
            return f"{name} {error['ctx']['error']}".strip()
        case "string_too_short" | "too_short":
            return f"{name} is too short: at least {error['ctx']['min_length']} characters"
        case "enum" | "literal_error":
            return f"{name} must be one of {error['ctx']['expected']}"
        case kind:
            return f"{name} is not valid ({kind.replace('_', ' ')})"
