"""How the Pulumi CLI is had: on PATH, by the official installer, or built from its Go module.

The first way that works is taken. A build is kept in the user's cache under the hash of `go.sum`,
so a second checkout costs nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.failure import LocalCloudError
from localcloud.paths import cache_directory
from localcloud.progress import step

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "3.259.0"  # moves together with `pulumi` in requirements/development.in
MODULE = Path(__file__).parent / "cli"
INSTALLER = "https://get.pulumi.com"

# An offline machine must learn quickly that it is offline.
CONNECT_SECONDS = 5
INSTALL_SECONDS = 300
GO_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
GO_SDK = "github.com/pulumi/pulumi/sdk/v3"
GO_VERSION_FLAG = "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version="


@dataclass(frozen=True)
class Engine:
    """A usable Pulumi CLI. `exec_script` is None where it brings its own Python language host."""

    cli: Path
    version: str
    origin: str
    exec_script: Path | None


class UnavailableError(Exception):
    """One way of getting the CLI does not work on this machine; the message says why."""


def acquire_engine(cache: Path | None = None) -> Engine:
    """The first CLI that can be had. Raises `LocalCloudError` with the reason for every way."""
    ways: tuple[tuple[str, Callable[[Path], Engine]], ...] = (
        ("pulumi on PATH", _from_path),
        ("earlier build or installation in the cache", _from_cache),
        ("official installer", _from_installer),
        ("Go module", _from_go),
    )
    target = (cache or cache_directory()) / "engine" / _build_key()
    reasons: list[str] = []
    for name, way in ways:
        try:
            return way(target)
        except UnavailableError as reason:
            reasons.append(f"{name}: {reason}")
    raise LocalCloudError(
        f"No Pulumi CLI ≥ {VERSION} can be had on this machine.",
        why="; ".join(reasons),
        remedy=(
            f"install Pulumi {VERSION} (https://www.pulumi.com/docs/install/) or Go ≥ 1.25 "
            "(https://go.dev/doc/install), then run `make setup` again"
        ),
    )


def _from_path(target: Path) -> Engine:
    found = shutil.which("pulumi")
    if found is None:
        raise UnavailableError("there is none")
    version = _version_of(Path(found))
    if _ordered(version) < _ordered(VERSION):
        raise UnavailableError(f"{found} is {version}, older than {VERSION}")
    return _with_language_host(Path(found), version, f"{found} on PATH", target)


def _from_cache(target: Path) -> Engine:
    broken: list[str] = []
    for cli, origin in (
        (target / "installed" / "bin" / "pulumi", "official installer, cached"),
        (target / "pulumi", "built from its Go module, cached"),
    ):
        if cli.is_file():
            try:
                return _with_language_host(cli, _version_of(cli), origin, target)
            except UnavailableError as reason:
                broken.append(str(reason))
    raise UnavailableError("; ".join(broken) or "there is none yet")


def _from_installer(target: Path) -> Engine:
    curl = shutil.which("curl")
    if curl is None:
        raise UnavailableError("curl is not installed")
    root = target / "installed"
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "install.sh"
        fetch = [curl, "--fail", "--silent", "--show-error", "--location"]
        fetch += ["--connect-timeout", str(CONNECT_SECONDS), "--max-time", "30"]
        _run([*fetch, "--output", str(script), INSTALLER], timeout=40)
        with step(f"Installing Pulumi {VERSION} with the official installer"):
            options = ["--version", VERSION, "--install-root", str(root), "--no-edit-path"]
            _run(["sh", str(script), *options], timeout=INSTALL_SECONDS)
    return _from_cache(target)


def _from_go(target: Path) -> Engine:
    go = shutil.which("go")
    if go is None:
        raise UnavailableError("go is not installed")
    target.mkdir(parents=True, exist_ok=True)
    # Built beside its final place and renamed, so an interrupted build leaves nothing half-made.
    half_made = target / f"pulumi.{os.getpid()}"
    flags = ["-trimpath", "-mod=readonly", "-ldflags", f"-s -w {GO_VERSION_FLAG}{VERSION}"]
    try:
        with step(
            f"Building Pulumi {VERSION} from its Go module", expected="about 4 min on 2 cores"
        ):
            _run([go, "build", *flags, "-o", str(half_made), GO_PACKAGE], cwd=MODULE)
        script = target / "pulumi-language-python-exec"
        sdk = _run([go, "list", "-m", "-f", "{{.Dir}}", GO_SDK], cwd=MODULE)
        shutil.copyfile(Path(sdk.strip()) / "python" / "cmd" / script.name, script)
        half_made.rename(target / "pulumi")
    finally:
        half_made.unlink(missing_ok=True)
    return Engine(target / "pulumi", VERSION, "built from its Go module", script)


def _with_language_host(cli: Path, version: str, origin: str, target: Path) -> Engine:
    """Pair `cli` with the language host beside it, or with ours where it has none."""
    if (cli.resolve().parent / "pulumi-language-python").is_file():
        return Engine(cli, version, origin, None)
    script = target / "pulumi-language-python-exec"
    if not script.is_file():
        raise UnavailableError(f"{cli} has no pulumi-language-python beside it")
    return Engine(cli, version, origin, script)


def _build_key() -> str:
    """Names a build by everything that decides it."""
    return hashlib.sha256((MODULE / "go.sum").read_bytes()).hexdigest()[:16]


def _version_of(cli: Path) -> str:
    return _run([str(cli), "version"], timeout=30).strip().removeprefix("v")


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version)[:3])


def _run(command: list[str], *, cwd: Path | None = None, timeout: int | None = None) -> str:
    """What `command` prints. Raises `UnavailableError` with the last line of a failure."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, arguments as a list
            command,
            cwd=cwd,
            env=environment,
            timeout=timeout,
            check=True,
            capture_output=True,
            text=True,
        )
    except OSError as exc:  # no program for this machine
        raise UnavailableError(f"{command[0]} cannot be run: {exc.strerror}") from exc
    except subprocess.TimeoutExpired as exc:
        raise UnavailableError(f"`{Path(command[0]).name}` took longer than {timeout} s") from exc
    except subprocess.CalledProcessError as exc:
        lines = (exc.stderr or exc.stdout).strip().splitlines() or [f"exit code {exc.returncode}"]
        raise UnavailableError(f"`{Path(command[0]).name}` failed: {lines[-1]}") from exc
    return done.stdout
