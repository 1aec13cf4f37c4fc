"""The markup of OFX 1.x (SGML) and 2.x (XML), read by one small tokenizer of our own.

There is no entity beyond the predefined ones and no DTD, so nothing can be expanded or fetched.
Source: OFX 1.6 and 2.2 specifications, § 2.3.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from budgetbuddy.domain.statements.rows import MAX_ROWS, UnreadableStatement, clean_text

MAX_DEPTH: Final = 32
MAX_TAGS: Final = 250_000  # fifty a row, more than any bank writes
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
# A tag or text; a `<` that begins no tag is text (`A < B`).
_TOKEN = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9_.]{0,63})[ \t\r\n]*(?P<empty>/?)>"
    r"|(?P<text>(?:[^<]+|<(?![A-Za-z/!]))+|<)",
)
# XML's five and the one the OFX specification adds (§ 2.3.2.1); the rest stays as it is written.
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
REPLACEMENT: Final = "\ufffd"


@dataclass(slots=True)
class Element:
    """One element: `text` when it holds a value, `children` when it is an aggregate."""

    name: str
    line: int
    parts: list[str] = field(default_factory=list)
    children: list["Element"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The value, as it is written."""
        return "".join(self.parts)

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


def parse(text: str) -> Element:
    """The tree from `<OFX>` on, as the only child of a nameless root.

    Value elements of SGML have no end tag: text makes an element a value, the next tag ends it.
    """
    start = re.search(r"<OFX>", text, re.IGNORECASE)
    if start is None:
        raise UnreadableStatement("not_ofx", "there is no <OFX> element")
    if "<!" in text[: start.start()]:
        raise UnreadableStatement("unsupported_markup", "document types are not read")
    if text.count("<") > MAX_TAGS:
        raise UnreadableStatement("too_many_rows", f"at most {MAX_ROWS} rows at once")
    tree, line, at = _Tree(), text.count("\n", 0, start.start()) + 1, start.start()
    while at < len(text):
        if text.startswith(_CDATA, at):
            end = text.find(_CDATA_END, at)
            if end < 0:
                raise UnreadableStatement("not_ofx", f"the CDATA section of line {line} has no end")
            tree.add_text(text[at + len(_CDATA) : end], line)
            end += len(_CDATA_END)
        else:
            end = _read_token(text, at, tree, line)
        line += text.count("\n", at, end)
        at = end
    return tree.finish()


def _read_token(text: str, at: int, tree: "_Tree", line: int) -> int:
    """Put the tag or the text at this place into the tree; returns where it ends."""
    token = _TOKEN.match(text, at)
    if token is None:
        raise RuntimeError("one character of text is always a token")
    if token["name"] is None:
        tree.add_text(_plain(token["text"]), line)
        return token.end()
    name = token["name"].upper()
    if not token["end"]:
        tree.open(name, line)
    if token["end"] or token["empty"]:
        tree.close(name, line)
    return token.end()


class _Tree:
    """Elements under construction: `_stack` are the open ones, the root first."""

    def __init__(self) -> None:
        self._stack = [Element("", 1)]
        self._may_hold_text = False

    def open(self, name: str, line: int) -> None:
        if self._stack[-1].parts:
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
        self._stack[-1].parts.append(text)

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
