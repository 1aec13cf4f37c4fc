"""Rules that join several configuration keys, as data.

Each is judged on its own and only when every key it reads is valid by itself, so that one run names
every problem there is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from budgetbuddy import contract

SERVICE_PORT = contract.PORT
PRODUCTION = "production"
LOCAL = "local"
STAGING_MAX_TASKS = 5
CLOUDFRONT_REGION = "us-east-1"

# Fargate: CPU units -> memory in MiB.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
FARGATE_MEMORY: Mapping[int, frozenset[int]] = {
    256: frozenset((512, 1024, 2048)),
    512: frozenset(range(1024, 4096 + 1, 1024)),
    1024: frozenset(range(2048, 8192 + 1, 1024)),
    2048: frozenset(range(4096, 16_384 + 1, 1024)),
    4096: frozenset(range(8192, 30_720 + 1, 1024)),
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`holds` gets the values of `keys` in order; the first key is the one to change."""

    keys: tuple[str, ...]
    holds: Callable[..., bool]
    must: str


def _in(environment: str, key: str, holds: Callable[[Any], bool], must: str) -> Rule:
    return Rule(
        keys=(key, "environment"),
        holds=lambda value, actual: actual != environment or holds(value),
        must=f"must be {must} in {environment}",
    )


def _unless_local(key: str, holds: Callable[[Any], bool], must: str) -> Rule:
    return Rule(
        keys=(key, "environment"),
        holds=lambda value, actual: actual == LOCAL or holds(value),
        must=f"{must} unless the environment is local",
    )


def _has_backup(pins: tuple[str, ...]) -> bool:
    return len(set(pins)) >= contract.FEWEST_PINS


RULES: tuple[Rule, ...] = (
    Rule(
        keys=("environment", "stack"),
        holds=lambda environment, stack: environment == stack,
        must="must equal the name of the stack",
    ),
    Rule(
        keys=("network.zones", "region"),
        holds=lambda zones, region: all(zone[:-1] == region for zone in zones),
        must="must lie in aws:region",
    ),
    Rule(
        keys=("edge.apiHost", "edge.domain"),
        holds=lambda host, domain: host is None or host.endswith(f".{domain}"),
        must="must lie under edge.domain",
    ),
    Rule(
        keys=("edge.originHost", "edge.domain", "edge.apiHost"),
        holds=lambda origin, domain, api: (
            origin is None or (origin.endswith(f".{domain}") and origin != (api or f"api.{domain}"))
        ),
        must="must lie under edge.domain and differ from edge.apiHost",
    ),
    Rule(
        keys=("edge.testPort",),
        holds=lambda port: port != SERVICE_PORT,
        must=f"must not be the port of the service, {SERVICE_PORT}",
    ),
    Rule(
        keys=("edge.cdn", "region"),
        holds=lambda cdn, region: not cdn or region == CLOUDFRONT_REGION,
        must=f"must be false outside {CLOUDFRONT_REGION}, where CloudFront's certificate and"
        " firewall live",
    ),
    Rule(
        keys=("originVerify", "edge.cdn"),
        holds=lambda value, cdn: value is not None or not cdn,
        must="must be set with edge.cdn: pulumi config set --secret budgetbuddy:originVerify"
        "   (value on stdin)",
    ),
    Rule(
        keys=("originVerifyPrevious", "originVerify"),
        holds=lambda previous, value: previous is None or previous != value,
        must="must differ from originVerify",
    ),
    Rule(
        keys=("edge.wafLoginLimit", "edge.wafRateLimit"),
        holds=lambda login, general: login < general,
        must="must lie below edge.wafRateLimit",
    ),
    Rule(
        keys=("service.memory", "service.cpu"),
        holds=lambda memory, cpu: memory in FARGATE_MEMORY.get(cpu, ()),
        must="must form a pair with service.cpu that Fargate offers",
    ),
    Rule(
        keys=("service.min", "service.max"),
        holds=lambda least, most: least <= most,
        must="must not exceed service.max",
    ),
    Rule(
        keys=("worker.memory", "worker.cpu"),
        holds=lambda memory, cpu: memory in FARGATE_MEMORY.get(cpu, ()),
        must="must form a pair with worker.cpu that Fargate offers",
    ),
    Rule(
        keys=("worker.min", "worker.max"),
        holds=lambda least, most: least <= most,
        must="must not exceed worker.max",
    ),
    Rule(
        keys=("service.scaleInCooldown", "service.scaleOutCooldown"),
        holds=lambda scale_in, scale_out: scale_in >= scale_out,
        must="must not be shorter than service.scaleOutCooldown",
    ),
    Rule(
        keys=("service.cpuTarget", "alarms.cpuPercent"),
        holds=lambda target, alarm: target < alarm,
        must="must lie below alarms.cpuPercent, or scaling comes after the alarm",
    ),
    Rule(
        keys=("service.memoryTarget", "alarms.memoryPercent"),
        holds=lambda target, alarm: target < alarm,
        must="must lie below alarms.memoryPercent, or scaling comes after the alarm",
    ),
    Rule(
        keys=("data.backupRegion", "region"),
        holds=lambda copy, home: copy != home,
        must="must differ from aws:region, or a lost region takes its backups along",
    ),
    Rule(
        keys=("logs.lockDays", "logs.archiveDays"),
        holds=lambda lock, archive: lock <= archive,
        must="must not exceed logs.archiveDays, or the archive cannot be disposed of",
    ),
    Rule(
        keys=("release", "imageDigest"),
        holds=lambda release, digest: digest is None or release is not None,
        must="must be set together with imageDigest",
    ),
    Rule(
        keys=("pinning.mode", "pinning.plaid", "pinning.stripe"),
        holds=lambda mode, *pins: mode != "enforce" or all(map(_has_backup, pins)),
        must="must not be enforce before both providers have two pins, or a new key locks us out",
    ),
    _unless_local("protect", bool, "must be true"),
    _unless_local("edge.publicUrl", lambda url: url is None, "must not be set"),
    _unless_local("provider.endpoint", lambda url: url is None, "must not be set"),
    _unless_local("security.boundary", bool, "must name a policy"),
    _unless_local("data.deletionProtection", bool, "must be true"),
    _unless_local("alarms.criticalEmail", bool, "must be set"),
    _unless_local("alarms.warningEmail", bool, "must be set"),
    _unless_local("alarms.securityEmail", bool, "must be set"),
    _unless_local("secrets.recoveryDays", bool, "must not be 0"),
    Rule(
        keys=("security.runtimeMonitoring", "security.guardDuty"),
        holds=lambda runtime, detector: detector or not runtime,
        must="must not be true without security.guardDuty",
    ),
    Rule(
        keys=("security.configRecorder", "security.securityHub"),
        holds=lambda recorder, hub: recorder or not hub,
        must="must be true with security.securityHub, whose controls read it",
    ),
    Rule(
        keys=("security.standards",),
        holds=lambda standards: len(set(standards)) == len(standards),
        must="must not name a standard twice",
    ),
    _in("staging", "service.max", lambda n: n <= STAGING_MAX_TASKS, "at most 5"),
    _in(PRODUCTION, "network.natStrategy", lambda nat: nat == "OnePerAz", "OnePerAz"),
    _in(PRODUCTION, "network.endpointZones", lambda zones: zones >= 2, "2 or more"),  # noqa: PLR2004 - stands in the text
    _in(PRODUCTION, "edge.cdn", bool, "true"),
    _in(PRODUCTION, "edge.healthCheck", bool, "true"),
    _in(PRODUCTION, "edge.wafMode", lambda mode: mode == "block", "block"),
    _in(PRODUCTION, "service.min", lambda n: n >= 2, "2 or more"),  # noqa: PLR2004 - stands in the text
    _in(PRODUCTION, "service.spotWeight", lambda weight: weight == 0, "0"),
    _in(PRODUCTION, "service.bakeMinutes", lambda n: n >= 5, "5 or more"),  # noqa: PLR2004 - stands in the text
    _in(PRODUCTION, "service.execEnabled", lambda enabled: not enabled, "false"),
    _in(PRODUCTION, "data.pitrDays", lambda days: days == 35, "35"),  # noqa: PLR2004 - stands in the text
    _in(PRODUCTION, "data.backupRetentionDays", lambda days: days >= 35, "35 or more"),  # noqa: PLR2004 - stands in the text
    _in(PRODUCTION, "data.vaultLock", lambda lock: lock == "compliance", "compliance"),
    _in("staging", "data.vaultLock", lambda lock: lock == "governance", "governance"),
    _in(LOCAL, "data.vaultLock", lambda lock: lock == "governance", "governance"),
    _in(PRODUCTION, "secrets.recoveryDays", lambda days: days == 30, "30"),  # noqa: PLR2004 - stands in the text
    _in(PRODUCTION, "logs.auditDays", lambda days: days >= 2555, "seven years, 2555, or more"),  # noqa: PLR2004 - stands in the text
    _in(PRODUCTION, "logs.lockMode", lambda mode: mode == "COMPLIANCE", "COMPLIANCE"),
    _in(PRODUCTION, "security.guardDuty", bool, "true"),
    _in(PRODUCTION, "security.securityHub", bool, "true"),
    _in(PRODUCTION, "alarms.errorRatePercent", lambda rate: rate <= 1, "at most 1"),
    _in(PRODUCTION, "alarms.p95Millis", lambda millis: millis <= 500, "at most 500"),  # noqa: PLR2004 - stands in the text
)


def broken_rules(values: Mapping[str, Any]) -> Iterator[tuple[Rule, Any]]:
    """The rules that do not hold, each with the value of the key to change.

    `values` holds every key that is valid by itself, as `section.key`, and the name of the stack.
    """
    for rule in RULES:
        if all(key in values for key in rule.keys):
            arguments = [values[key] for key in rule.keys]
            if not rule.holds(*arguments):
                yield rule, arguments[0]
