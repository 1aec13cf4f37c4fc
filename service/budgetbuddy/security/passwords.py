"""Passwords: argon2id, four at a time, and a check of strength that costs little."""

import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # the package has no stubs

from budgetbuddy.contract import Metric
from budgetbuddy.domain.identity import (
    PasswordTooWeak,
)
from budgetbuddy.problems import FieldError, Unavailable
from budgetbuddy.telemetry import count

SHORTEST, LONGEST = 12, 128  # characters after NFKC
MAX_BYTES = 1_024
JUDGED = 16  # zxcvbn takes 18 ms for a hostile string of this length, 1.7 s for four times as much
LEAST_SCORE = 3
LEAST_DIFFERENT = 5
AT_ONCE = 4  # 19 MiB each
WAIT_SECONDS = 2.0
PRODUCT = "budgetbuddy"


@dataclass(frozen=True, kw_only=True)
class Argon2Cost:
    """argon2id parameters (OWASP: 19 MiB, 2 passes, 1 lane); 25 ms on the machine we measured."""

    memory_kib: int = 19 * 1_024
    passes: int = 2
    lanes: int = 1


class Argon2Passwords:
    """Implements `domain.identity.Passwords`."""

    def __init__(self, cost: Argon2Cost | None = None) -> None:
        chosen = cost or Argon2Cost()
        self._hasher = PasswordHasher(
            time_cost=chosen.passes,
            memory_cost=chosen.memory_kib,
            parallelism=chosen.lanes,
        )
        self._gate = threading.BoundedSemaphore(AT_ONCE)
        # What an unknown e-mail is verified against, so that it costs as much as a known one.
        self._nobody = self._hasher.hash("nobody has this password")

    def require_strong(self, password: str, *, known: Sequence[str]) -> None:
        """Length, variety, and how soon an attacker with a dictionary would guess it."""
        text = unicodedata.normalize("NFKC", password)
        if not SHORTEST <= len(text) <= LONGEST or len(text.encode()) > MAX_BYTES:
            _refuse("password_length", f"Use {SHORTEST} to {LONGEST} characters")
        if len(set(text)) < LEAST_DIFFERENT or _repeats(text):
            _refuse("password_repetitive", "Use more different characters")
        words = [word for word in (*known, PRODUCT) if word]
        if zxcvbn(text[:JUDGED], user_inputs=words)["score"] < LEAST_SCORE:
            _refuse("password_guessable", "Use words or characters that are harder to guess")

    def hash(self, password: str) -> str:
        """An argon2id string with its parameters and salt."""
        with _Slot(self._gate):
            return self._hasher.hash(unicodedata.normalize("NFKC", password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; without a stored hash always false, after the same work."""
        text = unicodedata.normalize("NFKC", password)
        with _Slot(self._gate):
            try:
                self._hasher.verify(stored or self._nobody, text)
            except VerificationError:
                return False
            except InvalidHashError:
                return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the parameters have changed since."""
        return self._hasher.check_needs_rehash(stored)


class _Slot:
    """One of few places for memory-hard work; 503 when none is free in time."""

    def __init__(self, gate: threading.BoundedSemaphore) -> None:
        self._gate = gate

    def __enter__(self) -> None:
        if not self._gate.acquire(timeout=WAIT_SECONDS):
            count(Metric.PASSWORD_HASH_REJECTED)
            raise Unavailable("too many log-ins at once")

    def __exit__(self, *_: object) -> None:
        self._gate.release()


def _repeats(text: str) -> bool:
    """Whether a shorter piece, repeated, makes the whole."""
    return text in (text + text)[1:-1]


def _refuse(code: str, detail: str) -> None:
    error = FieldError(pointer="/password", code=code, detail=detail)
    raise PasswordTooWeak(detail, errors=(error,))
