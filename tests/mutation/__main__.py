"""Mutation testing: `python tests/mutation PACKAGE TESTS MUTANTS OUT`.

MUTANTS is what mutants.py printed; OUT gets the outcome of each as JSON, and a table by module is
printed. `--shard 1/4` takes every fourth.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import coverage
import pytest
from plugin import Mutant, Mutation

# A child process of a test does not see the mutant.
DIRECT = "not engine and not browser and not emulator"


def main() -> int:
    """Run, write, print; the exit code says whether the bar was held."""
    parsed = _arguments()
    _prefer(parsed.package.resolve())
    first, of = (int(part) for part in parsed.shard.split("/"))
    lines = parsed.mutants.read_text(encoding="utf-8").splitlines()
    chosen = [line for line in lines if parsed.module in json.loads(line)["module"]]
    mutants = [Mutant(**json.loads(line)) for line in chosen[first - 1 :: of]]
    measured = coverage.Coverage(data_file=None, source=[str(parsed.package)], config_file=False)
    mutation = Mutation(parsed.package.resolve(), mutants, measured, parsed.processes, parsed.reach)
    measured.start()
    quiet = ["-q", "--no-header", "--no-summary", "-p", "no:cacheprovider", "-m", DIRECT]
    code = pytest.main([*quiet, *parsed.tests], plugins=[mutation])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return int(code)
    parsed.out.parent.mkdir(parents=True, exist_ok=True)
    found = [{key: value for key, value in asdict(m).items() if key != "source"} for m in mutants]
    parsed.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if _report(mutants) >= parsed.bar else 1


def _prefer(package: Path) -> None:
    """Let the tests import `package` itself: the environment may hold another checkout's."""
    sys.path.insert(0, str(package.parent))
    imported = importlib.import_module(package.name).__file__
    if Path(imported or "").parent != package:
        sys.exit(f"{package.name} is imported from {imported}, not from {package}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--mutants", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shard", default="1/1")
    parser.add_argument("--module", default="", help="only modules whose path holds this")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--reach", type=float, default=12.0, help="seconds of tests per mutant")
    parser.add_argument("--bar", type=float, default=85.0, help="per cent that must be killed")
    return parser.parse_args()


def _report(mutants: list[Mutant]) -> float:
    """Print killed of all by module; per cent killed of the whole."""
    total = Counter(mutant.module for mutant in mutants)
    killed = Counter(m.module for m in mutants if m.outcome in ("killed", "timeout"))
    for module in sorted(total):
        sys.stdout.write(f"{killed[module]:5} of {total[module]:4}  {module}\n")
    score = 100 * killed.total() / max(total.total(), 1)
    sys.stdout.write(f"{killed.total():5} of {total.total():4}  {score:.1f} %\n")
    return score


if __name__ == "__main__":
    sys.exit(main())
