"""What the repository promises about itself: targets, locks, names of files."""

from __future__ import annotations

import platform
import re
import subprocess
import sysconfig
from pathlib import Path

from localcloud.paths import CHECKOUT

# The stable commands; others rely on them.
STABLE = {
    "help",
    "setup",
    "up",
    "down",
    "status",
    "test",
    "preview",
    "evidence",
    "lint",
    "types",
    "pr",
}

MAKEFILE = (CHECKOUT / "Makefile").read_text()


def targets() -> set[str]:
    """Targets of the Makefile that are commands, not files."""
    return set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE))


def found(*patterns: str) -> list[Path]:
    """Files of the checkout, without what is built in it."""
    return sorted(path for pattern in patterns for path in CHECKOUT.glob(pattern))


def test_every_target_is_documented_by_make_help() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )

    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout)
    assert {line.split()[0] for line in plain.splitlines()} == targets()


def test_the_stable_targets_exist_and_are_no_files() -> None:
    phony = {
        name
        for line in re.findall(r"^\.PHONY:(.*)$", MAKEFILE, re.MULTILINE)
        for name in line.split()
    }

    assert targets() >= STABLE
    assert phony == targets()


def test_help_is_what_make_alone_shows() -> None:
    assert ".DEFAULT_GOAL := help" in MAKEFILE


def test_locks_pin_by_hash_and_name_no_host() -> None:
    locks = [
        path
        for path in found("requirements/*.txt", "service/*.txt", "local/**/*.txt")
        if "--hash=sha256:" in path.read_text()
    ]

    assert {path.name for path in locks} >= {"development.txt", "requirements.txt"}
    for lock in locks:
        names_of_packages = r"^[a-z0-9-]*http[a-z0-9-]*(?===)|^ +#( via|   )[^:]*$"
        rest = re.sub(names_of_packages, "", lock.read_text(), flags=re.MULTILINE)
        assert "http" not in rest, lock
        assert "--index" not in rest, lock
        assert "--find-links" not in rest, lock


def test_every_environment_of_the_makefile_has_a_lock_with_hashes() -> None:
    named = set(re.findall(r"\S+requirements\S*\.txt|requirements/\S+\.txt", MAKEFILE))

    assert named
    for name in named:
        assert "--hash=sha256:" in (CHECKOUT / name).read_text(), name


def test_the_standard_library_keeps_the_name_platform() -> None:
    assert not (CHECKOUT / "platform" / "__init__.py").exists()
    assert platform.__file__ is not None
    assert Path(platform.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_every_file_with_tests_is_collected_by_its_name() -> None:
    with_tests = {
        path
        for path in found("tests/**/*.py")
        if re.search(r"^(async )?def test_", path.read_text(), re.MULTILINE)
    }

    assert Path(__file__) in with_tests
    assert [path for path in with_tests if not path.name.startswith("test_")] == []


def test_the_shell_scripts_are_sound() -> None:
    for script in found("local/*.sh", ".ci/*"):
        subprocess.run(["sh", "-n", str(script)], check=True)
        assert "set -eu" in script.read_text(), script
