"""Turns the last preview of a stack into its evidence bundle, by the policies' own command line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from localcloud.paths import CHECKOUT, shown
from localcloud.progress import console

if TYPE_CHECKING:
    from localcloud.stack import Stack


def write_evidence(stack: Stack) -> int:
    """Write the bundle beside the events; the code is 0 clean, 1 violations, 2 unusable."""
    events = stack.evidence / "events.jsonl"
    command = [sys.executable, "-P", "-m", "guardrails", "evidence", str(events)]
    done = subprocess.run(  # noqa: S603 - this interpreter, arguments as a list
        [*command, "--out", str(stack.evidence)],
        cwd=CHECKOUT,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        console.print(f"  evidence: {shown(stack.evidence)}/index.html")
    else:
        console.print((done.stdout + done.stderr).strip(), markup=False)
    return done.returncode
