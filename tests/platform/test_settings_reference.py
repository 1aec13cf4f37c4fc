"""The page of settings says what the program accepts."""

import re
from pathlib import Path

import pytest

from infra.configuration import known_paths
from infra.rules import RULES
from infra.settings_reference import reference

ROOT = Path(__file__).parents[2]
PAGE = reference()


def documented() -> list[str]:
    found, section = [], ""
    for line in PAGE.splitlines():
        if heading := re.match(r"## (?:`(\w+)`)?", line):
            section = heading[1] or ""
        if row := re.match(r"\| `(\w+)` \|", line):
            found.append(f"{section}.{row[1]}" if section else row[1])
    return found


def test_the_page_is_the_one_the_program_writes() -> None:
    page = (ROOT / "docs" / "SETTINGS.md").read_text(encoding="utf-8")

    assert page == PAGE, "run: .venv/bin/python -m infra.settings_reference"


def test_every_key_is_documented_once() -> None:
    assert sorted(documented()) == sorted(known_paths())


def test_every_rule_is_documented() -> None:
    assert all(f"- `{rule.keys[0]}` {rule.must}" in PAGE for rule in RULES)


@pytest.mark.parametrize(
    "row",
    [
        "| `natStrategy` | `OnePerAz` or `Single` | `OnePerAz` |  | `Single` |  |",
        "| `endpointZones` | whole number; at least 1; at most 3 | `2` | `3` | `1` |  |",
        "| `domain` | text; a lower-case host name without wildcard | required |",
        "| `apiHost` | text; a lower-case host name without wildcard or none | none |",
        "| `boundary` | text; the name of a policy, without its path | `budgetbuddy-boundary` |",
    ],
)
def test_a_row_gives_kind_bounds_default_and_each_stacks_value(row: str) -> None:
    assert any(line.startswith(row) for line in PAGE.splitlines())
