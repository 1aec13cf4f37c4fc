"""Everything a stack of this project may configure, or one error that lists every problem."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pulumi
from pulumi.runtime import config as engine
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

NAMESPACE = "budgetbuddy"
REGION_KEY = "aws:region"
ENGINE_NAMESPACE = "pulumi"  # the engine's own settings; they never reach a resource
# Tells the language host that the reason was shown, so that the engine adds nothing to it.
ERROR_SHOWN = 32
PRODUCTION = "production"
BRANCHES: Mapping[str, str] = {"staging": "staging", PRODUCTION: "main"}
AUDIT_DAYS = 2555  # seven years


def _matches(pattern: str, must: str) -> AfterValidator:
    """A validator whose message says in words what the pattern asks for."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(must)
        return value

    return AfterValidator(check)


def _somebody(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("must name at least 1 person or role")
    return value


Region = Annotated[str, _matches(r"[a-z]{2}-[a-z]+-[0-9]", "must be an AWS region")]
AccountId = Annotated[str, _matches(r"[0-9]{12}", "must be the 12 digits of an AWS account")]
Owner = Annotated[str, _matches(r"[a-z][a-z0-9-]{1,31}", "must be 2 to 32 of a-z, 0-9 and hyphen")]
Repository = Annotated[
    str, _matches(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", "must be owner/repository")
]
Connection = Annotated[str, _matches(r"[\w.-]{1,32}", "must be 1 to 32 letters, digits, . - _")]
Email = Annotated[str, _matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", "must be an e-mail address")]
StackName = Annotated[
    str, _matches(r"[\w.-]+/[\w.-]+/[\w.-]+", "must be organization/project/stack")
]
Principal = Annotated[
    str,
    _matches(
        r"arn:aws:iam::[0-9]{12}:(role|user)/[^*?]+",
        "must be the ARN of one role or user, without wildcard",
    ),
]


class Settings(BaseModel):
    """One account's way of delivery; `platform_stack` is absent until the platform exists."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)
    region: Region
    backup_region: Region = "us-west-2"
    environment: Literal["staging", "production"]
    account_id: AccountId
    owner: Owner = "platform"
    protect: bool = False
    connection_name: Connection = "budgetbuddy"
    repository_full_name: Repository
    branch: Literal["staging", "main"]
    approval: bool = False
    approval_timeout_minutes: int = Field(default=4320, ge=5, le=86_400)  # AWS limits
    notify_email: Email
    platform_stack: StackName | None = None
    scan_high_allowed: int = Field(default=0, ge=0)
    break_glass_principals: Annotated[tuple[Principal, ...], AfterValidator(_somebody)]
    artifact_days: int = Field(default=30, ge=7, le=90)
    evidence_lock: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"
    evidence_days: int = Field(default=365, ge=365)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`holds` gets the values of `keys` in order; the first key is the one to change."""

    keys: tuple[str, ...]
    holds: Callable[..., bool]
    must: str


RULES: tuple[Rule, ...] = (
    Rule(
        keys=("environment", "stack"),
        holds=lambda environment, stack: environment == stack,
        must="must equal the name of the stack",
    ),
    Rule(
        keys=("branch", "environment"),
        holds=lambda branch, environment: BRANCHES[environment] == branch,
        must="must be staging in staging, and main in production",
    ),
    Rule(
        keys=("backupRegion", "region"),
        holds=lambda copy, home: copy != home,
        must="must differ from aws:region",
    ),
    Rule(
        keys=("breakGlassPrincipals", "accountId"),
        holds=lambda arns, account: all(arn.split(":")[4] == account for arn in arns),
        must="must lie in accountId",
    ),
    Rule(
        keys=("protect", "environment"),
        holds=lambda protect, environment: protect or environment != PRODUCTION,
        must="must be true in production",
    ),
    Rule(
        keys=("evidenceLock", "environment"),
        holds=lambda lock, environment: (lock == "COMPLIANCE") == (environment == PRODUCTION),
        must="must be COMPLIANCE in production, and can be undone, GOVERNANCE, in staging",
    ),
    Rule(
        keys=("evidenceDays", "environment"),
        holds=lambda days, environment: days >= AUDIT_DAYS or environment != PRODUCTION,
        must=f"must be seven years, {AUDIT_DAYS}, or more in production",
    ),
)


class ConfigurationError(Exception):
    """The stack file is wrong; `problems` says everything that is: key, value, rule."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        several = f"{len(problems)} problems\n  - " + "\n  - ".join(problems)
        super().__init__(f"stack configuration: {problems[0] if len(problems) == 1 else several}")


def load_settings() -> Settings:
    """Settings of the running stack; a wrong stack file ends the program with one error."""
    try:
        return read_settings(engine.get_config_env(), pulumi.get_stack())
    except ConfigurationError as error:
        pulumi.log.error(str(error))
        raise SystemExit(ERROR_SHOWN) from None


def read_settings(config: Mapping[str, str], stack: str) -> Settings:
    """Settings from what the engine passes on: full key -> text, lists as JSON text."""
    known = {field.alias or name: field for name, field in Settings.model_fields.items()}
    raw = {_field(key): _parse(text) for key, text in config.items() if _field(key)}
    problems = [*_unknown_keys(config, known)]
    valid: dict[str, Any] = {"stack": stack}
    for name, field in known.items():
        if name not in raw:
            if field.is_required():
                problems.append(f"{_full_key(name)} is required")
            else:
                valid[name] = field.get_default()
            continue
        kind: Any = field.annotation
        for constraint in field.metadata:
            kind = Annotated[kind, constraint]
        try:
            valid[name] = TypeAdapter(kind).validate_python(raw[name])
        except ValidationError as error:
            problems += [_described(name, raw[name], detail["msg"]) for detail in error.errors()]
    problems += [
        _described(rule.keys[0], valid[rule.keys[0]], rule.must)
        for rule in RULES
        if all(key in valid for key in rule.keys)
        and not rule.holds(*(valid[key] for key in rule.keys))
    ]
    if problems:
        raise ConfigurationError(problems)
    return Settings.model_validate({key: valid[key] for key in known})


def _field(key: str) -> str:
    """`budgetbuddy:branch` is field `branch`; a key that is not ours is empty."""
    namespace, _, name = key.partition(":")
    if key == REGION_KEY:
        return "region"
    return name if namespace == NAMESPACE and name != "region" else ""


def _full_key(name: str) -> str:
    return REGION_KEY if name == "region" else f"{NAMESPACE}:{name}"


def _parse(text: str) -> Any:
    return json.loads(text) if text[:1] in {"{", "["} else text


def _unknown_keys(config: Mapping[str, str], known: Mapping[str, Any]) -> Iterator[str]:
    names = ", ".join(sorted(name for name in known if name != "region"))
    for key in config:
        name = _field(key)
        if name and name not in known:
            yield f"{key} is not a known key; known are {names}"
        elif not name and key.partition(":")[0] != ENGINE_NAMESPACE:
            yield f"{key} is not a known key; ours start with {NAMESPACE}:"


def _described(name: str, value: object, message: str) -> str:
    """Pydantic's `Input should be ...` and our own `must be ...` as one phrase."""
    must = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{_full_key(name)} is {json.dumps(value, default=str)}: {must}"
