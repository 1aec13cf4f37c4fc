"""Dates as banks print them, read by a written-out format such as `DD.MM.YYYY`."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from budgetbuddy.domain.statements.rows import InvalidCell, UnreadableStatement

MAX_FORMAT: Final = 20
_TOKENS: Final = {
    "YYYY": "(?P<year>[0-9]{4})",
    "YY": "(?P<short_year>[0-9]{2})",
    "MMM": "(?P<name>[^\\W0-9_]{3,9}\\.?)",
    "MM": "(?P<month>[0-9]{1,2})",
    "DD": "(?P<day>[0-9]{1,2})",
}
_TOKEN = re.compile("YYYY|YY|MMM|MM|DD|[ ./-]")
# A time of day after the date is common in exports and is of no interest here.
_TIME = r"(?:[T ]+[0-9]{1,2}:[0-9]{2}[0-9:.,]*(?: ?[AaPp][Mm])?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_MONTHS: Final = "janfebmaraprmayjunjulaugsepoctnovdec"

# Tried in this order; formats that differ only in which number is the day must not both fit.
KNOWN_FORMATS: Final = (
    "YYYY-MM-DD",
    "YYYY/MM/DD",
    "YYYY.MM.DD",
    "YYYYMMDD",
    "DD.MM.YYYY",
    "DD.MM.YY",
    "DD/MM/YYYY",
    "MM/DD/YYYY",
    "DD/MM/YY",
    "MM/DD/YY",
    "DD-MM-YYYY",
    "MM-DD-YYYY",
    "DD MMM YYYY",
    "DD-MMM-YYYY",
    "DD MMM YY",
    "DD-MMM-YY",
)


def date_pattern(format_: str) -> re.Pattern[str]:
    """Compile `DD.MM.YYYY` and the like: each of day, month and year exactly once.

    Raises `UnreadableStatement` (`invalid_date_format`).
    """
    tokens = _TOKEN.findall(format_)
    kinds = sorted(token[0] for token in tokens if token[0] in "YMD")
    if len(format_) > MAX_FORMAT or "".join(tokens) != format_ or kinds != ["D", "M", "Y"]:
        detail = "use YYYY or YY, MM or MMM, and DD, once each, with . / - or blanks between"
        raise UnreadableStatement("invalid_date_format", detail, "/options/dateFormat")
    body = "".join(_TOKENS.get(token, re.escape(token)) for token in tokens)
    if not set(format_) & set(" ./-"):  # no separators: widths must be exact
        body = body.replace("{1,2}", "{2}")
    return re.compile(body + _TIME)


def parse_date(cell: str, pattern: re.Pattern[str]) -> date:
    """Raises `InvalidCell` (`invalid_date`) when the cell is no such date of the calendar."""
    match = pattern.fullmatch(cell)
    if match is None:
        raise InvalidCell("invalid_date")
    parts = match.groupdict()
    try:
        return date(_year(parts), _month(parts), int(parts["day"]))
    except ValueError:
        raise InvalidCell("invalid_date") from None


def detect_date_format(cells: Sequence[str]) -> str:
    """The one known format that most cells follow.

    Raises `UnreadableStatement`: `ambiguous_date_format` when day and month could be swapped in
    every cell, `no_dates` when no format fits a cell.
    """
    readings = {format_: _read_all(cells, format_) for format_ in KNOWN_FORMATS}
    most = max(len(dates) for dates in readings.values())
    best = [format_ for format_, dates in readings.items() if len(dates) == most]
    if most == 0:
        raise UnreadableStatement("no_dates", "no column holds dates", "/options/mapping/date")
    if any(readings[other] != readings[best[0]] for other in best[1:]):
        detail = f"dates may be {' or '.join(best)}: say which in dateFormat"
        raise UnreadableStatement("ambiguous_date_format", detail, "/options/dateFormat")
    return best[0]


def _read_all(cells: Sequence[str], format_: str) -> dict[int, date]:
    """The cells that follow the format, by their position."""
    pattern, dates = date_pattern(format_), {}
    for position, cell in enumerate(cells):
        try:
            dates[position] = parse_date(cell, pattern)
        except InvalidCell:
            continue
    return dates


def _year(parts: dict[str, str | None]) -> int:
    year, short = parts.get("year"), parts.get("short_year")
    if year is not None:
        return int(year)
    # POSIX strptime's rule for %y: 69 to 99 are 1969 to 1999.
    pivot = int(short or "")
    return pivot + (1900 if pivot >= 69 else 2000)  # noqa: PLR2004 - the rule's own number


def _month(parts: dict[str, str | None]) -> int:
    number, name = parts.get("month"), parts.get("name")
    if number is not None:
        return int(number)
    place, rest = divmod(_MONTHS.find((name or "").casefold()[:3]), 3)
    if rest:  # not found, or found across two names
        raise ValueError("no English month name")
    return place + 1
