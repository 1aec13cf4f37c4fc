"""Which rows of the past look like something that recurs. Deterministic: no score, no training.

Rows of one payee, direction and currency whose amounts lie close together, at intervals of a known
length, on the same day of the week or month four times in five.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from budgetbuddy.domain.money import Money
from budgetbuddy.domain.months import median, month_bounds, month_of
from budgetbuddy.domain.recurring import MAX_EVIDENCE, Frequency, payee_of
from budgetbuddy.domain.transactions import Transaction, TransactionStatus

AMOUNT_PERCENT: Final = 5  # amounts lie so close to their median
SAME_DAY_PERCENT: Final = 80  # of the rows fall on the same day
DAYS_OFF: Final = 2  # of the month, for weekends and holidays
LONGEST_MONTH: Final = 31


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """Mean interval in days, both ends included, and how many rows show it at least."""

    frequency: Frequency
    shortest: int
    longest: int
    rows: int


SPENDING: Final = (
    Rhythm(frequency=Frequency.WEEKLY, shortest=6, longest=8, rows=6),
    Rhythm(frequency=Frequency.BIWEEKLY, shortest=13, longest=15, rows=4),
    Rhythm(frequency=Frequency.MONTHLY, shortest=25, longest=35, rows=4),
    Rhythm(frequency=Frequency.QUARTERLY, shortest=85, longest=95, rows=3),
    Rhythm(frequency=Frequency.SEMIANNUAL, shortest=175, longest=185, rows=2),
    Rhythm(frequency=Frequency.ANNUAL, shortest=360, longest=370, rows=2),
)
# Pay comes around weekends and holidays, and three times are enough to be sure of it. What comes
# twice a month is found as two monthly items.
INCOME: Final = (
    SPENDING[0],
    Rhythm(frequency=Frequency.BIWEEKLY, shortest=11, longest=17, rows=3),
    Rhythm(frequency=Frequency.MONTHLY, shortest=27, longest=33, rows=3),
    *SPENDING[3:],
)
FORTNIGHTLY: Final = frozenset({Frequency.WEEKLY, Frequency.BIWEEKLY})


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`confidence` is the percentage of the payee's rows that fit; `evidence` oldest first."""

    name: str
    payee: str
    amount: Money
    frequency: Frequency
    next_date: date
    confidence: int
    evidence: tuple[str, ...]


def candidates(rows: Iterable[Transaction], today: date) -> list[Candidate]:
    """Those that are due again, the most certain first."""
    groups: dict[tuple[str, str, bool], list[Transaction]] = {}
    for row in rows:
        if row.status is TransactionStatus.POSTED:
            key = (payee_of(row), row.amount.currency.code, row.amount.minor > 0)
            groups.setdefault(key, []).append(row)
    found = [
        candidate
        for _, group in sorted(groups.items())
        for candidate in _found(sorted(group, key=lambda row: (row.date, row.id)), today)
    ]
    return sorted(found, key=lambda candidate: -candidate.confidence)


def _found(group: Sequence[Transaction], today: date) -> list[Candidate]:
    whole = _candidate(group, len(group), today)
    if whole is not None:
        return [whole]
    parts = (_candidate(part, len(part), today) for part in _by_day_of_month(group))
    return [part for part in parts if part is not None and part.frequency is Frequency.MONTHLY]


def _candidate(group: Sequence[Transaction], size: int, today: date) -> Candidate | None:
    usual = median([abs(row.amount.minor) for row in group])
    rows = [
        row for row in group if abs(abs(row.amount.minor) - usual) * 100 <= AMOUNT_PERCENT * usual
    ]
    frequency = _frequency(rows)
    if frequency is None:
        return None
    aligned = _aligned(rows, frequency)
    if len(aligned) * 100 < SAME_DAY_PERCENT * len(rows):
        return None
    last = rows[-1]
    following = frequency.day(last.date, 1)
    if following + (following - last.date) / 2 < today:  # it has stopped
        return None
    sign = 1 if last.amount.minor > 0 else -1
    return Candidate(
        name=(last.merchant or last.description)[:100],
        payee=payee_of(last),
        amount=Money(sign * usual, last.amount.currency),
        frequency=frequency,
        next_date=following,
        confidence=100 * len(aligned) // size,
        evidence=tuple(row.id for row in rows)[-MAX_EVIDENCE:],
    )


def _frequency(rows: Sequence[Transaction]) -> Frequency | None:
    if len(rows) < min(rhythm.rows for rhythm in SPENDING):
        return None
    mean = Fraction((rows[-1].date - rows[0].date).days, len(rows) - 1)
    for rhythm in INCOME if rows[0].amount.minor > 0 else SPENDING:
        if rhythm.shortest <= mean <= rhythm.longest and len(rows) >= rhythm.rows:
            return rhythm.frequency
    return None


def _aligned(rows: Sequence[Transaction], frequency: Frequency) -> list[Transaction]:
    """The rows on the most usual day of the week, or around that of the month."""
    if frequency in FORTNIGHTLY:
        weekday, _ = Counter(row.date.weekday() for row in rows).most_common(1)[0]
        return [row for row in rows if row.date.weekday() == weekday]
    around = [[row for row in rows if _is_same_day(row.date, other.date)] for other in rows]
    return max(around, key=len)


def _is_same_day(day: date, other: date) -> bool:
    """Of the month: two days off, also over its end, or both the last."""
    off = abs(day.day - other.day)
    if min(off, LONGEST_MONTH - off) <= DAYS_OFF:
        return True
    return all(_is_last(found) for found in (day, other))


def _is_last(day: date) -> bool:
    return month_bounds(month_of(day))[1] - day <= timedelta(days=1)


def _by_day_of_month(group: Sequence[Transaction]) -> list[list[Transaction]]:
    """Split where the days of the month leave a gap: two salaries, two subscriptions."""
    by_day = sorted(group, key=lambda row: row.date.day)
    parts: list[list[Transaction]] = []
    for row in by_day:
        if parts and row.date.day - parts[-1][-1].date.day <= 2 * DAYS_OFF:
            parts[-1].append(row)
        else:
            parts.append([row])
    return [sorted(part, key=lambda row: (row.date, row.id)) for part in parts]
