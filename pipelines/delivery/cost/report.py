"""An estimate as people read it: plain text, one line a price."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.cost.estimate import Difference, Estimate

ASSUMED = "*"


def estimate_text(estimate: Estimate, *, stack: str) -> str:
    """The month, line by line, with what was assumed and what is missing."""
    return "\n".join(_estimate_lines(estimate, stack))


def _estimate_lines(estimate: Estimate, stack: str) -> Iterator[str]:
    yield f"Stack {stack} at rest, US dollars a month ({estimate.region})"
    yield ""
    for line in estimate.lines:
        mark = ASSUMED if line.assumed else " "
        basis = f"{line.quantity:,.10g} {line.price.per} x {line.price.usd:g}"
        yield f"{line.usd:9.2f} {mark} {line.price.name:<34} {basis}"
    by_use = f"of which {estimate.assumed_usd:.2f} by assumed use ({ASSUMED})"
    yield f"{estimate.usd:9.2f}   total, {by_use}"
    yield ""
    yield f"List prices of {estimate.checked}; no free tier, discount, tax or support."
    yield "Sources and the assumed use of a quiet month: pipelines/delivery/cost/prices.yaml"
    for kind, why in sorted(estimate.unpriced.items()):
        yield f"not priced: {kind} ({why})"
    for kind, count in sorted(estimate.unknown.items()):
        yield f"NOT KNOWN to the table: {count} x {kind}"


def difference_text(difference: Difference, *, since: str) -> str:
    """What changed since a commit."""
    head = (
        f"Since {since}: {difference.usd:+.2f} a month"
        f" (from {difference.before:.2f} to {difference.after:.2f})"
    )
    changes = [
        f"{each.usd:+9.2f}   {each.price.name:<34} {each.before:,.10g} -> {each.after:,.10g}"
        f" {each.price.per}"
        for each in difference.changes
    ]
    return "\n".join([head, *changes])
