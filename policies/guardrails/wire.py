"""The engine's wire format of property values, taken apart once for all controls."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from guardrails.values import REDACTED, UNKNOWN_KINDS

# sdk/go/common/resource/properties.go: the key that marks a special object, and its kinds.
SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type signature
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWN_STRING: Final = next(s for s, kind in UNKNOWN_KINDS.items() if kind == "string")


@dataclass
class Properties:
    """Plain values and the paths at which the program marked a secret."""

    values: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)


def plain(raw: dict[str, Any]) -> Properties:
    """Unwrap secrets, outputs, references and assets below `raw`; remember where secrets were.

    Secrets that are still encrypted (an exported state without its passphrase) become
    `[secret]`, which reads as unknown. Assets become a small object that says only what they are.
    """
    result = Properties()
    result.values = {key: _plain(value, key, result.secrets) for key, value in raw.items()}
    return result


def _plain(value: Any, path: str, secrets: set[str]) -> Any:
    if isinstance(value, list):
        return [_plain(child, f"{path}.{i}", secrets) for i, child in enumerate(value)]
    if not isinstance(value, dict):
        return value
    signature = value.get(SIGNATURE_KEY)
    if signature is None:
        return {key: _plain(child, f"{path}.{key}", secrets) for key, child in value.items()}
    if signature in (SECRET, OUTPUT):
        if signature == SECRET or value.get("secret"):
            secrets.add(path)
        content = _revealed(value) if signature == SECRET else value.get("value", UNKNOWN_STRING)
        return _plain(content, path, secrets)
    if signature in (ASSET, ARCHIVE):
        return {"$asset": "archive" if signature == ARCHIVE else "asset"}
    # Not a reference either: a kind newer than this package is undecidable, not absent.
    return (value.get("id") if signature == REFERENCE else None) or UNKNOWN_STRING


def _revealed(secret: dict[str, Any]) -> Any:
    """The content of a secret: as the engine sends it, as an export shows it, or `[secret]`."""
    if "plaintext" in secret:  # pulumi stack export --show-secrets: JSON inside a string
        try:
            return json.loads(secret["plaintext"])
        except (TypeError, ValueError):
            return REDACTED
    return secret.get("value", REDACTED)
