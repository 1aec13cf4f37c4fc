"""Amounts as banks print them: signs, brackets, currency marks, thousands in groups.

What is the decimal mark is decided once for a column, from the cells that leave no doubt, and
asked for when none does: `1.234` alone may be a thousand euros or a euro and some.
"""

import re
from collections.abc import Iterable
from typing import Final

from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.money import InvalidAmount, Money
from budgetbuddy.domain.statements.rows import InvalidCell, UnreadableStatement

_BLANKS = re.compile(r"[\s'\u2019]")  # \s covers the no-break and narrow blanks; Swiss apostrophes
_MINUS: Final = str.maketrans({"\u2212": "-", "\u2013": "-"})
# Letters and currency signs around the number; a mark of the other direction must not hide there.
_AFFIX = r"(?:[A-Z]{2,3}|[a-z]{2,3}\.?|[$\u00a3\u00a5\u20a0-\u20bf]|z\u0142|K\u010d|R\$)?"
_CELL = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-])?{_AFFIX}(?P<sign2>[+-])?(?P<number>[0-9][0-9.,]*)"
    rf"(?P<sign3>[+-])?(?P<close>\))?{_AFFIX}(?P<sign4>[+-])?"
)
_SIDE = re.compile(r"(?P<rest>.*[0-9])(?P<side>CR|DR)\.?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9][0-9.,]*")
_MARKS: Final = (".", ",")
_GROUP: Final = 3  # digits between thousands marks


def parse_amount(cell: str, decimal: str, currency: Currency) -> Money:
    """Read one cell with `.` or `,` as decimal mark. Raises `InvalidCell`; nothing is rounded."""
    text = _BLANKS.sub("", cell.translate(_MINUS))
    side = _SIDE.fullmatch(text)
    match = _CELL.fullmatch(side["rest"] if side else text)
    if match is None:
        raise InvalidCell("invalid_amount")
    signs = [match[name] for name in ("sign", "sign2", "sign3", "sign4") if match[name]]
    bracketed = match["open"] is not None
    if len(signs) + bracketed + (side is not None) > 1 or bracketed != (match["close"] is not None):
        raise InvalidCell("invalid_amount")
    negative = bracketed or signs == ["-"] or (side is not None and side["side"][0] in "Dd")
    size = _parse_number(match["number"], decimal, currency)
    return -size if negative else size


def detect_decimal(cells: Iterable[str]) -> str:
    """`.` or `,`; cells without any mark say nothing.

    Raises `UnreadableStatement` (`ambiguous_decimal`) when cells disagree, or when every mark
    could be one of thousands.
    """
    certain, doubtful = set[str](), False
    for cell in cells:
        number = _NUMBER.search(_BLANKS.sub("", cell))
        readable = {mark for mark in _MARKS if number and _split(number[0], mark)}
        if len(readable) == 1:
            certain |= readable
        elif readable and number and not number[0].isdigit():
            doubtful = True
    if len(certain) > 1 or (doubtful and not certain):
        detail = "amounts can be read in two ways: say in decimal whether it is . or ,"
        raise UnreadableStatement("ambiguous_decimal", detail, "/options/decimal")
    return certain.pop() if certain else "."


def _parse_number(number: str, decimal: str, currency: Currency) -> Money:
    parts = _split(number, decimal)
    if parts is None:
        raise InvalidCell("invalid_amount")
    return exact_amount(*parts, currency)


def _split(number: str, decimal: str) -> tuple[str, str] | None:
    """Digits before and after the decimal mark; None when the number cannot have that mark."""
    whole, mark, fraction = number.partition(decimal)
    groups = whole.split("," if decimal == "." else ".")
    if not _are_thousands(groups) or bool(mark) != fraction.isdigit():
        return None
    return "".join(groups), fraction


def exact_amount(whole: str, fraction: str, currency: Currency) -> Money:
    """Money of two runs of digits, each perhaps empty. Raises `InvalidCell`."""
    # Zeros beyond the currency's decimals change nothing; any other digit would be rounding.
    kept = fraction[: currency.exponent] + fraction[currency.exponent :].rstrip("0")
    digits = whole.lstrip("0") or "0"
    try:
        return Money.parse(f"{digits}.{kept}" if kept else digits, currency)
    except InvalidAmount as wrong:
        raise InvalidCell(wrong.code) from None


def _are_thousands(groups: list[str]) -> bool:
    """`1 234 567` and India's `12 34 567`: the last group has three digits."""
    first, *rest = groups
    if not rest:
        return first.isdigit()
    sizes_fit = all(len(group) in (2, _GROUP) for group in rest) and len(rest[-1]) == _GROUP
    return sizes_fit and re.fullmatch("[1-9][0-9]{0,2}", first) is not None
