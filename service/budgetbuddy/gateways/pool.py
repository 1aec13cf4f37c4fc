"""Connections to providers whose answers are bounded: in bytes and, as a whole, in time.

A read timeout alone bounds the silence between two bytes: a server that sends one a second never
runs into it.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError, SSLError

from budgetbuddy.gateways.pinning import PinnedPool, Pins

PART_BYTES: Final = 64 * 1_024
KEPT_CONNECTIONS: Final = 4


class AnswerTooLarge(HTTPError):  # noqa: N818 - states a fact
    """More bytes than any answer of the provider should have."""


class PeerUntrusted(HTTPError):  # noqa: N818 - states a fact
    """No TLS with whoever answers. Not an `SSLError`: Plaid's SDK breaks down over those."""


class BoundedPool(urllib3.PoolManager):
    """Never repeats a request and follows no redirect: retries are decided elsewhere."""

    def __init__(
        self,
        max_bytes: int,
        pins: Pins | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        super().__init__(num_pools=2, maxsize=KEPT_CONNECTIONS, retries=False, **options)
        if pins is not None:
            pinned: Any = partial(PinnedPool, pins)
            self.pool_classes_by_scheme = {**self.pool_classes_by_scheme, "https": pinned}
        self._max_bytes = max_bytes
        self._monotonic = monotonic

    def urlopen(  # type: ignore[override] # the base class has overloads nobody here uses
        self,
        method: str,
        url: str,
        redirect: bool = False,  # noqa: FBT001, FBT002 - urllib3's own
        **options: Any,
    ) -> urllib3.BaseHTTPResponse:
        """A whole answer within the read timeout. Raises urllib3's `HTTPError`s."""
        del redirect
        timeout = options.get("timeout")
        seconds = timeout.read_timeout if isinstance(timeout, urllib3.Timeout) else None
        until = self._monotonic() + seconds if seconds else None
        options["preload_content"] = False
        try:
            answer = super().urlopen(method, url, redirect=False, **options)
        except SSLError as exc:
            raise PeerUntrusted(type(exc).__name__) from exc
        try:
            body = self._body(answer, until)
        except BaseException:
            answer.close()
            raise
        return urllib3.HTTPResponse(
            body=body,
            headers=answer.headers,
            status=answer.status,
            reason=answer.reason,
            decode_content=False,
            preload_content=True,
        )

    def _body(self, answer: urllib3.BaseHTTPResponse, until: float | None) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in answer.stream(PART_BYTES, decode_content=True):
            size += len(part)
            if size > self._max_bytes:
                raise AnswerTooLarge(f"an answer of more than {self._max_bytes} bytes")
            if until is not None and self._monotonic() > until:
                raise ReadTimeoutError(None, None, "the answer takes too long")  # type: ignore[arg-type] # neither is used
            parts.append(part)
        return b"".join(parts)
