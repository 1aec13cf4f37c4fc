"""What a stack would cost a month, and how much more than at another commit of the repository."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from delivery.cost import difference, estimate
from delivery.cost.report import difference_text, estimate_text
from localcloud.failure import LocalCloudError
from localcloud.paths import CHECKOUT
from localcloud.progress import console, step
from localcloud.stack import preview_stack

if TYPE_CHECKING:
    from delivery.cost import Estimate
    from localcloud.stack import Stack

# What a program needs of a commit besides its own directory.
PARTS = ("platform", "service/budgetbuddy", "Pulumi.yaml")


def print_cost(name: str, *, since: str | None) -> None:
    """Estimate stack `name` of the working copy and its difference from commit `since`.

    Without one: from the last commit, or from the one before where nothing has changed since.
    """
    commit = since or _last_commit()
    now = _priced(preview_stack(name), f"Previewing {name}")
    with tempfile.TemporaryDirectory() as directory:
        before = _priced(_stack_at(commit, name, Path(directory)), f"Previewing {name} at {commit}")
    console.print(estimate_text(now, stack=name), markup=False, highlight=False, soft_wrap=True)
    text = difference_text(difference(before, now), since=commit)
    console.print(f"\n{text}", markup=False, highlight=False, soft_wrap=True)
    if now.unknown:
        raise LocalCloudError(
            f"{len(now.unknown)} types have no entry in the table of prices.",
            why="they are named above; the estimate is too low by them",
            remedy="add them to pipelines/delivery/cost/prices.yaml",
        )


def _priced(stack: Stack, doing: str) -> Estimate:
    with step(doing):
        stack.prepare(stack.program.sample)
        return estimate(stack.plan())


def _stack_at(commit: str, name: str, directory: Path) -> Stack:
    """The same stack with the program and stack file of a commit, in a directory of its own."""
    checkout = directory / "checkout"
    archive = _git("archive", commit, *PARTS, f"Pulumi.{name}.yaml")
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(checkout, filter="data")
    (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
    return replace(preview_stack(name), checkout=checkout, directory=directory / "state")


def _last_commit() -> str:
    """HEAD where the working copy differs from it, else the commit before."""
    changed = _git("status", "--porcelain", "--", "platform", "service", "Pulumi.*yaml").strip()
    return "HEAD" if changed else "HEAD~1"


def _git(*arguments: str) -> bytes:
    """What git answers. Raises `LocalCloudError` with its words."""
    done = subprocess.run(  # noqa: S603 - git, arguments as a list
        ["git", *arguments],  # noqa: S607 - the user's git
        cwd=CHECKOUT,
        env=os.environ | {"LC_ALL": "C"},
        check=False,
        capture_output=True,
    )
    if done.returncode:
        raise LocalCloudError(
            f"git {arguments[0]} failed.",
            why=done.stderr.decode(errors="replace").strip(),
            remedy="name a commit that has this stack: python -m localcloud cost STACK --since …",
        )
    return done.stdout
