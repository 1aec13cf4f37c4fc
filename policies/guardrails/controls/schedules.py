"""How long a schedule of AWS may pause: `rate(30 days)`, `cron(0 4 1 */2 ? *)`."""

from __future__ import annotations

import re
from typing import Final

HOURS_PER_DAY: Final = 24
MINUTES_PER_DAY: Final = 1440
DAYS_PER: Final = {"minute": 1 / MINUTES_PER_DAY, "hour": 1 / HOURS_PER_DAY, "day": 1.0}
RATE: Final = re.compile(r"^rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)$")
CRON: Final = re.compile(r"^cron\((?:\S+\s+){3}(\S+)\s+\S+\s+(\S+)\)$")
DAYS_PER_MONTH: Final = 31
MONTHS: Final = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def longest_pause(expression: str) -> float | None:
    """The most days between two runs, None when it cannot be told.

    Of a cron expression the months decide: within a month it names, it runs at least once.
    """
    if match := RATE.match(expression):
        return int(match[1]) * DAYS_PER[match[2]]
    if (match := CRON.match(expression)) and match[2] == "*":
        months = _months(match[1].upper())
        following = [*months[1:], *months[:1]]
        gaps = [(b - a - 1) % 12 + 1 for a, b in zip(months, following, strict=True)]
        return max(gaps) * DAYS_PER_MONTH if gaps else None
    return None


def _months(field: str) -> list[int]:
    """The months of `*`, `3`, `JAN,JUL`, `1-6`, `1/3` or `*/3`, in order; empty if unreadable."""
    for number, name in enumerate(MONTHS, start=1):
        field = field.replace(name, str(number))
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("1-12" if span == "*" else span).partition("-")
        if not (first.isdecimal() and (last or first).isdecimal() and (step or "1").isdecimal()):
            return []
        end = int(last) if last else 12 if step else int(first)
        found.update(range(int(first), end + 1, int(step or 1) or 12))
    return sorted(found)
