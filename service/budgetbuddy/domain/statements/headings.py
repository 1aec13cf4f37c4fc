"""What banks call their columns, by what the columns mean."""

import re
import unicodedata
from typing import Final

FIELDS: Final = (
    "date",
    "amount",
    "debit",
    "credit",
    "direction",
    "description",
    "merchant",
    "category",
    "id",
    "currency",
)

# Compared after `heading_key`; in each list the better choice stands first.
_HEADINGS: Final[dict[str, str]] = {
    "date": (
        "date|booking date|posting date|posted date|transaction date|trans date|completed date"
        "|buchungstag|buchungsdatum|buchung|datum|date operation|date de l operation"
        "|date de comptabilisation|fecha|fecha operacion|fecha de operacion|data|data operazione"
        "|data contabile|data operacji|data transakcji|boekdatum|bokforingsdag|dato"
        "|value date|wertstellung|valutadatum|valuta"
    ),
    "amount": (
        "amount|transaction amount|billing amount|betrag|betrag in|umsatz|umsatz in|montant|importe"
        "|importo|kwota|kwota operacji|bedrag|belopp|belob|valor"
    ),
    "debit": (
        "debit|debit amount|withdrawal|withdrawals|paid out|money out|soll|belastung|cargo|cargos"
        "|uscite|addebiti"
    ),
    "credit": (
        "credit|credit amount|deposit|deposits|paid in|money in|haben|gutschrift|abono|abonos"
        "|entrate|accrediti"
    ),
    "direction": (
        "af bij|debit credit|credit debit|credit debit indicator|debit credit indicator|dr cr"
        "|cr dr|d c|c d|soll haben|s h|sens|transaction type"
    ),
    "description": (
        "description|details|transaction description|narrative|memo|remittance information"
        "|payment reference|reference|purpose|particulars|verwendungszweck|buchungstext|libelle"
        "|concepto|descripcion|descrizione|causale|opis|opis operacji|mededelingen|omschrijving"
        "|text"
    ),
    "merchant": (
        "payee|merchant|merchant name|counterparty|partner name|partner|beneficiary|recipient"
        "|beguenstigter zahlungspflichtiger|auftraggeber empfaenger|zahlungsempfanger"
        "|auftraggeber begunstigter|begunstigter zahlungspflichtiger"
        "|auftraggeber empfanger|name naam|naam omschrijving|naam tegenpartij"
        "|name zahlungsbeteiligter|name"
    ),
    "category": "category|kategorie|categorie|categoria|kategoria",
    "id": "transaction id|transaction reference|reference id|fitid|bank reference",
    "currency": "currency|ccy|wahrung|waehrung|devise|divisa|moneda|muntsoort|waluta",
}
HEADINGS: Final = {field: tuple(names.split("|")) for field, names in _HEADINGS.items()}

# Words of a direction column: money that left, money that came.
OUTFLOW: Final = frozenset({"debit", "d", "dr", "db", "dbit", "af", "soll", "s", "out"})
INFLOW: Final = frozenset({"credit", "c", "cr", "crdt", "bij", "haben", "h", "in"})


_UNIT = re.compile(r" (?:in )?(?:eur|usd|gbp|chf)$")


def heading_key(cell: str) -> str:
    """A heading without case, accents, signs, and the unit banks put behind it.

    `Betrag (EUR)` and `Betrag in EUR` both become `betrag`; `Af/Bij` becomes `af bij`.
    """
    plain = unicodedata.normalize("NFKD", cell.partition("(")[0].casefold())
    words = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return _UNIT.sub("", " ".join(words.split()))
