"""Card numbers in free text: found so that they are never stored.

A run of 13 to 19 digits, single spaces or dashes allowed between them, that starts like a card
range (2 to 6) and passes the Luhn check counts as a card number. UUIDs and hexadecimal digests hold
such runs by chance, and are left alone.
"""

import re
from collections.abc import Iterator

_RUN = re.compile(r"[0-9](?:[ -]?[0-9]){12,}")
# A UUID, or as many hexadecimal digits as an object id, MD5, SHA-1 or SHA-256 has, and a letter.
_REFERENCE = re.compile(
    r"(?<![0-9a-z])(?:"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?=[0-9]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{24})"
    r")(?![0-9a-z])",
    re.IGNORECASE,
)
_FIRST_DIGITS = "23456"
_LENGTHS = range(13, 20)


def contains_card_number(text: str) -> bool:
    """Whether any part of the text is a card number."""
    return next(_spans(text), None) is not None


def mask_card_numbers(text: str) -> str:
    """The text with each card number replaced by `•••• ` and its last four digits."""
    result, end = [], 0
    for start, stop in _spans(text):
        digits = re.sub(r"[ -]", "", text[start:stop])
        result += [text[end:start], f"•••• {digits[-4:]}"]
        end = stop
    return "".join([*result, text[end:]])


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each card number, left to right, without overlaps.

    Numbers inside a longer run of digits count as well: `Ref 99 4111111111111111` is one run once
    separators are ignored, and must not hide the card number in it.
    """
    for run in _RUN.finditer(_REFERENCE.sub(lambda found: "x" * len(found.group()), text)):
        positions = [i for i in range(run.start(), run.end()) if text[i].isdigit()]
        index = 0
        while index < len(positions):
            length = _card_length(text, positions, index)
            if length:
                yield positions[index], positions[index + length - 1] + 1
            index += length or 1


def _card_length(text: str, positions: list[int], index: int) -> int:
    """Length of the longest card number that begins at this digit; 0 for none.

    A card number begins and ends where digits do (`_starts_word`): any long number contains some
    window that passes Luhn by chance, one in ten, so windows inside a word must not count.
    """
    if text[positions[index]] not in _FIRST_DIGITS or not _starts_word(positions, index):
        return 0
    for length in reversed(_LENGTHS):
        stop = index + length
        if stop > len(positions) or (stop < len(positions) and not _starts_word(positions, stop)):
            continue
        if _passes_luhn([int(text[i]) for i in positions[index:stop]]):
            return length
    return 0


def _starts_word(positions: list[int], index: int) -> bool:
    return index == 0 or positions[index] != positions[index - 1] + 1


def _passes_luhn(digits: list[int]) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right doubled, sum divisible by ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - sum of two digits
    return total % 10 == 0
