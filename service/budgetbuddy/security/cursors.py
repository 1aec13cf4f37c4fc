"""Signed list positions: `version | kid length | kid | tag (16) | body`, base64url.

The body binds user, route and filters; the key is derived from the token key, and the previous one
still verifies. The partition is never in a cursor: it is rebuilt from the caller's token.
"""

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from budgetbuddy.domain.ports import Clock, Position
from budgetbuddy.problems import InvalidCursor
from budgetbuddy.security.tokens import KeyRing

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
TAG_BYTES = 16
LIFE_SECONDS = 24 * 3_600
LONGEST = 2_048
_LABEL = b"cursor/v1"


class SignedCursors:
    """Implements `domain.ports.Cursors`."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._clock = clock
        self._current = ring.current
        self._keys: Mapping[str, bytes] = {kid: _derived(key) for kid, key in ring.keys.items()}

    def encode(self, *, subject: str, route: str, filters: str, position: Position) -> str:
        """An opaque cursor; raises `ValueError` should it exceed 2 KB."""
        body = orjson.dumps(
            [subject, route, filters, dict(position), int(self._clock().timestamp())]
        )
        kid = self._current.encode()
        head = bytes((VERSION, len(kid))) + kid
        tag = _tag(self._keys[self._current], head + body)
        cursor = base64.urlsafe_b64encode(head + tag + body).rstrip(b"=").decode()
        if len(cursor) > LONGEST:
            raise ValueError(f"a cursor of {len(cursor)} characters exceeds {LONGEST}")
        return cursor

    def decode(self, cursor: str, *, subject: str, route: str, filters: str) -> Position:
        """The position; every mismatch is the same `InvalidCursor`."""
        for_subject, for_route, for_filters, position, issued = self._verified(cursor)
        if (for_subject, for_route, for_filters) != (subject, route, filters):
            raise InvalidCursor
        if not 0 <= self._clock().timestamp() - issued + 1 <= LIFE_SECONDS:
            raise InvalidCursor
        return {str(name): str(value) for name, value in position.items()}

    def _verified(self, cursor: str) -> list[Any]:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as exc:
            raise InvalidCursor from exc
        if len(raw) < 2 or raw[0] != VERSION or len(cursor) > LONGEST:  # noqa: PLR2004 - header
            raise InvalidCursor
        start = 2 + raw[1]
        head, tag, body = raw[:start], raw[start : start + TAG_BYTES], raw[start + TAG_BYTES :]
        key = self._keys.get(head[2:].decode(errors="replace"))
        if key is None or not hmac.compare_digest(tag, _tag(key, head + body)):
            raise InvalidCursor
        document: list[Any] = orjson.loads(body)
        return document


def _tag(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()[:TAG_BYTES]


def _derived(key: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_LABEL).derive(key)
