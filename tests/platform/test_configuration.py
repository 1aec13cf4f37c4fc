"""A stack file is right, or one error names every key that is wrong, its value and the rule."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.configuration import ConfigurationError, read_settings
from infra.rules import RULES
from infra.settings import Settings

ROOT = Path(__file__).parents[2]
STACKS = ("local", "staging", "production")
DIGEST = "sha256:" + "a" * 64

ORIGIN_VERIFY = "budgetbuddy:originVerify"
HEADER_VALUE = "headerValueOfTheTests" * 3  # what `edited` gives each stack

Edit = Callable[[str, dict[str, Any]], dict[str, str]]


def problems(config: dict[str, str], stack: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(config, stack)
    return [str(problem) for problem in caught.value.problems]


def test_the_file_of_every_stack_is_valid(stack: str, edited: Edit) -> None:
    settings = read_settings(edited(stack, {}), stack)

    assert settings.environment == stack


def test_every_stack_takes_an_image_and_its_release(stack: str, edited: Edit) -> None:
    values = {"imageDigest": DIGEST, "release": "abcdef1"}

    assert read_settings(edited(stack, values), stack).image_digest == DIGEST


BAD_KEYS = [
    pytest.param("netwrok", {"cidr": "10.0.0.0/16"}, "is not a known key", id="unknown section"),
    pytest.param("network.natStrategi", "Single", "is not a known key", id="unknown key"),
    pytest.param("budgetbuddy-platform:owner", "me", "ours start with", id="foreign namespace"),
    pytest.param("aws:profile", "me", "ours start with", id="ambient provider setting"),
    pytest.param("network.cidr", "10.0.0.0/24", "three zones", id="too small for 3 x 2 subnets"),
    pytest.param("network.cidr", "8.0.0.0/16", "private range", id="public range"),
    pytest.param("network.cidr", "10.0.1.0/16", "host bits set", id="host bits set"),
    pytest.param("network.zones", ["us-east-1a"], "exactly three", id="one zone"),
    pytest.param("network.zones", ["us-east-1a"] * 3, "exactly three", id="one zone thrice"),
    pytest.param("accountId", "12345", "12 digits", id="short account id"),
    pytest.param("accountId", "12345678901x", "12 digits", id="letters in account id"),
    pytest.param(
        "imageDigest", "budgetbuddy-backend:latest", "a tag can be moved", id="image by tag"
    ),
    pytest.param("imageDigest", "sha256:abc", "64 hex digits", id="short digest"),
    pytest.param("edge.hostedZoneId", "example", "hosted zone", id="no hosted zone id"),
    pytest.param("edge.domain", "*.budgetbuddy.com", "without wildcard", id="wildcard domain"),
    pytest.param("edge.tlsPolicy", "ELBSecurityPolicy-2016-08", "must be", id="old TLS policy"),
    pytest.param("service.cpu", True, "valid integer", id="boolean for a number"),
    pytest.param("service.cpu", "512", "valid integer", id="text for a number"),
    pytest.param("service.execEnabled", "no", "valid boolean", id="text for a boolean"),
    pytest.param("service.max", 21, "less than or equal to 20", id="above a maximum"),
    pytest.param("logs.retentionDays", 3, "30 days or more", id="retention below policy"),
    pytest.param("logs.retentionDays", 31, "CloudWatch Logs", id="retention AWS refuses"),
    pytest.param("logs.archiveDays", 30, "greater than or equal to 365", id="short archive"),
    pytest.param("secrets.recoveryDays", 3, "7 to 30", id="recovery AWS refuses"),
    pytest.param("data.pitrDays", 36, "less than or equal to 35", id="window AWS refuses"),
    pytest.param("data.monthlyRetentionDays", 60, "0 for none", id="cold storage too short"),
    pytest.param("data.backupRetentionDays", 1, "greater than or equal to 7", id="short backup"),
    pytest.param("alarms.criticalEmail", "ops", "e-mail", id="no e-mail address"),
    pytest.param("secrets.jwtRotationDays", 91, "less than or equal to 90", id="rare rotation"),
    pytest.param("security.configMode", "HOURLY", "must be", id="unknown frequency"),
    pytest.param("cost.monthlyUsd", 0, "greater than or equal to 1", id="no budget"),
    pytest.param("environment", "test", "must be", id="unknown environment"),
    pytest.param("protect", "yes please", "boolean", id="text for protect"),
    pytest.param("network", "10.0.0.0/16", "must be", id="text for a section"),
]


@pytest.mark.parametrize(("key", "value", "rule"), BAD_KEYS)
def test_a_wrong_key_is_named_with_its_value_and_rule(
    stack: str, edited: Edit, key: str, value: object, rule: str
) -> None:
    found = problems(edited(stack, {key: value}), stack)
    (mine,) = [text for text in found if text.split()[0].endswith(key)]

    assert rule in mine
    if "known key" not in mine:
        assert str(value)[:10].lower().strip("[]'") in mine.lower()


def test_one_wrong_entry_of_a_list_is_named_with_its_place(edited: Edit) -> None:
    (found,) = problems(edited("staging", {"security.standards": ["fsbp", "pci"]}), "staging")

    assert found.startswith("budgetbuddy:security.standards.1 is \"pci\": must be 'fsbp'")


def test_a_missing_section_is_named(stack: str, edited: Edit) -> None:
    config = edited(stack, {})
    del config["budgetbuddy:network"]

    assert problems(config, stack) == ["budgetbuddy:network is required"]


def test_one_problem_is_one_line(edited: Edit) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(edited("production", {"network.cidr": "10.0.0.0/24"}), "production")

    assert str(caught.value) == (
        'stack configuration: budgetbuddy:network.cidr is "10.0.0.0/24": must be a private range of'
        " /16 to /19, to hold a private and a public subnet in each of three zones"
    )


def test_all_problems_are_listed_at_once(edited: Edit) -> None:
    values = {
        "network.cidr": "10.0.0.0/24",
        "network.natStrategy": "Single",
        "service.spotWeight": 3,
        "service.min": 30,
        "typo": "x",
    }
    found = problems(edited("production", values), "production")

    keys = {text.split()[0].removeprefix("budgetbuddy:") for text in found}
    assert keys == values.keys()


def test_a_secret_is_never_repeated(edited: Edit) -> None:
    config = edited(
        "production", {"owner": "S3CRET!", "edge.domain": "S3CRET!", "spare": "S3CRET!"}
    )
    secret = frozenset(
        {"budgetbuddy:owner", "budgetbuddy:edge", "budgetbuddy:spare", ORIGIN_VERIFY}
    )
    with pytest.raises(ConfigurationError) as caught:
        read_settings(config, "production", secret)

    assert len(caught.value.problems) == 3
    assert "S3CRET" not in str(caught.value)


@pytest.mark.parametrize("value", ["short", "x" * 129, "with a space " * 4, ""])
def test_a_malformed_secret_is_said_and_not_repeated(edited: Edit, value: str) -> None:
    config = {**edited("staging", {}), ORIGIN_VERIFY: value}

    assert problems(config, "staging") == [f"{ORIGIN_VERIFY} must be 32 to 128 letters and digits"]


def test_a_secret_in_clear_is_refused_with_the_command_that_encrypts_it(edited: Edit) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(edited("staging", {}), "staging", secret_keys=frozenset())

    (problem,) = caught.value.problems
    assert problem.key == ORIGIN_VERIFY
    assert "must be encrypted: pulumi config set --secret" in problem.must
    assert HEADER_VALUE not in str(caught.value)


# One change per rule that breaks that rule and no other.
BROKEN: dict[tuple[str, ...], tuple[str, dict[str, Any]]] = {
    ("network.zones", "region"): (
        "staging",
        {"network.zones": ["eu-west-1a", "eu-west-1b", "us-east-1a"]},
    ),
    ("edge.apiHost", "edge.domain"): ("staging", {"edge.apiHost": "api.example.com"}),
    ("edge.originHost", "edge.domain", "edge.apiHost"): (
        "staging",
        {"edge.originHost": "origin.example.com"},
    ),
    ("edge.cdn", "region"): (
        "staging",
        {
            "aws:region": "eu-west-1",
            "network.zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        },
    ),
    ("edge.testPort",): ("staging", {"edge.testPort": 8080}),
    ("originVerify", "edge.cdn"): ("staging", {"originVerify": None}),
    ("originVerifyPrevious", "originVerify"): ("staging", {"originVerifyPrevious": HEADER_VALUE}),
    ("edge.cdn", "environment"): ("production", {"edge.cdn": False}),
    ("edge.healthCheck", "environment"): ("production", {"edge.healthCheck": False}),
    ("edge.wafLoginLimit", "edge.wafRateLimit"): ("staging", {"edge.wafRateLimit": 100}),
    ("service.memory", "service.cpu"): ("staging", {"service.memory": 4096}),
    ("service.min", "service.max"): ("staging", {"service.min": 6, "service.max": 5}),
    ("service.scaleInCooldown", "service.scaleOutCooldown"): (
        "staging",
        {"service.scaleInCooldown": 10},
    ),
    ("service.cpuTarget", "alarms.cpuPercent"): ("staging", {"alarms.cpuPercent": 60}),
    ("service.memoryTarget", "alarms.memoryPercent"): ("staging", {"alarms.memoryPercent": 60}),
    ("logs.lockDays", "logs.archiveDays"): ("staging", {"logs.lockDays": 500}),
    ("release", "imageDigest"): ("staging", {"imageDigest": DIGEST}),
    ("edge.publicUrl", "environment"): ("staging", {"edge.publicUrl": "http://127.0.0.1:1"}),
    ("provider.endpoint", "environment"): ("staging", {"provider.endpoint": "http://127.0.0.1:1"}),
    ("security.boundary", "environment"): ("staging", {"security.boundary": ""}),
    ("data.deletionProtection", "environment"): ("staging", {"data.deletionProtection": False}),
    ("alarms.criticalEmail", "environment"): ("staging", {"alarms.criticalEmail": None}),
    ("alarms.warningEmail", "environment"): ("staging", {"alarms.warningEmail": None}),
    ("alarms.securityEmail", "environment"): ("staging", {"alarms.securityEmail": None}),
    ("secrets.recoveryDays", "environment"): ("staging", {"secrets.recoveryDays": 0}),
    ("service.max", "environment"): ("staging", {"service.max": 6}),
    ("protect", "environment"): ("staging", {"protect": False}),
    ("network.natStrategy", "environment"): ("production", {"network.natStrategy": "Single"}),
    ("network.endpointZones", "environment"): ("production", {"network.endpointZones": 1}),
    ("edge.wafMode", "environment"): ("production", {"edge.wafMode": "count"}),
    ("service.min", "environment"): ("production", {"service.min": 1}),
    ("service.spotWeight", "environment"): ("production", {"service.spotWeight": 1}),
    ("service.bakeMinutes", "environment"): ("production", {"service.bakeMinutes": 4}),
    ("service.execEnabled", "environment"): ("production", {"service.execEnabled": True}),
    ("worker.memory", "worker.cpu"): ("staging", {"worker.memory": 4096}),
    ("pinning.mode", "pinning.plaid", "pinning.stripe"): ("staging", {"pinning.mode": "enforce"}),
    ("worker.min", "worker.max"): ("staging", {"worker.min": 3, "worker.max": 2}),
    ("data.pitrDays", "environment"): ("production", {"data.pitrDays": 34}),
    ("data.backupRegion", "region"): ("staging", {"data.backupRegion": "us-east-1"}),
    ("data.backupRetentionDays", "environment"): ("production", {"data.backupRetentionDays": 34}),
    ("data.vaultLock", "environment"): ("staging", {"data.vaultLock": "compliance"}),
    ("logs.auditDays", "environment"): ("production", {"logs.auditDays": 2000}),
    ("logs.lockMode", "environment"): ("production", {"logs.lockMode": "GOVERNANCE"}),
    ("security.runtimeMonitoring", "security.guardDuty"): (
        "staging",
        {"security.runtimeMonitoring": True, "security.guardDuty": False},
    ),
    ("security.configRecorder", "security.securityHub"): (
        "staging",
        {"security.configRecorder": False},
    ),
    ("security.standards",): ("staging", {"security.standards": ["fsbp", "fsbp"]}),
    ("security.guardDuty", "environment"): ("production", {"security.guardDuty": False}),
    ("security.securityHub", "environment"): ("production", {"security.securityHub": False}),
    ("alarms.p95Millis", "environment"): ("production", {"alarms.p95Millis": 501}),
    ("alarms.errorRatePercent", "environment"): ("production", {"alarms.errorRatePercent": 2}),
}


def test_every_rule_has_a_case_that_breaks_it() -> None:
    assert {rule.keys for rule in RULES} == {*BROKEN, ("environment", "stack")}


@pytest.mark.parametrize(
    ("stack", "lock"),
    [("local", "compliance"), ("staging", "compliance"), ("production", "governance")],
)
def test_only_production_locks_its_vault_for_good(edited: Edit, stack: str, lock: str) -> None:
    (found,) = problems(edited(stack, {"data.vaultLock": lock}), stack)

    assert found.startswith(f'budgetbuddy:data.vaultLock is "{lock}"')


def test_the_environment_is_the_stack(edited: Edit) -> None:
    found = problems(edited("staging", {}), "production")

    assert found == ['budgetbuddy:environment is "staging": must equal the name of the stack']


@pytest.mark.parametrize("keys", BROKEN, ids=" and ".join)
def test_a_broken_rule_is_the_only_problem(edited: Edit, keys: tuple[str, ...]) -> None:
    stack, values = BROKEN[keys]
    found = problems(edited(stack, values), stack)

    assert {text.split()[0] for text in found} == {f"budgetbuddy:{keys[0]}"}


def _settings() -> dict[str, Settings]:
    loaded = {}
    for stack in STACKS:
        raw = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
        text = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in raw.items()
        }
        loaded[stack] = read_settings({**text, ORIGIN_VERIFY: HEADER_VALUE}, stack)
    return loaded


def test_no_two_stacks_share_an_account() -> None:
    accounts = [settings.account_id for settings in _settings().values()]

    assert len(set(accounts)) == len(STACKS)


def test_no_two_stacks_share_addresses() -> None:
    networks = [settings.network.cidr for settings in _settings().values()]

    assert not any(one.overlaps(other) for one, other in itertools.combinations(networks, 2))


def test_staging_is_nowhere_larger_than_production() -> None:
    staging, production = _settings()["staging"], _settings()["production"]

    for size in ("cpu", "memory", "min", "max"):
        assert getattr(staging.service, size) <= getattr(production.service, size)
    assert staging.network.endpoint_zones <= production.network.endpoint_zones
    assert (staging.network.nat_strategy, production.network.nat_strategy) == ("Single", "OnePerAz")


def test_no_stack_file_holds_a_secret_or_an_image() -> None:
    for stack in STACKS:
        config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
        assert set(config) == {"config"}
        assert not {"budgetbuddy:imageDigest", "budgetbuddy:release"} & config["config"].keys()
