"""Which image to go back to, and whether going back changes nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from delivery.ops.gate import is_digest
from delivery.ops.steps import Plan

DIGEST_KEY = "budgetbuddy:imageDigest"
RELEASE_KEY = "budgetbuddy:release"
SUCCEEDED = "succeeded"
CHANGING = frozenset({"update", "import"})  # kinds of update that leave a release behind


class NoTargetError(Exception):
    """There is nothing to go back to, or what was asked for was never released."""


def releases(history: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Digest and release of every update that succeeded, newest first.

    `history` is the answer of `pulumi stack history --json`, which is newest first too.
    """
    for entry in history:
        if entry.get("result") != SUCCEEDED or entry.get("kind") not in CHANGING:
            continue
        config = entry.get("config", {})
        digest = config.get(DIGEST_KEY, {}).get("value", "")
        release = config.get(RELEASE_KEY, {}).get("value", "")
        if is_digest(digest):
            yield digest, release


def find_target(
    history: Iterable[Mapping[str, Any]], current: str, wanted: str | None = None
) -> tuple[str, str]:
    """Digest and release to go back to: `wanted`, else the newest other than `current`.

    `current` is the digest that is configured now, whether its update succeeded or not.
    Raises `NoTargetError` where there is none.
    """
    known = list(releases(history))
    if wanted is not None:
        if not is_digest(wanted):
            raise NoTargetError(f"{wanted} is no image digest: sha256: and 64 hex digits")
        found = next((one for one in known if one[0] == wanted), None)
        if found is None:
            raise NoTargetError(f"{wanted} was never released here; it cannot be gone back to")
        return found
    found = next((one for one in known if one[0] != current), None)
    if found is None:
        raise NoTargetError("no other image was ever released here: there is nothing to go back to")
    return found


def refuse_infrastructure(plan: Plan) -> list[str]:
    """What a rollback would change besides the release itself, as words; empty when nothing."""
    return [f"{step.operation} {step.name}" for step in plan.beyond_release]
