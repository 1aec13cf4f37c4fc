"""The verdict journal: what the packs decided, one JSON object a line.

The engine's events name a policy as passed when it merely said nothing, so they are no evidence.
The pack process appends its own verdicts to the file named by `GUARDRAILS_JOURNAL`; several packs
may write to one file, because every line is one appending write and names its pack.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guardrails.verdicts import Record, Verdict

VARIABLE = "GUARDRAILS_JOURNAL"


class JournalError(Exception):
    """The file is no verdict journal; the message says which line."""


class Writer:
    """Appends to the journal, or does nothing when no path is configured."""

    def __init__(self, path: Path | None, pack: str) -> None:
        self._path = path
        self._pack = pack
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    @classmethod
    def from_environment(cls, pack: str) -> Writer:
        """The writer the running engine asked for."""
        configured = os.environ.get(VARIABLE)
        return cls(Path(configured) if configured else None, pack)

    def header(self, **content: Any) -> None:
        """Pack version, digest and SDK versions; written once when the pack starts."""
        self._append({"kind": "pack", **content})

    def verdict(self, record: Record) -> None:
        """One verdict."""
        self._append({"kind": "verdict", **vars(record)})

    def summary(self, **content: Any) -> None:
        """Counts at the end of the stack analysis; its absence makes a bundle incomplete."""
        self._append({"kind": "summary", **content})

    def _append(self, content: dict[str, Any]) -> None:
        if self._path is None:
            return
        line = json.dumps({"pack": self._pack, **content}, sort_keys=True) + "\n"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)


@dataclass
class Journal:
    """A journal that was read back."""

    packs: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)


def load(path: Path) -> Journal:
    """Read a journal. Raises `JournalError` naming the line that is not one of ours."""
    journal = Journal()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            content = json.loads(line)
            pack, kind = content.pop("pack"), content.pop("kind")
            if kind == "verdict":
                content["verdict"] = Verdict(content["verdict"])
                journal.records.append(Record(**content))
            elif kind == "pack":
                journal.packs[pack] = content
            elif kind == "summary":
                journal.summaries[pack] = content
            else:
                raise ValueError(kind)  # noqa: TRY301 - handled like every other malformed line
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise JournalError(f"line {number} is no journal entry") from error
    return journal
