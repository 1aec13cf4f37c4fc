"""Small executables the engine looks for on PATH, written for this checkout and its interpreter."""

from __future__ import annotations

import filecmp
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

from localcloud.paths import ENGINE

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.engine.acquire import Engine

BIN = ENGINE / "bin"
STAND_INS = ENGINE / "stand-ins"

# The engine reads a plugin's version from nowhere else when it is found on PATH.
STAND_IN_MODULES = {
    "pulumi-resource-aws": "localcloud.providers.aws",
    "pulumi-resource-awsx": "localcloud.providers.awsx",
}


def write_launchers(engine: Engine) -> None:
    """Lay `pulumi`, our language host if needed and the stand-in providers under `build/engine`."""
    if engine.exec_script is None:
        # A complete installation stays where it is; its language host lies beside it.
        # Ours, from an earlier set-up, must go: the engine would take it from PATH.
        (BIN / "pulumi").unlink(missing_ok=True)
        (BIN / "pulumi-language-python").unlink(missing_ok=True)
        BIN.mkdir(parents=True, exist_ok=True)
        (BIN / "pulumi").symlink_to(engine.cli)
    else:
        _place(BIN / "pulumi", engine.cli)
        arguments = ["--exec-script", str(engine.exec_script)]
        _launcher(BIN / "pulumi-language-python", "localcloud.engine.language_host", arguments)
    for name, module in STAND_IN_MODULES.items():
        _launcher(STAND_INS / name, module, [])


def _launcher(path: Path, module: str, arguments: list[str]) -> None:
    # -P keeps the program's directory, which holds a folder named `platform`, off the host's path.
    command = shlex.join([sys.executable, "-P", "-m", module, *arguments])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


def _place(path: Path, original: Path) -> None:
    """Put `original` at `path` as a file of its own: the language host must lie beside it.

    A symbolic link would be followed, and the host then taken from PATH with a warning each time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_symlink() and filecmp.cmp(path, original, shallow=True):
        return
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(original)
    except OSError:  # another file system
        shutil.copy2(original, path)
