"""Lead time and failures of releases, as numbers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from delivery.ops.measures import release_metrics

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


def values(committed_at: str, *, healthy: bool) -> dict[str, float]:
    found: list[dict[str, Any]] = release_metrics("staging", committed_at, NOW, healthy=healthy)
    assert all(each["Dimensions"] == [{"Name": "Stack", "Value": "staging"}] for each in found)
    return {each["MetricName"]: each["Value"] for each in found}


def test_a_release_that_arrived_has_a_lead_time() -> None:
    expected = {"Releases": 1.0, "FailedReleases": 0.0, "LeadTime": 3600.0}

    assert values("2026-01-01T00:00:00Z", healthy=True) == expected
    assert values("2026-01-01T00:00:00", healthy=True) == expected
    assert values("2026-01-01T02:00:00+02:00", healthy=True) == expected


def test_a_release_that_did_not_stay_counts_as_failed() -> None:
    assert values("2026-01-01T00:00:00Z", healthy=False) == {"Releases": 1.0, "FailedReleases": 1.0}


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid isoformat"):
        values("yesterday", healthy=True)
