"""The runner of mutation tests on a package of one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

RUNNER = Path(__file__).parents[1] / "mutation"
SOURCE = "def double(number):\n    return number * 2\n"
MUTANTS = {
    "return number / 2": "killed",
    "return number + number": "survived",
    "return number * 2 if number else 1": "survived",
}


def test_a_mutant_is_of_the_package_that_is_named_and_is_killed_by_a_test(tmp_path: Path) -> None:
    for place, source in (("mine", SOURCE), ("installed", "def double(number):\n    return 0\n")):
        (tmp_path / place / "toy").mkdir(parents=True)
        (tmp_path / place / "toy" / "__init__.py").write_text("")
        (tmp_path / place / "toy" / "sums.py").write_text(source)
    test = tmp_path / "test_toy.py"
    test.write_text("from toy.sums import double\ndef test_double():\n    assert double(3) == 6\n")
    mutants = tmp_path / "mutants.jsonl"
    lines = (
        {"module": "sums.py", "line": 2, "operator": "o",
         "source": SOURCE.replace("return number * 2", changed)}
        for changed in MUTANTS
    )  # fmt: skip
    mutants.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = tmp_path / "out.json"

    environment = os.environ | {
        "PYTHONPATH": str(tmp_path / "installed"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(RUNNER), str(tmp_path / "mine" / "toy"), str(test),
         "--mutants", str(mutants), "--out", str(out), "--bar", "33"],
        cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert [found["outcome"] for found in json.loads(out.read_text())] == list(MUTANTS.values())
    assert done.returncode == 0
    assert "1 of    3  33.3 %" in done.stdout
