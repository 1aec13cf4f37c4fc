"""What the pages of docs/API show is what a newcomer gets: their commands, run as they stand."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from budgetbuddy.domain.access import BUCKETS

if TYPE_CHECKING:
    from conftest import LocalCloud

pytestmark = [pytest.mark.engine, pytest.mark.emulator]

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "API").glob("*.md"))
BLOCK = re.compile(r"```(sh|json|text)\n(.*?)```", re.DOTALL)
MARK = "--- end of block ---"
ANYTHING = "…"
PAGE_SECONDS = 120


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both generated clients are."""
    directory = tmp_path_factory.mktemp("clients")
    command = ["sh", "local/clients.sh", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return directory


def blocks(page: Path) -> list[tuple[str, str]]:
    """Kind and text of each fenced block, in order."""
    return [(kind, text) for kind, text in BLOCK.findall(page.read_text())]


def outputs(cloud: LocalCloud, page: Path, clients: Path) -> list[str]:
    """What each block of commands prints; all blocks of a page are one shell."""
    commands = [text for kind, text in blocks(page) if kind == "sh"]
    script = f"echo '{MARK}'\n".join(["set -eu\n", *commands])
    script = script.replace("127.0.0.1:8080", f"127.0.0.1:{cloud.port}")
    script = script.replace("build/clients", str(clients))
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=ROOT,
        env=cloud.environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(MARK + "\n")[1:]


def is_like(shown: Any, answered: Any) -> bool:
    """Equal, where `…` in the page stands for anything."""
    if shown == ANYTHING:
        return True
    if isinstance(shown, dict) and isinstance(answered, dict):
        return shown.keys() == answered.keys() and all(
            is_like(value, answered[name]) for name, value in shown.items()
        )
    if isinstance(shown, list) and isinstance(answered, list):
        return len(shown) == len(answered) and all(map(is_like, shown, answered))
    return bool(shown == answered)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_api_docs_shows_what_happens(
    cloud: LocalCloud, clients: Path, page: Path
) -> None:
    printed = iter(outputs(cloud, page, clients))
    compared = 0
    output = ""
    for kind, text in blocks(page):
        if kind == "sh":
            output = next(printed)
            continue
        compared += 1
        if kind == "json":
            assert is_like(json.loads(text), json.loads(output)), output
        else:
            assert output == text
    assert compared > 0


def test_the_typescript_client_does_what_the_python_client_does(
    cloud: LocalCloud, clients: Path
) -> None:
    token = cloud.client().token
    directory = clients / "typescript"
    modules = ROOT / "clients" / "typescript"
    for source in ("docs/API/examples/newcomer.ts", "clients/typescript/tsconfig.json"):
        (directory / Path(source).name).write_text((ROOT / source).read_text())
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "node_modules").symlink_to(modules / "node_modules")
    compiler = str(directory / "node_modules" / ".bin" / "tsc")

    compiled = subprocess.run([compiler, "-p", str(directory)], check=False, capture_output=True)
    assert compiled.returncode == 0, compiled.stdout
    ran = subprocess.run(
        ["node", str(directory / "newcomer.js")],
        env=cloud.environment | {"API": f"http://127.0.0.1:{cloud.port}", "TOKEN": str(token)},
        check=False,
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
    )

    assert ran.stdout == "typescript client: done\n", ran.stderr


def test_the_page_of_limits_names_the_limits_in_force() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| ([0-9,]+) \| ([0-9,]+) \| (shared|each process) \| (\S.*?) \|$",
        (ROOT / "docs" / "API" / "limits.md").read_text(),
        re.MULTILINE,
    )

    assert {
        (name, int(limit.replace(",", "")), int(seconds.replace(",", "")), holds, down)
        for name, limit, seconds, holds, down in rows
    } == {
        (
            bucket.name,
            bucket.limit,
            bucket.window_seconds,
            "shared" if bucket.shared else "each process",
            "lets pass" if bucket.fails_open else "refuses" if bucket.shared else "has none",
        )
        for bucket in BUCKETS.values()
    }
