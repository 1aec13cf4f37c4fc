"""Instants and calendar dates as the API writes them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def utc_now() -> datetime:
    """Now, aware, UTC: the clock of the running service."""
    return datetime.now(UTC)


def format_instant(at: datetime) -> str:
    """RFC 3339, UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """The inverse of `format_instant`."""
    return datetime.fromisoformat(text)


def today_in(zone: str, now: datetime) -> date:
    """The calendar date that it is in an IANA zone."""
    return now.astimezone(ZoneInfo(zone)).date()
