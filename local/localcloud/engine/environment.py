"""The environment a `pulumi` process runs in: which engine, which providers, which state."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from localcloud.engine.launchers import BIN, STAND_INS
from localcloud.failure import LocalCloudError
from localcloud.paths import ENGINE, SCRIPTS, shown

# Pinned in requirements/development.in; a plugin of another version is not the one that was tested.
PLUGINS = ("resource-aws-v7.51.1", "resource-awsx-v3.11.0")


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A file backend: where the state lies and which file holds its passphrase."""

    directory: Path
    passphrase_file: Path

    def prepare(self) -> None:
        """Make the directory, and a random passphrase where there is none."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self.passphrase_file.exists():
            self.passphrase_file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.passphrase_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(os.urandom(32).hex())


def has_real_plugins() -> bool:
    """Whether the user's Pulumi home holds the real AWS providers at the pinned versions."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return all((home / "plugins" / plugin).is_dir() for plugin in PLUGINS)


def engine_environment(backend: Backend, *, stand_ins: bool) -> dict[str, str]:
    """Variables for a `pulumi` process. Raises `LocalCloudError` before `make setup` has run."""
    if not (BIN / "pulumi").exists():
        raise LocalCloudError(
            "The Pulumi engine is not set up.",
            why=f"{shown(BIN)}/pulumi does not exist or its target is gone",
            remedy="make setup",
        )
    path = [str(BIN), str(SCRIPTS), os.environ.get("PATH", os.defpath)]
    variables = {
        "PULUMI_BACKEND_URL": backend.directory.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(backend.passphrase_file),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if stand_ins:
        path.insert(0, str(STAND_INS))
        variables |= {
            "PULUMI_HOME": str(ENGINE / "home"),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "false",
            "LOCALCLOUD_PROVIDER_LOG": str(ENGINE / "stand-ins.log"),
        }
    environment = os.environ | variables | {"PATH": os.pathsep.join(path)}
    # A passphrase in the environment would win over the file that belongs to this backend.
    environment.pop("PULUMI_CONFIG_PASSPHRASE", None)
    return environment


def pulumi() -> str:
    """Path of the CLI that `make setup` laid under `build/engine`."""
    return str(BIN / "pulumi")


def describe_providers(*, stand_ins: bool) -> str:
    """One line for people: what answers for AWS in this run."""
    if stand_ins:
        return "AWS providers: local stand-ins (not AWS; docs/adr/0010)"
    return "AWS providers: the real plugins of " + str(shutil.which("pulumi") or "your Pulumi home")
