"""Standard generators make clients of the OpenAPI document that pass their languages' checks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
OPERATIONS = {
    operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("clients")
    command = ["sh", "local/clients.sh", str(directory)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


def test_the_python_client_has_every_operation(clients: Path) -> None:
    modules = (clients / "python" / "budgetbuddy_client" / "api").glob("*/*.py")

    assert {path.stem for path in modules} - {"__init__"} == OPERATIONS


def test_the_typescript_client_has_every_operation(clients: Path) -> None:
    types = (clients / "typescript" / "budgetbuddy.d.ts").read_text()
    operations = types.partition("export interface operations {")[2]

    assert set(re.findall(r"^    (\w+): \{$", operations, re.MULTILINE)) == OPERATIONS


def test_the_whole_python_client_and_its_example_pass_mypy_strict(clients: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--config-file=", "--strict"]
    command += ["--python-executable", str(ROOT / ".venv-tools" / "bin" / "python")]
    command += ["--cache-dir", str(clients / "cache"), "-p", "budgetbuddy_client"]
    checked = subprocess.run(
        command,
        cwd=clients / "python",
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr

    command[-2:] = [str(ROOT / "docs" / "API" / "examples" / "newcomer.py")]
    example = subprocess.run(
        command,
        env={"MYPYPATH": str(clients / "python"), "PATH": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    assert example.returncode == 0, example.stdout + example.stderr


def test_a_use_that_the_document_does_not_allow_fails_the_typescript_check(clients: Path) -> None:
    directory = clients / "typescript"
    source = (ROOT / "docs" / "API" / "examples" / "newcomer.ts").read_text()
    wrong = source.replace('kind: "checking"', 'kind: "chequing"')
    assert wrong != source
    (directory / "tsconfig.json").write_text(
        (ROOT / "clients" / "typescript" / "tsconfig.json").read_text()
    )
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "node_modules").symlink_to(ROOT / "clients" / "typescript" / "node_modules")

    def errors(text: str) -> list[str]:
        (directory / "newcomer.ts").write_text(text)
        compiler = str(directory / "node_modules" / ".bin" / "tsc")
        done = subprocess.run(
            [compiler, "-p", str(directory), "--noEmit"],
            check=False,
            capture_output=True,
            text=True,
        )
        return re.findall(r"error TS\d+", done.stdout)

    assert errors(source) == []
    assert errors(wrong) != []
