"""OFX statements, 1.x (SGML) and 2.x (XML), read by one small tokenizer of our own.

There is no entity beyond the predefined ones and no DTD, so nothing can be expanded or fetched.
Sources: OFX 1.6 and 2.2 specifications, § 2.3 (headers), 3.2 (data types), 11.4 (statements).
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from budgetbuddy.domain.currency import Currency
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.statements.amounts import exact_amount
from budgetbuddy.domain.statements.rows import (
    MAX_ROWS,
    InvalidCell,
    RowError,
    Statement,
    StatementRow,
    UnreadableStatement,
    checked_row,
    clean_text,
)

MAX_DEPTH: Final = 32
_STATEMENTS: Final = ("STMTRS", "CCSTMTRS")  # bank accounts, credit cards
_ACCOUNTS: Final = ("BANKACCTFROM", "CCACCTFROM")
_ACCOUNT_PARTS: Final = ("BANKID", "BRANCHID", "ACCTID")
# A tag, a CDATA section, or text; a `<` that begins no tag is text (`A < B`).
_TOKEN = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9_.]{0,63})[ \t\r\n]*(?P<empty>/?)>"
    r"|<!\[CDATA\[(?P<cdata>[^\]]*(?:\][^\]]+)*)\]\]>"
    r"|(?P<text>[^<]+|<)",
)
# XML's five and the one the OFX specification adds (§ 2.3.2.1); the rest stays as it is written.
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
# Date, perhaps time, perhaps `[-5:EST]`: the date as the bank's own clock showed it.
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2,6}(?:\.[0-9]{1,3})?)?(?:\[[^\]]*\])?")
_AMOUNT = re.compile(  # § 3.2.9.1: decimal mark `.` or `,`, no thousands
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:[.,](?P<fraction>[0-9]*))?"
)
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
REPLACEMENT: Final = "\ufffd"


@dataclass(slots=True)
class Element:
    """One element: `text` when it holds a value, `children` when it is an aggregate."""

    name: str
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def child(self, *names: str) -> "Element | None":
        """The first child with one of these names."""
        return next((child for child in self.children if child.name in names), None)

    def value(self, name: str) -> str:
        """The cleaned text of a child; empty when there is none."""
        found = self.child(name)
        return clean_text(found.text) if found else ""

    def walk(self) -> Iterator["Element"]:
        """Itself and all below it, in the order of the file."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))


def declared_encoding(data: bytes) -> str | None:
    """The encoding the file's own header declares, or None when it declares none we know."""
    head = data[:1024].decode("latin-1")
    xml = re.search(r"<\?xml[^>]*encoding=[\"']([A-Za-z0-9_-]+)[\"']", head)
    if xml:
        return {"utf-8": "utf-8", "us-ascii": "utf-8", "iso-8859-1": "iso-8859-1"}.get(
            xml[1].lower()
        )
    encoding = re.search(r"ENCODING:\s*([A-Za-z0-9_-]+)", head)
    charset = re.search(r"CHARSET:\s*([A-Za-z0-9_-]+)", head)
    if encoding and encoding[1].upper() in {"UTF-8", "UNICODE"}:
        return "utf-8"
    names = {"1252": "windows-1252", "ISO-8859-1": "iso-8859-1", "8859-1": "iso-8859-1"}
    return names.get(charset[1].upper()) if charset else None


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
    entries = [e for s in statements for e in s.walk() if e.name == "STMTTRN"]
    if len(entries) > MAX_ROWS:
        raise UnreadableStatement("too_many_rows", f"at most {MAX_ROWS} rows at once")
    rows, errors = [], []
    for entry in entries:
        try:
            rows.append(checked_row(_row(entry, currency), earliest=earliest, latest=latest))
        except InvalidCell as wrong:
            errors.append(RowError(entry.line, wrong.code))
    return Statement(tuple(rows), tuple(errors), {"currency": currency.code})


def parse(text: str) -> Element:
    """The tree from `<OFX>` on, as the only child of a nameless root.

    Value elements of SGML have no end tag: text makes an element a value, the next tag ends it.
    """
    start = re.search(r"<OFX>", text, re.IGNORECASE)
    if start is None:
        raise UnreadableStatement("not_ofx", "there is no <OFX> element")
    if "<!" in text[: start.start()]:
        raise UnreadableStatement("unsupported_markup", "document types are not read")
    tree = _Tree()
    line, at = text.count("\n", 0, start.start()) + 1, start.start()
    for token in _TOKEN.finditer(text, start.start()):
        line += text.count("\n", at, token.start())
        at = token.start()
        if token["name"] is None:
            tree.add_text(token["cdata"] or _plain(token["text"] or ""), line)
        elif token["end"]:
            tree.close(token["name"].upper(), line)
        else:
            tree.open(token["name"].upper(), line)
            if token["empty"]:
                tree.close(token["name"].upper(), line)
    return tree.finish()


class _Tree:
    """Elements under construction: `_stack` are the open ones, the root first."""

    def __init__(self) -> None:
        self._stack = [Element("", 1)]
        self._may_hold_text = False

    def open(self, name: str, line: int) -> None:
        if self._stack[-1].text:
            self._stack.pop()
        if len(self._stack) > MAX_DEPTH:
            raise UnreadableStatement("not_ofx", f"line {line} is nested too deeply")
        element = Element(name, line)
        self._stack[-1].children.append(element)
        self._stack.append(element)
        self._may_hold_text = True

    def add_text(self, text: str, line: int) -> None:
        if not text.strip():
            return
        if not self._may_hold_text:
            raise UnreadableStatement("not_ofx", f"line {line} has text outside an element")
        self._stack[-1].text += text

    def close(self, name: str, line: int) -> None:
        """End the innermost open element of this name.

        Those within it that have no end tag were empty values (`<MEMO>` and nothing): what seems
        to be inside them stands beside them.
        """
        if all(element.name != name for element in self._stack[1:]):
            raise UnreadableStatement("not_ofx", f"line {line} closes what is not open")
        while (element := self._stack.pop()).name != name:
            self._stack[-1].children.extend(element.children)
            element.children = []
        self._may_hold_text = False

    def finish(self) -> Element:
        if len(self._stack) > 1:  # a download that broke off
            raise UnreadableStatement("not_ofx", f"<{self._stack[1].name}> is never closed")
        return self._stack[0]


def _plain(text: str) -> str:
    return _ENTITY.sub(_character, text)


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    if not name.startswith("#"):
        return _NAMED[name]
    code = int(f"0{name[1:]}", 16) if name[1] in "xX" else int(name[1:])
    character = chr(code) if code <= sys.maxunicode else REPLACEMENT
    # Controls and lone surrogates can be written as numbers only, and belong in no text.
    return REPLACEMENT if unicodedata.category(character) in {"Cc", "Cs"} else character


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
