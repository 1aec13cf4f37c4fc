"""The archive that a user takes away: a ZIP of JSON files, written as it is read.

Nothing of it is stored and at most one row is held at a time, so its size costs no memory. The
last file, `manifest.json`, names every other with its rows and SHA-256.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

MANIFEST: Final = "manifest.json"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_CHUNK: Final = 64 * 1_024

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file: its name, and its rows when they are asked for. `columns` make it a CSV."""

    name: str
    rows: Callable[[], Iterable[Row]]
    columns: Sequence[str] = ()


class _Sink(io.RawIOBase):
    """What was written since it was last taken; it cannot be rewound, and nothing stays in it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    @property
    def size(self) -> int:
        return sum(map(len, self._parts))

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_line(values: Iterable[str]) -> bytes:
    """One line after RFC 4180."""
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode()


def lines_of(member: Member) -> Iterator[tuple[bytes, int]]:
    """The bytes of a member, and how many rows each part holds."""
    if member.columns:
        yield csv_line(member.columns), 0
        for row in member.rows():
            yield csv_line(str(row[name]) for name in member.columns), 1
        return
    yield b"[", 0
    first = True
    for row in member.rows():
        yield (b"\n" if first else b",\n") + json.dumps(row, ensure_ascii=False).encode(), 1
        first = False
    yield b"\n]\n", 0


def archive(
    members: Iterable[Member], now: datetime, facts: Callable[[], Mapping[str, Any]]
) -> Iterator[bytes]:
    """The ZIP, part by part; `facts` go into the manifest when all else is written."""
    sink = _Sink()
    stamp = now.timetuple()[:6]
    files: list[dict[str, Any]] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in members:
            digest, rows = hashlib.sha256(), 0
            info = zipfile.ZipInfo(member.name, stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            with packed.open(info, "w", force_zip64=True) as out:
                for line, count in lines_of(member):
                    out.write(line)
                    digest.update(line)
                    rows += count
                    if sink.size > _CHUNK:
                        yield sink.take()
            files.append({"name": member.name, "rows": rows, "sha256": digest.hexdigest()})
        manifest = {**facts(), "files": files}
        packed.writestr(zipfile.ZipInfo(MANIFEST, stamp), json.dumps(manifest, indent=2))
    yield sink.take()
