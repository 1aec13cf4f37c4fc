"""The list of lines that security rests on is true, and giving one up is noticed.

The whole list is run by `make mutate`; its result is docs/MUTATION_OF_THE_PLATFORM.md.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from platform_lines import SecurityLine, security_lines

ROOT = Path(__file__).parents[2]
LINES = security_lines()


def test_the_list_is_long_and_says_what_each_line_is_for() -> None:
    assert len(LINES) >= 60
    assert len({(line.file, line.text) for line in LINES}) == len(LINES)
    assert all(line.why for line in LINES)


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.file} {line.text.strip()[:40]}")
def test_a_listed_line_still_exists_exactly_once(line: SecurityLine) -> None:
    assert line.occurrences == 1, "the line has changed: change tests/mutation/platform_lines.yaml"
    assert ast.dump(ast.parse(line.mutated())) != ast.dump(ast.parse(line.path.read_text()))


@pytest.mark.engine
def test_a_line_that_is_given_up_is_noticed_by_a_control() -> None:
    chosen = [LINES.index(line) for line in LINES if "is_multi_region_trail" in line.text]
    command = [sys.executable, "tests/mutation/lines.py", "--controls", *map(str, chosen)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "trail.py: CT-02" in done.stdout
