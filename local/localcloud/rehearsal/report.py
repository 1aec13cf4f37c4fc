"""What a rehearsal found, as a file: for whoever was not there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.rehearsal.stages import Execution


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The good release, and what came of the requests while it was made."""

    good: Execution
    requests: int
    failed: int

    def write(self, file: Path, bad: Execution, serves: str) -> None:
        """As JSON; `serves` is the digest that answers in the end."""
        document = {
            "load": {"requests": self.requests, "failed": self.failed},
            "good": described(self.good),
            "bad": described(bad),
            "serves": serves,
        }
        file.write_text(json.dumps(document, indent=2) + "\n")


def described(run: Execution) -> dict[str, Any]:
    """One execution: its stages with their seconds, its digest and how it ended."""
    exported = run.namespaces
    return {
        "commit": run.commit,
        "stopped_at": run.stopped_at,
        "stages": {each.name: each.seconds for each in run.stages},
        "digest": exported.get("Build", {}).get("IMAGE_DIGEST", ""),
        "summary": exported.get("Preview", {}).get("SUMMARY", ""),
        "result": exported.get("Verify", {}).get("RESULT", ""),
        "calls": {each.name: list(each.build.calls) for each in run.stages if each.build},
    }
