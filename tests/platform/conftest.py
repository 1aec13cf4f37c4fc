"""Stack files as the engine hands them over, for every test of the platform."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STACKS = ("local", "staging", "production")

StackConfig = dict[str, Any]


def stack_config(stack: str) -> StackConfig:
    """Content of `Pulumi.<stack>.yaml`, sections as mappings."""
    config: StackConfig = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def with_values(config: StackConfig, values: dict[str, Any]) -> StackConfig:
    """`section.key` or `key` replaced, in our namespace unless the key names another."""
    changed = json.loads(json.dumps(config))
    for path, value in values.items():
        section, _, key = path.partition(".")
        full = section if ":" in section else f"budgetbuddy:{section}"
        if key:
            changed.setdefault(full, {})[key] = value
        else:
            changed[full] = value
    return changed  # type: ignore[no-any-return]  # json.loads returns Any


def engine_view(config: StackConfig) -> dict[str, str]:
    """What the engine passes to the program: text, with objects and booleans as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()
    }


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """Each of the three stacks in turn."""
    return str(request.param)


@pytest.fixture
def edited() -> Callable[[str, dict[str, Any]], dict[str, str]]:
    """The engine's view of a stack file after a change."""

    def edit(stack: str, values: dict[str, Any]) -> dict[str, str]:
        return engine_view(with_values(stack_config(stack), values))

    return edit
