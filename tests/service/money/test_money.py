"""Amounts are exact, whatever is done with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.currency import CURRENCIES, UnknownCurrency, currency_of
from budgetbuddy.domain.money import CurrencyMismatch, InvalidAmount, Money, total

EUR, JPY, KWD = (currency_of(code) for code in ("EUR", "JPY", "KWD"))
MINOR = st.integers(-(10**17), 10**17)
MONEY = st.builds(Money, MINOR, st.sampled_from(sorted(CURRENCIES.values())))


@given(MONEY)
def test_formatting_and_parsing_again_gives_the_same_amount(amount: Money) -> None:
    limit = 10 ** (14 + amount.currency.exponent)
    if abs(amount.minor) >= limit:  # one digit more than an amount may have
        with pytest.raises(InvalidAmount):
            Money.parse(str(amount), amount.currency)
    else:
        assert Money.parse(str(amount), amount.currency) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param(Money(150, EUR), "1.50", id="two decimals"),
        pytest.param(Money(-5, EUR), "-0.05", id="less than one"),
        pytest.param(Money(150, JPY), "150", id="no decimals"),
        pytest.param(Money(1500, KWD), "1.500", id="three decimals"),
    ],
)
def test_output_has_exactly_the_currencys_decimals(amount: Money, text: str) -> None:
    assert str(amount) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.234", "too_many_decimals"),
        ("-0", "negative_zero"),
        ("-0.00", "negative_zero"),
        ("1_000", "invalid_amount"),
        (" 1", "invalid_amount"),
        ("1e3", "invalid_amount"),
        ("NaN", "invalid_amount"),
        ("\uff11", "invalid_amount"),
        ("01", "invalid_amount"),
        ("+1", "invalid_amount"),
        (".5", "invalid_amount"),
        ("1.", "invalid_amount"),
        ("1,50", "invalid_amount"),
        ("999999999999999", "invalid_amount"),
        ("1\n", "invalid_amount"),
        ("", "invalid_amount"),
    ],
)
def test_anything_but_a_plain_decimal_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        Money.parse(text, EUR)

    assert refused.value.code == code


@given(MONEY, st.lists(st.integers(0, 10_000), min_size=1, max_size=20).filter(any))
def test_shares_sum_to_the_whole_and_differ_from_it_by_less_than_a_unit(
    whole: Money, weights: list[int]
) -> None:
    shares = whole.allocate(weights)

    assert total(shares, whole.currency) == whole
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor * sum(weights) - whole.minor * weight) < sum(weights)


def test_shares_without_a_positive_weight_are_refused() -> None:
    for weights in ([], [0, 0], [2, -1]):
        with pytest.raises(ValueError, match="weights"):
            Money(100, EUR).allocate(weights)


@given(MONEY, MONEY)
def test_adding_and_taking_away_gives_the_amount_back_or_refuses_to_mix(a: Money, b: Money) -> None:
    if a.currency == b.currency:
        assert a + b - b == a
    else:
        for operation in ("__add__", "__sub__", "__lt__", "__le__"):
            with pytest.raises(CurrencyMismatch):
                getattr(a, operation)(b)


def test_there_is_no_division_and_no_float() -> None:
    with pytest.raises(TypeError):
        Money(100, EUR) / 3  # type: ignore[operator] # there is none


@pytest.mark.parametrize(("minor", "expected"), [(5, 3), (-5, -3), (4, 2), (7, 4)])
def test_percent_rounds_halves_away_from_zero(minor: int, expected: int) -> None:
    assert Money(minor, EUR).percent(50) == Money(expected, EUR)


@pytest.mark.parametrize("code", ["eur", "XXX", "XAU", "XTS", "CHW", "EURO", "", "HRK"])
def test_codes_that_are_no_currency_in_circulation_are_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        currency_of(code)
