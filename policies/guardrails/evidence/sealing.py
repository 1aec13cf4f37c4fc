"""Signing a bundle, and checking that nothing of it was changed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from guardrails.evidence import signature
from guardrails.evidence.bundle import MANIFEST, SEAL
from guardrails.sources.failure import UnusableInputError

if TYPE_CHECKING:
    from pathlib import Path


def make_key(path: Path) -> Path:
    """Write a new secret key to `path` and its public half beside it. Raises on an existing one."""
    try:
        return signature.write_key(signature.new_key(), path)
    except FileExistsError:
        raise UnusableInputError(
            f"{path} exists", "a key is never overwritten", "Name another file."
        ) from None
    except OSError as error:
        raise UnusableInputError(
            f"{path} cannot be written", error.strerror or "unknown reason", "Name another file."
        ) from None


def seal(directory: Path, key_file: Path) -> None:
    """Sign the manifest, which holds the hash of every other file."""
    try:
        key = signature.secret_key(key_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, signature.SignatureError) as error:
        raise _no_key(key_file, error) from None
    content = (directory / MANIFEST).read_bytes()
    moment = json.loads(content)["made"].get("started")
    comment = f"timestamp:{moment or 0}\tfile:{MANIFEST}\thashed"
    (directory / SEAL).write_text(key.sign(content, comment), encoding="utf-8")


def broken(directory: Path, key_file: Path | None) -> list[str]:
    """What does not fit in a bundle; empty when all does. Raises when there is no bundle."""
    found = []
    if key_file is not None:
        found += _broken_seal(directory, key_file)
    for name, expected in sorted(_listed(directory).items()):
        path = directory / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            found.append(f"{name} was changed")
    return found


def _listed(directory: Path) -> dict[str, str]:
    """File name to SHA-256. A name that leads out of the bundle is no bundle's."""
    try:
        files: Any = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))["files"]
        names = [str(name) for name in files]
        leaves = any(name.startswith("/") or ".." in name.split("/") for name in names)
        if not isinstance(files, dict) or not names or leaves:
            raise TypeError(MANIFEST)  # noqa: TRY301 - handled like every other malformed manifest
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableInputError(
            f"{directory} holds no bundle",
            f"its {MANIFEST} cannot be used: {type(error).__name__}",
            "Give the directory that `guardrails evidence --out` wrote.",
        ) from None
    return files


def _broken_seal(directory: Path, key_file: Path) -> list[str]:
    try:
        key = signature.public_key(key_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, signature.SignatureError) as error:
        raise _no_key(key_file, error) from None
    try:
        text = (directory / SEAL).read_text(encoding="utf-8")
        signature.verify((directory / MANIFEST).read_bytes(), text, key)
    except FileNotFoundError:
        return [f"{SEAL} is missing"]
    except (OSError, UnicodeDecodeError, signature.SignatureError) as error:
        return [f"{SEAL}: {error}"]
    return []


def _no_key(path: Path, error: Exception) -> UnusableInputError:
    why = str(error) if isinstance(error, signature.SignatureError) else type(error).__name__
    return UnusableInputError(
        f"{path} is no usable key", why, "`python -m guardrails key FILE` makes a pair."
    )
