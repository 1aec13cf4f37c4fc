"""What is built from and with: bills, licences, leaks, provenance, the image's recipe."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from budgetbuddy.settings import load_settings
from delivery.ops.__main__ import cli
from delivery.ops.leaks import Leak, find_secrets, judge_leaks, source_files
from delivery.ops.licences import LicencePolicy, PolicyError, judge_licences, read_policy
from delivery.ops.materials import (
    IMAGE_ENVIRONMENT,
    MaterialError,
    Package,
    base_image,
    debian_packages,
    locked_packages,
)
from delivery.ops.provenance import ImageBuild, provenance
from delivery.ops.sbom import image_bill, repository_bill

ROOT = Path(__file__).parents[2]
DIGEST = "sha256:" + "a" * 64
BASE = f"registry.example/python:3.13@{DIGEST}"
HASH = "    --hash=sha256:" + "0" * 64
LOCK = f"""\
# a comment
flask==3.1.0 ; sys_platform != 'win32' \\
{HASH} \\
{HASH}
    # via x
colorama==0.4.6 ; sys_platform == 'win32' \\
{HASH}
"""
DPKG = """\
Package: libc6
Status: install ok installed
Version: 2.36-9

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def test_a_lock_is_read_for_where_it_is_installed() -> None:
    assert locked_packages(LOCK, IMAGE_ENVIRONMENT) == [Package("pypi", "flask", "3.1.0")]
    assert [each.name for each in locked_packages(LOCK)] == ["colorama", "flask"]


@pytest.mark.parametrize("text", ["flask==3.1.0", f"flask>=3 \\\n{HASH}", f"flask \\\n{HASH}"])
def test_what_is_not_pinned_with_its_hash_is_refused(text: str) -> None:
    with pytest.raises(MaterialError, match="flask is not pinned"):
        locked_packages(text)


def test_installed_packages_of_the_system_are_read() -> None:
    assert debian_packages(DPKG) == [Package("deb", "libc6", "2.36-9")]


@pytest.mark.parametrize("text", ["python:3.13", "", f"{BASE}\n{BASE}", "python@sha256:abc"])
def test_a_base_that_could_change_is_refused(text: str) -> None:
    with pytest.raises(MaterialError):
        base_image(text)


def test_the_base_of_the_image_is_pinned() -> None:
    assert "@sha256:" in base_image((ROOT / "service" / "base-image.txt").read_text())


def valid(text: str) -> dict[str, Any]:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_bill_of_an_image_names_its_base_and_all_packages() -> None:
    packages = [Package("pypi", "flask", "3.1.0"), Package("deb", "libc6", "2.36-9")]
    bill = valid(image_bill("registry.example/api", "sha-1", BASE, packages))

    assert bill["metadata"]["component"]["name"] == "registry.example/api"
    assert {each.get("purl") for each in bill["components"]} == {
        None,
        "pkg:pypi/flask@3.1.0",
        "pkg:deb/debian/libc6@2.36-9",
    }
    (base,) = [each for each in bill["components"] if each["bom-ref"] == "base-image"]
    assert base["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


def test_the_bill_of_the_repository_tells_what_is_shipped_from_tools() -> None:
    flask, ruff = Package("pypi", "flask", "3.1.0"), Package("pypi", "ruff", "1.0")
    bill = valid(repository_bill("platform", "c0ffee", [flask], [flask, ruff]))

    assert {each["name"]: each["scope"] for each in bill["components"]} == {
        "flask": "required",
        "ruff": "excluded",
    }


POLICY = LicencePolicy(
    allowed=frozenset({"MIT", "Apache-2.0"}),
    spelling={"MIT License": "MIT"},
    accepted={"tool": "GPL-3.0"},
)


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("MIT", True),
        ("MIT License", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only", False),
        ("unknown", False),
        ("", False),
        ("(MIT", False),
    ],
)
def test_a_licence_is_met_with_what_is_allowed_or_is_named(words: str, *, allowed: bool) -> None:
    problems = judge_licences({"a": words, "tool": "GPL-3.0"}, POLICY)

    assert (problems == []) is allowed


def test_what_a_tool_may_be_under_what_is_shipped_may_not() -> None:
    shipped = frozenset({"tool"})

    assert judge_licences({"tool": "GPL-3.0"}, POLICY, shipped=shipped) == [
        "tool: GPL-3.0",
        "tool is accepted and nothing needs it",
    ]
    assert judge_licences({"tool": "GPL-4.0"}, POLICY)[0] == "tool: GPL-4.0"


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"allowed": []},
        {"allowed": [], "spelling": {}, "accepted": {"x": {"licence": "y", "reason": " "}}},
    ],
)
def test_a_policy_without_reasons_is_refused(document: Any) -> None:
    with pytest.raises(PolicyError):
        read_policy(document)


def test_a_credential_in_a_file_is_found_and_never_shown(tmp_path: Path) -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "left.txt").write_text(key)
    (tmp_path / "a.py").write_text(f"x = 1\nkey = '{key}'\n")

    (leak,) = find_secrets(source_files(tmp_path))

    assert (leak.line, leak.kind) == (2, "AWS Access Key")
    assert key not in str(leak)


def test_what_is_installed_or_made_is_not_source(tmp_path: Path) -> None:
    for made in (".venv-of-a-tool", "build", "node_modules", ".mypy_cache"):
        (tmp_path / made).mkdir()
        (tmp_path / made / "left.txt").write_text("not ours")
    (tmp_path / ".venv-of-a-tool" / "pyvenv.cfg").write_text("")
    (tmp_path / "a.py").write_text("ours")

    assert list(source_files(tmp_path)) == [tmp_path / "a.py"]


def test_leaks_are_judged_by_written_exceptions() -> None:
    entry = {"file": "a.py", "kind": "AWS Access Key", "reason": "an example"}
    leak = Leak("a.py", 2, "AWS Access Key")

    assert judge_leaks([leak], {"exceptions": [entry]}) == []
    assert judge_leaks([leak], {"exceptions": []}) == ["a.py:2: AWS Access Key"]
    (idle,) = judge_leaks([], {"exceptions": [entry]})
    assert "take the exception out" in idle
    for malformed in (None, {"exceptions": [{**entry, "reason": ""}]}, {"exceptions": ["a"]}):
        with pytest.raises(ValueError, match="must be a list"):
            judge_leaks([], malformed)


def test_provenance_names_image_commit_and_base_by_digest() -> None:
    statement = provenance(
        ImageBuild(
            repository="registry.example/api",
            digest="sha256:" + "b" * 64,
            source="https://example.com/r",
            commit="c0ffee",
            base=BASE,
            requirements_sha256="1" * 64,
            bill_sha256="2" * 64,
            builder="arn:aws:codebuild:x",
            invocation="arn:aws:codebuild:y",
            started="2026-01-01T00:00:00+00:00",
            finished="2026-01-01T00:05:00+00:00",
        )
    )

    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"] == [
        {"name": "registry.example/api", "digest": {"sha256": "b" * 64}}
    ]
    definition = statement["predicate"]["buildDefinition"]
    assert {next(iter(each["digest"].values())) for each in definition["resolvedDependencies"]} == {
        "c0ffee",
        "a" * 64,
        "1" * 64,
    }
    assert statement["predicate"]["runDetails"]["builder"] == {"id": "arn:aws:codebuild:x"}


# --- The repository itself -----------------------------------------------------------------------


def lint(dockerfile: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "hadolint"
    return subprocess.run([program, dockerfile], capture_output=True, text=True, check=False)


def test_the_recipe_of_the_image_passes_its_linter(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nRUN cd /tmp && apt-get install curl\n")

    assert lint(ROOT / "service" / "Dockerfile").returncode == 0
    assert "DL3007" in lint(bad).stdout


def test_the_image_runs_without_rights_and_without_a_shell() -> None:
    lines = (ROOT / "service" / "Dockerfile").read_text().splitlines()
    last = lines[lines.index("FROM scratch AS runtime") :]
    script = (ROOT / "pipelines" / "build-image.sh").read_text()

    assert "USER 10001:10001" in last
    assert not [line for line in last if line.startswith("RUN")]
    for flag in ("--read-only", "--cap-drop ALL", "no-new-privileges", "sh -c true"):
        assert flag in script


def test_what_an_image_is_tried_with_is_a_sound_configuration() -> None:
    lines = (ROOT / "service" / "smoke.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert load_settings(values).release == "smoke"


@pytest.mark.parametrize("verb", ["licences", "base-image"])
def test_the_repository_passes(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(cli, [verb])

    assert done.exit_code == 0, done.output


def test_bills_are_written_by_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "status").write_text(DPKG)
    for name, options in (
        ("repository", []),
        ("image", ["--image", "api", "--dpkg-status", str(tmp_path / "status")]),
    ):
        out = tmp_path / f"{name}.json"
        done = CliRunner().invoke(cli, ["sbom", "--version", "1", "--out", str(out), *options])
        assert done.exit_code == 0, done.output
        assert len(valid(out.read_text())["components"]) > 30


def test_files_of_the_policy_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"allowed": []}))
    for verb, option in (("licences", "--policy"), ("secret-scan", "--exceptions")):
        done = CliRunner().invoke(cli, [verb, option, str(tmp_path / "p.yaml")])
        assert done.exit_code == 1
