"""Exact money: integer minor units of one currency, decimal strings outside, never a float.

Negative amounts flow out. Sums across currencies do not exist: they raise `CurrencyMismatch`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from budgetbuddy.domain.currency import Currency

# [0-9], never \d: the latter takes digits of other scripts. 14 + 4 digits stay below 10**18.
AMOUNT = re.compile(r"(-?)(0|[1-9][0-9]{0,13})(?:\.([0-9]{1,4}))?")


class InvalidAmount(ValueError):  # noqa: N818 - states a fact
    """The text is no amount of the currency; `code` names the rule, the text is never echoed."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class CurrencyMismatch(ValueError):  # noqa: N818 - states a fact
    """Two amounts of different currencies met where one currency is needed."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents, fils, yen) of `currency`."""

    minor: int
    currency: Currency

    @classmethod
    def parse(cls, text: str, currency: Currency) -> Self:
        """Read `-12.50`. Raises `InvalidAmount`; nothing is ever rounded."""
        match = AMOUNT.fullmatch(text)
        if match is None:
            raise InvalidAmount("invalid_amount", "must look like -12.50")
        sign, whole, fraction = match[1], match[2], match[3] or ""
        if len(fraction) > currency.exponent:
            raise InvalidAmount("too_many_decimals", f"at most {currency.exponent} decimals")
        minor = int(whole + fraction.ljust(currency.exponent, "0"))
        if sign and minor == 0:
            raise InvalidAmount("negative_zero", "zero has no sign")
        return cls(-minor if sign else minor, currency)

    @classmethod
    def zero(cls, currency: Currency) -> Self:
        """Nothing, in this currency."""
        return cls(0, currency)

    def __str__(self) -> str:
        """The amount alone, always with the currency's number of decimals: `-12.50`, `150`."""
        sign = "-" if self.minor < 0 else ""
        digits = str(abs(self.minor)).rjust(self.currency.exponent + 1, "0")
        if self.currency.exponent == 0:
            return sign + digits
        return f"{sign}{digits[: -self.currency.exponent]}.{digits[-self.currency.exponent :]}"

    def __add__(self, other: Self) -> Self:
        self._same_currency(other)
        return type(self)(self.minor + other.minor, self.currency)

    def __sub__(self, other: Self) -> Self:
        self._same_currency(other)
        return type(self)(self.minor - other.minor, self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)

    def __abs__(self) -> Self:
        return type(self)(abs(self.minor), self.currency)

    def __lt__(self, other: Self) -> bool:
        self._same_currency(other)
        return self.minor < other.minor

    def __le__(self, other: Self) -> bool:
        self._same_currency(other)
        return self.minor <= other.minor

    def allocate(self, weights: Sequence[int]) -> tuple[Self, ...]:
        """Share by non-negative integer weights; the shares sum to the whole exactly.

        Largest remainder: what truncation leaves over goes, one minor unit each, to the shares
        that lost most, the earlier one on a tie. Raises `ValueError` without a positive weight.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative and not all zero")
        size, sign = abs(self.minor), -1 if self.minor < 0 else 1
        shares = [size * weight // total for weight in weights]
        by_loss = sorted(range(len(weights)), key=lambda i: -(size * weights[i] % total))
        for index in by_loss[: size - sum(shares)]:
            shares[index] += 1
        return tuple(type(self)(sign * share, self.currency) for share in shares)

    def percent(self, numerator: int, denominator: int = 100) -> Self:
        """`numerator/denominator` of this, rounded half away from zero to a minor unit."""
        if denominator <= 0:
            raise ValueError("denominator must be positive")
        product = self.minor * numerator
        rounded = (2 * abs(product) + denominator) // (2 * denominator)
        return type(self)(-rounded if product < 0 else rounded, self.currency)

    def _same_currency(self, other: Self) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")


def total(amounts: Iterable[Money], currency: Currency) -> Money:
    """Sum of amounts that must all be of `currency`; zero of it when there are none."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result
