"""A release and the way back: in which order the engine is asked, and what a failure leaves."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from delivery.ops.engine import EngineError
from delivery.ops.gate import is_digest
from delivery.ops.rollback import NoTargetError, find_target, refuse_infrastructure, releases
from delivery.ops.steps import RELEASE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from delivery.ops.engine import Engine
    from delivery.ops.steps import Plan


class RefusedError(Exception):
    """What was asked for is not what was approved. Nothing was changed."""


class ReleaseFailedError(Exception):
    """The deployment failed; the message says what serves now and what the state says."""


class Registry(Protocol):
    """The one repository images may come from."""

    def holds(self, digest: str) -> bool:
        """Whether the image is there."""


@dataclass(frozen=True, kw_only=True)
class Approved:
    """What may be deployed: an image and a commit, and whether the steps are the right ones.

    `refuses(plan)` is empty, or says why the plan is not what was approved. `record` is what Build
    wrote of the image; None where an operator deploys by hand.
    """

    digest: str
    release: str
    refuses: Callable[[Plan], str]
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A finished deployment; `previous` is what Verify goes back to, empty on the first one."""

    digest: str
    release: str
    previous: str
    seconds: float

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def expecting(steps_hash: str) -> Callable[[Plan], str]:
    """Approval of the one plan with this hash."""

    def refuses(plan: Plan) -> str:
        if plan.hash == steps_hash:
            return ""
        return f"what was approved ({steps_hash}) is not what would happen ({plan.hash})"

    return refuses


def check_approval(approved: Approved, registry: Registry) -> None:
    """Raises `RefusedError` for a tag, for another image than the built one, for a foreign one."""
    digest, record = approved.digest, approved.record
    if not is_digest(digest):
        raise RefusedError(f"{digest} is no image digest: sha256: and 64 hex digits")
    if record is not None and record.get("digest") != digest:
        raise RefusedError(
            f"{digest} is not the image that was built and judged ({record.get('digest')})"
        )
    if not registry.holds(digest):
        raise RefusedError(f"{digest} is not in the approved repository")


def deploy(engine: Engine, approved: Approved, registry: Registry, work: Path) -> Deployed:
    """Deploy what was approved and nothing else; events and plans go to the directory `work`.

    Raises `RefusedError` before anything changed, `ReleaseFailedError` after.
    """
    check_approval(approved, registry)
    started = time.monotonic()
    before = next(releases(engine.history()), None)
    engine.set_release(approved.digest, approved.release)
    plan = engine.preview(work / "preview.jsonl")
    if why := approved.refuses(plan):
        raise RefusedError(why)
    try:
        engine.up(work / "up.jsonl", f"{approved.release} {approved.digest}")
    except EngineError as error:
        raise ReleaseFailedError(f"{error}\n{_reconcile(engine, error, before, work)}") from error
    return Deployed(
        digest=approved.digest,
        release=approved.release,
        previous=before[0] if before else "",
        seconds=round(time.monotonic() - started, 1),
    )


def _reconcile(
    engine: Engine, error: EngineError, before: tuple[str, str] | None, work: Path
) -> str:
    """After ECS went back by itself, have the state say so; infrastructure is never undone here."""
    if before is None:
        return "This was the first release: there is nothing to go back to, and no task serves."
    others = sorted(urn for urn in error.urns if _kind(urn) not in RELEASE_TYPES)
    if others or not error.urns:
        named = ", ".join(others) or "an unnamed resource"
        return (
            f"Stopped at {named}; the state says how far it came, and {before[1]} serves. "
            "The next execution continues."
        )
    try:
        engine.set_release(*before)
        engine.up(work / "reconcile.jsonl", f"back to {before[1]} {before[0]}")
    except EngineError as second:
        return f"{before[1]} serves, but the state could not be told so: {second}"
    return f"{before[1]} serves, and the state says so."


def _kind(urn: str) -> str:
    """Type of the resource: the last of the types of it and of its parents."""
    return urn.split("::")[2].rpartition("$")[2]


def roll_back(
    engine: Engine, current: str, wanted: str | None, work: Path, *, infrastructure: bool = False
) -> tuple[str, str]:
    """Digest and release that were deployed again: `wanted`, else the newest before `current`.

    Raises `RefusedError` where there is none or where more than the release would change, and
    `ReleaseFailedError` when the deployment of the older image fails.
    """
    try:
        target = find_target(engine.history(), current, wanted)
    except NoTargetError as error:
        raise RefusedError(str(error)) from None
    engine.set_release(*target)
    others = refuse_infrastructure(engine.preview(work / "rollback-preview.jsonl"))
    if others and not infrastructure:
        raise RefusedError("going back would change more than the release: " + "; ".join(others))
    try:
        engine.up(work / "rollback.jsonl", f"back to {target[1]} {target[0]}")
    except EngineError as error:
        raise ReleaseFailedError(f"{error}\nThe way back failed as well: act now.") from error
    return target
