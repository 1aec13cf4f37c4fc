"""Field types that several resources share: money, dates, one-line texts.

Amounts and dates are read by our own expressions: pydantic alone takes `1_000`, full-width digits
and the date `0`.
"""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, View
from budgetbuddy.domain.currency import UnknownCurrency, currency_of
from budgetbuddy.domain.money import InvalidAmount, Money
from budgetbuddy.domain.months import month_of, month_plus
from budgetbuddy.problems import FieldError, ValidationFailed

AMOUNT_PATTERN = r"^-?(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
MONTH_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
_DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_NOTES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _iso_date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("invalid_date", "A date such as 2026-01-31 is expected")


def _one_line(text: str) -> str:
    if _CONTROL.search(text) or not text.strip():
        raise PydanticCustomError("invalid_text", "One line of visible text is expected")
    return text


def _lines(text: str) -> str:
    if _CONTROL_IN_NOTES.search(text):
        raise PydanticCustomError("invalid_text", "Control characters are not allowed")
    return text


def _currency(code: str) -> str:
    try:
        return currency_of(code).code
    except UnknownCurrency:
        raise PydanticCustomError(
            "unknown_currency", "An ISO 4217 code such as EUR is expected"
        ) from None


CalendarDate = Annotated[date, BeforeValidator(_iso_date)]
CurrencyCode = Annotated[
    str, StringConstraints(pattern=CURRENCY_PATTERN), AfterValidator(_currency)
]
Month = Annotated[str, StringConstraints(pattern=MONTH_PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_one_line)]
Description = Annotated[
    str, StringConstraints(min_length=1, max_length=500), AfterValidator(_one_line)
]
Merchant = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)
]
Notes = Annotated[str, StringConstraints(min_length=1, max_length=1_000), AfterValidator(_lines)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_one_line)]
ImportId = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(_one_line)
]


def require_plausible_month(month: str, today: date, pointer: str) -> None:
    """Raises `ValidationFailed` unless the month is from 1970 on and at most a year ahead."""
    if not "1970-01" <= month <= month_plus(month_of(today), 12):
        detail = "The month is before 1970 or more than a year ahead"
        error = FieldError(pointer=pointer, code="month_out_of_range", detail=detail)
        raise ValidationFailed(errors=[error])


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def unset() -> Any:
    """A field of a partial change: absent keeps what is stored, and null is a value like others."""
    return Field(default=None, json_schema_extra=_without_default)


class MoneyInput(Input):
    """An exact amount as a decimal string; negative flows out. Never a JSON number."""

    amount: Annotated[str, StringConstraints(pattern=AMOUNT_PATTERN)]
    currency: CurrencyCode

    @model_validator(mode="after")
    def _is_exact(self) -> "MoneyInput":
        self.money()
        return self

    def money(self) -> Money:
        """The amount. A model that exists has a valid one."""
        try:
            return Money.parse(self.amount, currency_of(self.currency))
        except InvalidAmount as wrong:
            texts = {
                "too_many_decimals": "The currency has fewer decimals",
                "negative_zero": "Zero has no sign",
            }
            text = texts.get(wrong.code, "An amount such as -12.50 is expected")
            raise PydanticCustomError(wrong.code, text) from None


class NonZeroMoney(MoneyInput):
    """An amount that moves something."""

    @model_validator(mode="after")
    def _is_not_zero(self) -> "NonZeroMoney":
        if self.money().minor == 0:
            raise PydanticCustomError("zero_amount", "The amount must not be zero")
        return self


class MoneyView(View):
    """An exact amount with exactly the decimals of its currency; negative flows out."""

    amount: str
    currency: str

    @classmethod
    def of(cls, money: Money) -> "MoneyView":
        """The view of an amount."""
        return cls(amount=str(money), currency=money.currency.code)
