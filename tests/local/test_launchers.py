from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from localcloud.engine import environment, launchers
from localcloud.engine.acquire import VERSION, Engine
from localcloud.engine.environment import Backend, engine_environment
from localcloud.engine.launchers import write_launchers
from localcloud.failure import LocalCloudError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `build/engine` of this test's own."""
    directory = tmp_path / "build"
    monkeypatch.setattr(launchers, "BIN", directory / "bin")
    monkeypatch.setattr(launchers, "STAND_INS", directory / "stand-ins")
    monkeypatch.setattr(environment, "BIN", directory / "bin")
    monkeypatch.setattr(environment, "STAND_INS", directory / "stand-ins")
    return directory


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(directory=tmp_path / "state", passphrase_file=tmp_path / "private" / "phrase")


@pytest.fixture
def built(tmp_path: Path) -> Engine:
    """A CLI without a language host of its own."""
    cli = tmp_path / "cache" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(f"#!/bin/sh\necho v{VERSION}\n")
    cli.chmod(0o755)
    script = tmp_path / "cache" / "pulumi-language-python-exec"
    script.touch()
    return Engine(cli, VERSION, "built", script)


@pytest.mark.usefixtures("build")
def test_without_an_engine_the_reader_is_sent_to_make_setup(backend: Backend) -> None:
    with pytest.raises(LocalCloudError) as caught:
        engine_environment(backend, stand_ins=True)

    assert caught.value.what == "The Pulumi engine is not set up."
    assert caught.value.remedy == "make setup"


@pytest.mark.usefixtures("build")
def test_an_engine_whose_target_is_gone_counts_as_missing(backend: Backend, built: Engine) -> None:
    write_launchers(Engine(built.cli, VERSION, "on PATH", None))
    built.cli.unlink()

    with pytest.raises(LocalCloudError, match="not set up"):
        engine_environment(backend, stand_ins=True)


def test_a_built_cli_gets_our_language_host_beside_it(build: Path, built: Engine) -> None:
    write_launchers(built)

    assert not (build / "bin" / "pulumi").is_symlink()
    assert printed(build / "bin" / "pulumi") == f"v{VERSION}\n"
    assert "--exec-script" in printed(build / "bin" / "pulumi-language-python", "--help")


def test_a_complete_installation_is_used_where_it_is_and_ours_makes_way(
    build: Path, built: Engine
) -> None:
    write_launchers(built)

    write_launchers(Engine(built.cli, VERSION, "on PATH", None))

    assert (build / "bin" / "pulumi").resolve() == built.cli
    assert not (build / "bin" / "pulumi-language-python").exists()


@pytest.mark.parametrize("has_host", [True, False])
def test_writing_the_launchers_twice_changes_nothing(
    build: Path, built: Engine, *, has_host: bool
) -> None:
    engine = Engine(built.cli, VERSION, "once", None if has_host else built.exec_script)
    write_launchers(engine)
    before = sorted((path, path.stat().st_mode) for path in build.rglob("*"))

    write_launchers(engine)

    assert sorted((path, path.stat().st_mode) for path in build.rglob("*")) == before


def test_only_its_owner_may_read_the_passphrase(backend: Backend) -> None:
    backend.prepare()

    assert stat.S_IMODE(backend.passphrase_file.stat().st_mode) == 0o600
    assert len(backend.passphrase_file.read_text()) >= 32


def test_a_passphrase_is_made_once(backend: Backend) -> None:
    backend.prepare()
    first = backend.passphrase_file.read_text()

    backend.prepare()

    assert backend.passphrase_file.read_text() == first


@pytest.mark.usefixtures("build")
def test_stand_ins_come_first_and_no_ambient_passphrase_wins(
    backend: Backend, built: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of some other project")
    write_launchers(built)

    variables = engine_environment(backend, stand_ins=True)

    assert variables["PATH"].split(os.pathsep)[:2] == [
        str(launchers.STAND_INS),
        str(launchers.BIN),
    ]
    assert "PULUMI_CONFIG_PASSPHRASE" not in variables
    assert variables["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(backend.passphrase_file)


@pytest.mark.usefixtures("build")
def test_real_providers_are_looked_for_in_the_users_own_home(
    backend: Backend, built: Engine
) -> None:
    write_launchers(built)

    variables = engine_environment(backend, stand_ins=False)

    assert variables.get("PULUMI_HOME") == os.environ.get("PULUMI_HOME")
    assert str(launchers.STAND_INS) not in variables["PATH"].split(os.pathsep)


def test_real_providers_count_only_at_the_pinned_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    for plugin in environment.PLUGINS:
        (tmp_path / "plugins" / plugin).mkdir(parents=True)
    assert environment.has_real_plugins()

    (tmp_path / "plugins" / environment.PLUGINS[0]).rename(tmp_path / "plugins" / "other")

    assert not environment.has_real_plugins()


def printed(program: Path, *arguments: str) -> str:
    done = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
    return done.stdout
