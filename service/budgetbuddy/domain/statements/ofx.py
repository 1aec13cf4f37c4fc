"""OFX statements of bank accounts and credit cards, 1.x and 2.x.

Source: OFX 1.6 and 2.2 specifications, § 2.3 (headers), 3.2 (data types), 11.4 (statements).
"""

import re
from datetime import date
from typing import Final

from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.statements.amounts import exact_amount
from budgetbuddy.domain.statements.markup import Element, parse
from budgetbuddy.domain.statements.rows import (
    MAX_ROWS,
    InvalidCell,
    RowError,
    Statement,
    StatementRow,
    UnreadableStatement,
    checked_row,
)
from budgetbuddy.domain.statements.text import ENCODINGS

_XML_ENCODING = re.compile(r"<\?xml[^>]*encoding=[\"']([A-Za-z0-9_-]+)[\"']")
_SGML_ENCODING = re.compile(r"ENCODING:\s*([A-Za-z0-9_-]+)")
_SGML_CHARSET = re.compile(r"CHARSET:\s*([A-Za-z0-9_-]+)")
_WESTERN: Final = frozenset({"windows-1252", "iso-8859-1"})
_STATEMENTS: Final = ("STMTRS", "CCSTMTRS")  # bank accounts, credit cards
_ACCOUNTS: Final = ("BANKACCTFROM", "CCACCTFROM")
_ACCOUNT_PARTS: Final = ("BANKID", "BRANCHID", "ACCTID")
# Date, perhaps time, perhaps `[-5:EST]`: the date as the bank's own clock showed it.
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2,6}(?:\.[0-9]{1,3})?)?(?:\[[^\]]*\])?")
_AMOUNT = re.compile(  # § 3.2.9.1: decimal mark `.` or `,`, no thousands
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:[.,](?P<fraction>[0-9]*))?"
)


def declared_encoding(data: bytes) -> str | None:
    """The encoding that the file's own header names, one of `ENCODINGS`, or None.

    Western single-byte encodings count as none: many banks name Windows-1252 and write UTF-8, and
    only the bytes can tell.
    """
    head = data[:1024].decode("latin-1")
    found = _XML_ENCODING.search(head)
    if found is None:
        encoding = _SGML_ENCODING.search(head)
        is_unicode = encoding is not None and encoding[1].upper() in {"UTF-8", "UNICODE"}
        found = encoding if is_unicode else _SGML_CHARSET.search(head)
    name = found[1].lower() if found else ""
    name = {"unicode": "utf-8"}.get(name, f"windows-{name}" if name.isdigit() else name)
    return name if name in ENCODINGS and name not in _WESTERN else None


def read_ofx(text: str, currency: Currency, *, earliest: date, latest: date) -> Statement:
    """Read the one statement in the file; dates must lie within the two given.

    Raises `UnreadableStatement`: `not_ofx`, `unsupported_markup`, `no_statement`,
    `several_accounts`, `currency_mismatch`, `too_many_rows`.
    """
    root = parse(text)
    statements = [element for element in root.walk() if element.name in _STATEMENTS]
    if not statements:
        raise UnreadableStatement("no_statement", "the file holds no account statement")
    if len({_account(statement) for statement in statements}) > 1:
        raise UnreadableStatement("several_accounts", "the file holds more than one account")
    if any(s.value("CURDEF") not in ("", currency.code) for s in statements):
        raise UnreadableStatement("currency_mismatch", "the statement has another currency")
    entries = [element for element in root.walk() if element.name == "STMTTRN"]
    if len(entries) > MAX_ROWS:
        raise UnreadableStatement("too_many_rows", f"at most {MAX_ROWS} rows at once")
    rows, errors = [], []
    for entry in entries:
        try:
            rows.append(checked_row(_row(entry, currency), earliest=earliest, latest=latest))
        except InvalidCell as wrong:
            errors.append(RowError(entry.line, wrong.code))
    return Statement(tuple(rows), tuple(errors), {"currency": currency.code})


def _account(statement: Element) -> str:
    account = statement.child(*_ACCOUNTS)
    return "/".join(account.value(name) for name in _ACCOUNT_PARTS) if account else ""


def _row(entry: Element, currency: Currency) -> StatementRow:
    foreign = entry.child("CURRENCY")  # ORIGCURRENCY only tells what was converted (§ 5.2)
    if foreign and foreign.value("CURSYM") != currency.code:
        raise InvalidCell("currency_mismatch")
    payee = entry.child("PAYEE")
    merchant = entry.value("NAME") or (payee.value("NAME") if payee else "")
    return StatementRow(
        line=entry.line,
        date=_date(entry.value("DTPOSTED")),
        amount=_amount(entry.value("TRNAMT"), currency),
        description=entry.value("MEMO") or merchant or entry.value("TRNTYPE"),
        merchant=merchant or None,
        external_id=entry.value("FITID") or None,
    )


def _date(text: str) -> date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise InvalidCell("invalid_date")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise InvalidCell("invalid_date") from None


def _amount(text: str, currency: Currency) -> Money:
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match["whole"] or match["fraction"]):
        raise InvalidCell("invalid_amount")
    size = exact_amount(match["whole"], match["fraction"] or "", currency)
    return -size if match["sign"] == "-" else size
