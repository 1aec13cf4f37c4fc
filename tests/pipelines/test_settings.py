"""A stack file is right, or one error names everything that is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.settings import RULES, ConfigurationError, read_settings

Edit = Callable[..., dict[str, str]]
ROOT = Path(__file__).parents[2]

BAD = [
    pytest.param({"branch": "main"}, "budgetbuddy:branch", "staging in staging", id="branch"),
    pytest.param({"environment": "test"}, "budgetbuddy:environment", "staging", id="environment"),
    pytest.param({"accountId": "12"}, "budgetbuddy:accountId", "12 digits", id="account"),
    pytest.param({"aws:region": "mars"}, "aws:region", "an AWS region", id="region"),
    pytest.param({"backupRegion": "us-east-1"}, "budgetbuddy:backupRegion", "differ", id="backup"),
    pytest.param(
        {"repositoryFullName": "https://github.com/a/b"},
        "budgetbuddy:repositoryFullName",
        "owner/repository",
        id="repository",
    ),
    pytest.param({"notifyEmail": "ops"}, "budgetbuddy:notifyEmail", "e-mail", id="mail"),
    pytest.param({"notifyEmail": None}, "budgetbuddy:notifyEmail", "is required", id="missing"),
    pytest.param({"approvals": True}, "budgetbuddy:approvals", "not a known key", id="unknown key"),
    pytest.param({"aws:profile": "x"}, "aws:profile", "not a known key", id="foreign key"),
    pytest.param({"connectionName": "a" * 33}, "budgetbuddy:connectionName", "32", id="connection"),
    pytest.param(
        {"approvalTimeoutMinutes": 1}, "budgetbuddy:approvalTimeoutMinutes", "5", id="approval time"
    ),
    pytest.param({"approval": "perhaps"}, "budgetbuddy:approval", "boolean", id="not a boolean"),
    pytest.param({"scanHighAllowed": -1}, "budgetbuddy:scanHighAllowed", "0", id="negative"),
    pytest.param({"evidenceDays": 30}, "budgetbuddy:evidenceDays", "365", id="short evidence"),
    pytest.param(
        {"evidenceLock": "COMPLIANCE"}, "budgetbuddy:evidenceLock", "GOVERNANCE", id="lock"
    ),
    pytest.param(
        {"platformStack": "staging"}, "budgetbuddy:platformStack", "organization/", id="reference"
    ),
    pytest.param(
        {"breakGlassPrincipals": []}, "budgetbuddy:breakGlassPrincipals", "at least 1", id="nobody"
    ),
    pytest.param(
        {"breakGlassPrincipals": ["arn:aws:iam::210987654321:role/*"]},
        "budgetbuddy:breakGlassPrincipals",
        "without wildcard",
        id="anybody",
    ),
    pytest.param(
        {"breakGlassPrincipals": ["arn:aws:iam::111122223333:role/operators"]},
        "budgetbuddy:breakGlassPrincipals",
        "accountId",
        id="another account",
    ),
]
BAD_IN_PRODUCTION = [
    pytest.param({"protect": False}, "budgetbuddy:protect", id="unprotected"),
    pytest.param({"evidenceLock": "GOVERNANCE"}, "budgetbuddy:evidenceLock", id="undoable lock"),
    pytest.param({"evidenceDays": 400}, "budgetbuddy:evidenceDays", id="short evidence"),
    pytest.param({"branch": "staging"}, "budgetbuddy:branch", id="another branch"),
]


def problems(config: dict[str, str], stack: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(config, stack)
    return caught.value.problems


def test_the_stack_files_are_right(stack: str, edited: Edit) -> None:
    settings = read_settings(edited(stack, {}), stack)

    assert settings.environment == stack
    assert settings.approval is (stack == "production")


@pytest.mark.parametrize(("values", "key", "words"), BAD)
def test_a_wrong_value_is_named_with_its_rule(
    edited: Edit, values: dict[str, Any], key: str, words: str
) -> None:
    (problem,) = problems(edited("staging", values), "staging")

    assert problem.startswith(key)
    assert words in problem


@pytest.mark.parametrize(("values", "key"), BAD_IN_PRODUCTION)
def test_production_is_held_to_more(edited: Edit, values: dict[str, Any], key: str) -> None:
    (problem,) = problems(edited("production", values), "production")

    assert problem.startswith(key)


def test_a_file_is_for_the_stack_of_its_name(edited: Edit) -> None:
    (problem,) = problems(edited("staging", {}), "production")

    assert problem.startswith("budgetbuddy:environment")
    assert "name of the stack" in problem


def test_every_problem_is_told_at_once(edited: Edit) -> None:
    wrong = {"branch": "main", "notifyEmail": None, "accountId": "1", "colour": "red"}

    found = problems(edited("staging", wrong), "staging")

    keys = {problem.split()[0] for problem in found}
    assert keys == {f"budgetbuddy:{name}" for name in wrong}


def test_every_rule_has_a_stack_file_that_breaks_it() -> None:
    tested = {param.values[1] for param in [*BAD, *BAD_IN_PRODUCTION]}

    assert {f"budgetbuddy:{rule.keys[0]}" for rule in RULES} <= tested


def test_the_environments_are_two_accounts_that_the_platform_knows_as_well() -> None:
    accounts = []
    for name in ("staging", "production"):
        ours = yaml.safe_load((ROOT / f"pipelines/Pulumi.{name}.yaml").read_text())["config"]
        platform = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
        for key in ("budgetbuddy:accountId", "aws:region"):
            assert ours[key] == platform[key]
        accounts.append(ours["budgetbuddy:accountId"])

    assert len(set(accounts)) == 2
