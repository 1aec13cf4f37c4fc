from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from localcloud.engine import acquire
from localcloud.engine.acquire import VERSION, acquire_engine
from localcloud.failure import LocalCloudError

if TYPE_CHECKING:
    from pathlib import Path

# Builds a CLI as `go build -o FILE` does, and names a module directory as `go list` does.
GO = """\
case "$1" in
build) while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho v{version}\\n' > "$2"; chmod +x "$2" ;;
list) echo "{sdk}" ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH; what fake programs need lies elsewhere."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def executable(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")
    path.chmod(0o755)
    return path


def install(directory: Path, version: str) -> Path:
    """A complete installation: CLI with its Python language host beside it."""
    executable(directory / "pulumi-language-python", "exit 0")
    return executable(directory / "pulumi", f"echo v{version}")


def cached(cache: Path) -> Path:
    """Where a build of the pinned module is kept, made by asking for one."""
    [directory] = (cache / "engine").iterdir()
    return directory


def fake_go(programs: Path, tmp_path: Path) -> None:
    sdk = tmp_path / "sdk"
    executable(sdk / "python" / "cmd" / "pulumi-language-python-exec", "exit 0")
    executable(programs / "go", GO.format(version=VERSION, sdk=sdk))


def reasons(cache: Path) -> LocalCloudError:
    with pytest.raises(LocalCloudError) as caught:
        acquire_engine(cache)
    return caught.value


@pytest.mark.usefixtures("programs")
def test_a_bare_machine_is_told_every_way_why_it_fails_and_what_to_install(cache: Path) -> None:
    error = reasons(cache)

    assert VERSION in error.what
    assert error.why.split("; ") == [
        "pulumi on PATH: there is none",
        "earlier build or installation in the cache: there is none yet",
        "official installer: curl is not installed",
        "Go module: go is not installed",
    ]
    assert "Pulumi" in error.remedy
    assert "Go ≥ 1.25" in error.remedy
    assert "make setup" in error.remedy


def test_an_old_cli_on_path_is_refused_by_its_version(programs: Path, cache: Path) -> None:
    install(programs, "3.99.0")

    assert f"pulumi is 3.99.0, older than {VERSION}" in reasons(cache).why


@pytest.mark.parametrize("version", [VERSION, "3.1000.0", "4.0.0"])
def test_a_new_enough_cli_on_path_is_taken(programs: Path, cache: Path, version: str) -> None:
    cli = install(programs, version)

    engine = acquire_engine(cache)

    assert (engine.cli, engine.version, engine.exec_script) == (cli, version, None)
    assert "on PATH" in engine.origin


def test_a_cli_on_path_that_no_machine_can_run_is_no_dead_end(programs: Path, cache: Path) -> None:
    broken = programs / "pulumi"
    broken.write_bytes(b"\x7fELF of some other machine")
    broken.chmod(0o755)

    assert f"pulumi on PATH: {broken} cannot be run" in reasons(cache).why


def test_a_cli_on_path_without_any_language_host_is_passed_over(
    programs: Path, cache: Path
) -> None:
    executable(programs / "pulumi", f"echo v{VERSION}")

    assert "has no pulumi-language-python beside it" in reasons(cache).why


def test_an_installer_that_is_offline_leaves_it_to_go(
    programs: Path, cache: Path, tmp_path: Path
) -> None:
    executable(programs / "curl", "echo 'curl: (6) Could not resolve host' >&2; exit 6")
    fake_go(programs, tmp_path)

    engine = acquire_engine(cache)

    assert engine.origin == "built from its Go module"
    assert engine.cli.is_file()
    assert engine.exec_script is not None
    assert engine.exec_script.is_file()


def test_the_reason_of_an_offline_installer_is_told(programs: Path, cache: Path) -> None:
    executable(programs / "curl", "echo 'curl: (6) Could not resolve host' >&2; exit 6")

    assert "official installer: `curl` failed: curl: (6) Could not resolve host" in (
        reasons(cache).why
    )


def test_a_build_is_made_once_and_then_found_in_the_cache(
    programs: Path, cache: Path, tmp_path: Path
) -> None:
    fake_go(programs, tmp_path)
    built = acquire_engine(cache)
    (programs / "go").unlink()

    again = acquire_engine(cache)

    assert again.cli == built.cli
    assert again.exec_script == built.exec_script
    assert "cached" in again.origin


def test_a_failed_build_leaves_nothing_half_made(programs: Path, cache: Path) -> None:
    executable(programs / "go", 'echo "no space left on device" >&2; exit 1')

    assert "Go module: `go` failed: no space left on device" in reasons(cache).why
    assert list(cached(cache).iterdir()) == []


def test_a_broken_installation_in_the_cache_does_not_hide_a_good_build(
    programs: Path, cache: Path, tmp_path: Path
) -> None:
    fake_go(programs, tmp_path)
    built = acquire_engine(cache)
    executable(cached(cache) / "installed" / "bin" / "pulumi", "exit 1")
    (programs / "go").unlink()

    assert acquire_engine(cache).cli == built.cli


def test_the_official_installer_is_run_with_version_and_place(
    programs: Path, cache: Path, tmp_path: Path
) -> None:
    # As the real one: takes options, writes bin/ under the given root.
    script = executable(
        tmp_path / "install.sh",
        '[ "$1 $3" = "--version --install-root" ] || exit 9\n'
        'mkdir -p "$4/bin"; for file in pulumi pulumi-language-python; do\n'
        '    printf "#!/bin/sh\\necho v$2\\n" > "$4/bin/$file"; chmod +x "$4/bin/$file"; done',
    )
    executable(programs / "curl", f'while [ "$1" != --output ]; do shift; done; cp "{script}" "$2"')
    (programs / "sh").symlink_to(shutil.which("sh", path="/bin:/usr/bin") or "")

    engine = acquire_engine(cache)

    assert engine.version == VERSION
    assert engine.exec_script is None
    assert engine.origin == "official installer, cached"


def test_the_pinned_version_is_the_one_of_the_python_sdk_and_of_the_go_module() -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{VERSION}" in (acquire.MODULE / "go.mod").read_text()
    lock = acquire.MODULE.parents[3] / "requirements" / "development.txt"
    assert f"pulumi=={VERSION}" in lock.read_text()
