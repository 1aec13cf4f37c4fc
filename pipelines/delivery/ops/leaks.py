"""Secrets in files: what has the form of a credential that somebody issues.

The detectors are those of detect-secrets. The ones that guess from names and randomness stay off:
tests are full of both. What only looks like a credential stands in a file, with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DETECTORS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SoftlayerDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
SETTINGS = {
    "plugins_used": [{"name": name} for name in DETECTORS],
    "filters_used": [],
}
# What tools write beside the source, and what git keeps of it.
NO_SOURCE = frozenset({".git", ".seams", "build", "node_modules", "__pycache__"})
ENVIRONMENT = "pyvenv.cfg"  # stands at the root of every virtual environment

FIELDS = frozenset({"file", "kind", "reason"})


@dataclass(frozen=True, order=True)
class Leak:
    """One line of one file, and what it looks like."""

    file: str
    line: int
    kind: str


def source_files(root: Path) -> Iterator[Path]:
    """Files below `root` that are source: environments, caches and what is built are left out."""
    for path in sorted(root.iterdir()):
        if path.name in NO_SOURCE or path.name.endswith("_cache") or path.is_symlink():
            continue
        if path.is_dir():
            if not (path / ENVIRONMENT).exists():
                yield from source_files(path)
        elif path.is_file():
            yield path


def find_secrets(files: Iterable[Path]) -> list[Leak]:
    """Where something looks like a credential; never the value."""
    found = SecretsCollection()
    with transient_settings(SETTINGS):
        for file in files:
            found.scan_file(str(file))
    return sorted(
        {Leak(Path(name).as_posix(), each.line_number, each.type) for name, each in found}
    )


def judge_leaks(leaks: Iterable[Leak], document: Any) -> list[str]:
    """What stands in the way, as words: leaks that no exception covers, and idle exceptions.

    `document` is the parsed file of exceptions. Raises ValueError for a malformed one.
    """
    entries = document.get("exceptions") if isinstance(document, dict) else None
    if not isinstance(entries, list) or any(
        not isinstance(each, dict) or set(each) != FIELDS or not all(each.values())
        for each in entries
    ):
        raise ValueError(f"exceptions must be a list of {', '.join(sorted(FIELDS))}")
    accepted = {(each["file"], each["kind"]) for each in entries}
    found = {(leak.file, leak.kind): leak for leak in leaks}
    new = [leak for key, leak in found.items() if key not in accepted]
    idle = sorted(accepted - set(found))
    return [
        *(f"{leak.file}:{leak.line}: {leak.kind}" for leak in new),
        *(f"{file}: nothing looks like {kind}; take the exception out" for file, kind in idle),
    ]
