"""The table of acceptance names tests that exist, for every claim and every command."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ACCEPTANCE.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows(section: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    body = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@cache
def collected(file: str) -> frozenset[str]:
    """Functions that pytest collects from a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def test_every_test_it_names_exists() -> None:
    named = TEST.findall(PAGE)

    assert len(named) > 60
    assert [(file, test) for file, test in named if test not in collected(file)] == []


def test_every_claim_and_every_command_has_a_test() -> None:
    table = [*rows("Claims"), *rows("Commands")]

    assert len(rows("Claims")) >= 30
    assert [cells[0] for cells in table if not TEST.search(cells[-1])] == []


def test_every_command_of_the_readme_that_does_something_is_in_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^\| `(make [a-z-]+)[^`]*` \|", readme, re.MULTILINE))

    assert len(commands) > 5
    assert commands == {cells[0].strip("`") for cells in rows("Commands")}
