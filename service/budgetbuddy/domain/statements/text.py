"""Bytes of a statement file to text, without guessing silently.

A byte order mark wins, then the declared encoding, then UTF-8, then Windows-1252, which most banks
that do not write UTF-8 use. Anything that holds control characters is no statement.
"""

import codecs
import re
from typing import Final

from budgetbuddy.domain.statements.rows import UnreadableStatement

ENCODINGS: Final = (
    "utf-8",
    "utf-16",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "macintosh",
    "shift_jis",
    "gb18030",
)

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# C0 without tab and line ends, DEL, and C1: left by binary files and by wrong encodings.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SIGNATURES: Final = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")


def decode(data: bytes, encoding: str | None) -> tuple[str, str]:
    """The text and the encoding it was read with, one of `ENCODINGS`.

    Raises `UnreadableStatement` with `empty_file`, `not_text` or `wrong_encoding`.
    """
    if not data.strip():
        raise UnreadableStatement("empty_file", "the file is empty")
    if data.startswith(_SIGNATURES):
        raise UnreadableStatement("not_text", "this is a document or an archive, not a statement")
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _checked(data, codec), codec.removesuffix("-sig")
    if encoding is not None:
        return _checked(data, encoding), encoding
    try:
        return _checked(data, "utf-8"), "utf-8"
    except UnreadableStatement as wrong:
        if wrong.code != "wrong_encoding":
            raise
        return _checked(data, "windows-1252"), "windows-1252"


def _checked(data: bytes, codec: str) -> str:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        detail = f"line {line} is not {codec.removesuffix('-sig')}"
        raise UnreadableStatement("wrong_encoding", detail, "/options/encoding") from None
    if _CONTROL.search(text):
        raise UnreadableStatement("not_text", "the file holds control characters")
    return text
