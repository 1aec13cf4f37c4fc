"""The text of a violation: a tested grammar that reports can parse, never a property value.

First line `<ID> <verdict> <property path>: <what was found>`, then one line each: expected, fix,
page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails.verdicts import Record, Verdict

if TYPE_CHECKING:
    from guardrails.control import Control

WHOLE_RESOURCE = "(resource)"  # stands for the path when the resource as a whole is judged
FIRST_LINE = re.compile(
    r"^(?P<control>waiver-[a-z]+|[A-Z0-9]+-\d\d) (?P<verdict>[A-Z_]+) "
    r"(?P<path>\S+): (?P<found>.+)$"
)
# What neither XML nor a terminal may be given: control and half characters, and non-characters.
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """`text`, in which every character that a report cannot carry became U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)


def render(record: Record, control: Control) -> str:
    """The message of one record, as the engine and the terminal show it.

    A property's name may hold spaces and line ends; they may not break the first line.
    """
    path = "_".join(record.path.split()) or WHOLE_RESOURCE
    found = " ".join(record.found.split())
    lines = [f"{record.control} {record.verdict} {path}: {found}"]
    lines.append(f"expected: {record.expected or control.title}")
    if record.verdict is Verdict.WAIVED:
        lines.append(f"waived: ticket {record.waiver}")
    lines += [f"fix: {control.fix}", f"page: {control.page}"]
    return "\n".join(lines)


def parse(message: str) -> dict[str, str] | None:
    """The fields of a message; None when it is not one of ours.

    The SDK puts the policy's description on a line of its own before the message.
    """
    lines = message.splitlines()
    for start, line in enumerate(lines):
        if match := FIRST_LINE.match(line):
            rest = (entry.partition(": ") for entry in lines[start + 1 :])
            return match.groupdict() | {key: value for key, _, value in rest if value}
    return None
