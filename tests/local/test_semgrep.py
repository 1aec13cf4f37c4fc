"""Our own rules find what they are for, and nothing in what is right."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import yaml

from localcloud.paths import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

RULES = CHECKOUT / ".semgrep.yml"
# Rule: file it applies to, what it must find, what it must leave alone.
CASES = {
    "table-scan": ("store/x.py", "client.scan(TableName='t')", "client.query(TableName='t')"),
    "float-of-money": ("domain/money.py", "float(amount)", "int(amount)"),
    "secret-compared-in-variable-time": (
        "security/x.py",
        "mac.hexdigest() == given",
        "hmac.compare_digest(mac.hexdigest(), given)",
    ),
    "token-decoded-without-algorithms": (
        "security/x.py",
        "import jwt\njwt.decode(token, key)",
        "import jwt\njwt.decode(token, key, algorithms=['HS256'])",
    ),
    "client-outside-composition": (
        "store/x.py",
        "import boto3\nboto3.client('dynamodb')",
        "given.client('dynamodb')",
    ),
    "swallowed-error": (
        "domain/x.py",
        "try:\n    work()\nexcept Exception:\n    pass",
        "try:\n    work()\nexcept OSError:\n    count()",
    ),
    "request-read-past-the-gates": ("api/x.py", "body = request.get_json()", "body = parsed"),
    "text-in-a-log": (
        "api/x.py",
        "import logging\nlogging.info(request.data)",
        "import logging\nlogging.getLogger('x').disabled = True",
    ),
}


def found(tree: Path) -> list[tuple[str, str]]:
    """Rule and file of each finding; the rules' paths count from the root of a repository."""
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    subprocess.run(["git", "-C", str(tree), "add", "."], check=True)
    done = subprocess.run(
        [
            str(CHECKOUT / ".venv-tools" / "bin" / "semgrep"),
            *("scan", "--metrics=off", "--disable-version-check", "--quiet", "--json"),
            *("--config", str(RULES), "service"),
        ],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
    )
    results = json.loads(done.stdout)["results"]
    return [(result["check_id"].rpartition(".")[2], result["path"]) for result in results]


def write(tree: Path, part: int) -> None:
    for number, (file, *examples) in enumerate(CASES.values()):
        folder, _, name = file.rpartition("/")
        own = name if name != "x.py" else f"case_{number}.py"
        path = tree / "service" / "budgetbuddy" / folder / own
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(examples[part] + "\n")


def test_every_rule_finds_what_it_is_for(tmp_path: Path) -> None:
    write(tmp_path, 0)

    assert sorted(rule for rule, _ in found(tmp_path)) == sorted(CASES)
    assert {rule["id"] for rule in yaml.safe_load(RULES.read_text())["rules"]} == set(CASES)


def test_no_rule_finds_what_is_right(tmp_path: Path) -> None:
    write(tmp_path, 1)

    assert found(tmp_path) == []
