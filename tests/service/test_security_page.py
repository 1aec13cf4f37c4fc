"""docs/security.md claims nothing without a test."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|") and not set(line) <= set("|-")
]


def names_of_tests() -> set[str]:
    return {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE)) - {"test_security_page"}

    assert len(named) > 50
    assert named <= names_of_tests(), named - names_of_tests()


def test_every_risk_and_item_names_a_test() -> None:
    claims = [row for row in ROWS if row[2] != "test"]

    assert {row[0].split()[0] for row in claims if row[0].startswith("API")} == {
        f"API{number}" for number in range(1, 11)
    }
    assert all("`test_" in row[2] for row in claims)
