"""Identifiers: a type prefix and a UUIDv7, in lower-case Crockford base32.

`make_id(Kind.ACCOUNT)` gives `acc_01jdk2…`. They sort by creation time and rise strictly within a
process, so the newest row of a list is the one with the greatest id.
"""

import hashlib
import re
import secrets
import threading
import time
from enum import StrEnum

from budgetbuddy.problems import NotFound

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: no i, l, o, u
_LENGTH = 26  # base32 characters of 128 bits
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62  # RFC 9562 § 4.1
_RANDOM_BITS = 74  # 12 of rand_a and 62 of rand_b
_NUMBER_BITS = 10  # of an id that says which of its owner's it is: its last two characters


class Kind(StrEnum):
    """The closed list of prefixes; a value says what the identifier names."""

    USER = "usr"
    ACCOUNT = "acc"
    TRANSACTION = "txn"
    TRANSFER = "trf"
    CATEGORY = "cat"
    RULE = "rul"
    RECURRING = "rec"
    GOAL = "gol"
    CONTRIBUTION = "ctb"
    IMPORT = "imp"
    EXPORT = "exp"
    JOB = "job"
    BANK_ITEM = "itm"
    WEBHOOK = "whk"
    DELIVERY = "dlv"
    ACCESS_TOKEN = "pat"  # noqa: S105 - a prefix, not a password
    SESSION = "ses"
    EVENT = "evt"
    ALERT = "alr"


def pattern(kind: Kind) -> str:
    """Regular expression of an id of `kind`, for models and OpenAPI."""
    return rf"^{kind}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"


_COMPILED = {kind: re.compile(pattern(kind)) for kind in Kind}


def _uuid7(millis: int, random: int) -> int:
    """RFC 9562 § 5.7, of 74 random bits."""
    rand_a, rand_b = divmod(random, 1 << 62)
    return millis << 80 | _VERSION_7 | rand_a << 64 | _VARIANT | rand_b


class _Generator:
    """UUIDv7 integers, strictly rising: within one millisecond the random part counts up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millis = -1
        self._random = 0

    def next(self) -> int:
        now = time.time_ns() // 1_000_000
        with self._lock:
            if now > self._millis:
                self._millis = now
                self._random = secrets.randbits(_RANDOM_BITS - 1)  # room to count up
            else:  # same millisecond, or the clock went back
                self._random += 1 + secrets.randbits(32)
                if self._random >> _RANDOM_BITS:
                    self._millis += 1
                    self._random = secrets.randbits(_RANDOM_BITS - 1)
            return _uuid7(self._millis, self._random)


_generator = _Generator()


def base32(number: int, length: int = _LENGTH) -> str:
    """`number` as `length` Crockford characters, most significant first."""
    return "".join(_ALPHABET[(number >> 5 * i) & 31] for i in reversed(range(length)))


def make_id(kind: Kind) -> str:
    """A new identifier of `kind`."""
    return f"{kind}_{base32(_generator.next())}"


def numbered_id(kind: Kind, owner: str, number: int) -> str:
    """The `number`-th (0..1023) of `kind` that belongs to `owner`, an id: the same each time.

    A UUIDv7 of the owner's moment, whose random part tells nothing of the owner's.
    """
    digest = hashlib.sha256(f"{kind}|{owner}".encode()).digest()
    random = int.from_bytes(digest) >> 256 - _RANDOM_BITS
    stem = _uuid7(_value(owner) >> 80, random) >> _NUMBER_BITS
    return f"{kind}_{base32(stem << _NUMBER_BITS | number)}"


def number_of(numbered: str) -> int:
    """Which of its owner's a `numbered_id` is."""
    return _value(numbered) % (1 << _NUMBER_BITS)


def _value(identifier: str) -> int:
    value = 0
    for character in identifier.rpartition("_")[2]:
        value = value << 5 | _ALPHABET.index(character)
    return value


def id_at(kind: Kind, millis: int, random: int) -> str:
    """The identifier of an instant (milliseconds since the epoch) and of given random bits."""
    return f"{kind}_{base32(_uuid7(millis, random % (1 << _RANDOM_BITS)))}"


def is_id(kind: Kind, text: str) -> bool:
    """Whether `text` is a well-formed identifier of `kind`."""
    return _COMPILED[kind].fullmatch(text) is not None


def require_id(kind: Kind, text: str) -> str:
    """`text`, or `NotFound`: a malformed id answers exactly like a missing one."""
    if not is_id(kind, text):
        raise NotFound
    return text
