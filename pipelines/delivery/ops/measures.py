"""How well releases go: lead time and the share of them that failed, as DORA defines them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

LEAD_TIME, RELEASES, FAILED = "LeadTime", "Releases", "FailedReleases"


def release_metrics(
    stack: str, committed_at: str, now: datetime, *, healthy: bool
) -> list[dict[str, Any]]:
    """Metrics of one release that reached deployment.

    `committed_at` is the author date as the source action gives it (ISO 8601). Lead time, seconds,
    is counted for releases that arrived; a rollback is a failed release. Raises ValueError for a
    date that is none.
    """
    dimensions = [{"Name": "Stack", "Value": stack}]
    counts = {RELEASES: 1.0, FAILED: 0.0 if healthy else 1.0}
    found: list[dict[str, Any]] = [
        {"MetricName": name, "Dimensions": dimensions, "Unit": "Count", "Value": value}
        for name, value in counts.items()
    ]
    if healthy:
        seconds = (now - _moment(committed_at)).total_seconds()
        found.append(
            {
                "MetricName": LEAD_TIME,
                "Dimensions": dimensions,
                "Unit": "Seconds",
                "Value": max(0.0, seconds),
            }
        )
    return found


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
