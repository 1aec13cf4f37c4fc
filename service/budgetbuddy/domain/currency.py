"""Currencies people are paid in: ISO 4217 active codes and the digits after the decimal point.

Metals, bond units, funds of account, test and `XXX` codes are refused: nobody
keeps a bank account in them.
"""

from dataclasses import dataclass
from typing import Final

# ISO 4217 list one, national currencies in circulation, grouped by the number of decimals.
_CODES_BY_EXPONENT: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
        "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
        "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL "
        "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN "
        "PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
        "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "UYW",
}


@dataclass(frozen=True, slots=True, order=True)
class Currency:
    """A currency by its ISO code; `exponent` is how many decimals its minor unit has."""

    code: str
    exponent: int

    def __str__(self) -> str:
        return self.code


CURRENCIES: Final[dict[str, Currency]] = {
    code: Currency(code, exponent)
    for exponent, codes in _CODES_BY_EXPONENT.items()
    for code in codes.split()
}


class UnknownCurrency(ValueError):  # noqa: N818 - states a fact
    """The code is not an active ISO 4217 currency of circulation."""


def currency_of(code: str) -> Currency:
    """The currency with this upper-case code. Raises `UnknownCurrency`, also for `eur`."""
    try:
        return CURRENCIES[code]
    except KeyError:
        raise UnknownCurrency("not an active ISO 4217 currency code") from None
