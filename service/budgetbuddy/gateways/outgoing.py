"""Webhooks on their way: one POST to an address that was checked, within a time, never redirected.

The host's name is resolved once and the connection made to the address that was looked at, so that
a name that changes its mind between the two leads nowhere else. TLS and `Host` carry the name. All
waiting together has one limit: a receiver that sends a byte a second does not hold a worker.
"""

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from budgetbuddy.contract import Metric
from budgetbuddy.domain.deadline import Deadline, time_limit
from budgetbuddy.domain.deadline import deadline as current_deadline
from budgetbuddy.domain.deliveries import ANSWER_BYTES, Answer, Fault
from budgetbuddy.domain.webhooks import TargetNotAllowed
from budgetbuddy.security.addresses import Target, TargetRules
from budgetbuddy.telemetry import count, log

RESOLVE_SECONDS: Final = 3.0
CONNECT_SECONDS: Final = 3.0
ALL_SECONDS: Final = 15.0
PARALLEL: Final = 4  # of a process, so that other work goes on while receivers are slow
WAIT_SECONDS: Final = 0.5  # for a place
READ_BYTES: Final = 64 * 1_024  # of an answer, its headers included

Resolve = Callable[[str, int], Sequence[str]]
Dial = Callable[[str, int, float], socket.socket]


class _TooLong(Exception):  # noqa: N818 - states a fact
    """More bytes than anybody reads."""


# The first that fits: the kinds of `OSError` stand before it.
FAULTS: Final[Sequence[tuple[type[Exception], Fault]]] = (
    (ssl.SSLCertVerificationError, Fault.CERTIFICATE),
    (TimeoutError, Fault.TIMEOUT),
    (OSError, Fault.CONNECTION),
    (Exception, Fault.ANSWER),
)


def resolved(host: str, port: int) -> Sequence[str]:
    """Every address of a name. Raises `OSError` when it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(address[0]) for *_, address in found]


def dialled(address: str, port: int, seconds: float) -> socket.socket:
    """A connection to an address, which is never looked up."""
    return socket.create_connection((address, port), timeout=seconds)


class WebhookSender:
    """Implements `domain.deliveries.Outgoing`; shared by the threads of a process."""

    def __init__(  # noqa: PLR0913 - everything outside can be put in by a test
        self,
        rules: TargetRules,
        *,
        resolve: Resolve | None = None,
        dial: Dial = dialled,
        tls: ssl.SSLContext | None = None,
        all_seconds: float = ALL_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._resolve = resolve or resolved
        self._dial = dial
        self._tls = tls or ssl.create_default_context()
        self._all_seconds = all_seconds
        self._monotonic = monotonic
        self._places = threading.BoundedSemaphore(PARALLEL)
        self._resolver = ThreadPoolExecutor(PARALLEL, thread_name_prefix="resolve")

    def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """One attempt; None when all places are taken."""
        if not self._places.acquire(timeout=WAIT_SECONDS):
            return None
        started = self._monotonic()
        try:
            with time_limit(self._all_seconds, self._monotonic):
                answer = self._attempt(url, headers, body)
        finally:
            self._places.release()
        count(Metric.DELIVERY_FAILED if answer.fault else Metric.DELIVERY_SUCCEEDED)
        millis = round((self._monotonic() - started) * 1_000)
        return Answer(fault=answer.fault, status=answer.status, text=answer.text, millis=millis)

    def _attempt(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            target = self._rules.target(url)
            addresses = self._rules.addresses(target, self._found(target))
        except TargetNotAllowed:
            count(Metric.SSRF_BLOCKED)
            log("security.webhook_address_refused", level="warning")
            return Answer(fault=Fault.ADDRESS)
        except (OSError, UnicodeError):
            return Answer(fault=Fault.UNKNOWN_HOST)
        try:
            with self._connection(target, addresses) as sock:
                return self._exchange(sock, target, headers, body)
        except (OSError, http.client.HTTPException, _TooLong) as exc:
            return Answer(fault=next(fault for kind, fault in FAULTS if isinstance(exc, kind)))

    def _found(self, target: Target) -> Sequence[str]:
        """In a thread of its own: the system's resolver knows no limit."""
        if not target.secure:
            return [target.host]
        asked = self._resolver.submit(self._resolve, target.host, target.port)
        return asked.result(timeout=min(RESOLVE_SECONDS, self._left()))

    def _connection(self, target: Target, addresses: Sequence[str]) -> socket.socket:
        sock = self._dialled(target, addresses)
        if not target.secure:
            return sock
        try:
            sock.settimeout(self._left())
            return self._tls.wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise

    def _dialled(self, target: Target, addresses: Sequence[str]) -> socket.socket:
        """The first address that answers; the error of the last one when none does."""
        *others, last = addresses
        for address in others:
            try:
                return self._dial(address, target.port, min(CONNECT_SECONDS, self._left()))
            except OSError:
                continue
        return self._dial(last, target.port, min(CONNECT_SECONDS, self._left()))

    def _exchange(
        self, sock: socket.socket, target: Target, headers: dict[str, str], body: bytes
    ) -> Answer:
        name = target.host if target.secure else f"{target.host}:{target.port}"
        told = {
            "Host": name,
            "Content-Length": str(len(body)),
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
        }
        lines = [f"POST {target.path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items()), "", ""]
        sock.settimeout(self._left())
        sock.sendall("\r\n".join(lines).encode("ascii") + body)
        answer = http.client.HTTPResponse(_Reader(sock, self._limit()), method="POST")  # type: ignore[arg-type] # asks for `makefile` alone
        answer.begin()
        text = answer.read(ANSWER_BYTES).decode("utf-8", errors="replace")
        is_good = 200 <= answer.status < 300  # noqa: PLR2004 - 2xx
        return Answer(fault=None if is_good else Fault.STATUS, status=answer.status, text=text)

    def _left(self) -> float:
        left = self._limit().left()
        if left <= 0:
            raise TimeoutError
        return left

    def _limit(self) -> Deadline:
        return current_deadline(self._monotonic)


class _Reader(io.RawIOBase):
    """What a receiver sends, as long as there is time for it and not too much of it."""

    def __init__(self, sock: socket.socket, limit: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._limit = limit
        self._rest = READ_BYTES

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """As `http.client` asks a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """At most what may still come. Raises `TimeoutError`, `_TooLong`."""
        left = self._limit.left()
        if left <= 0:
            raise TimeoutError
        if self._rest <= 0:
            raise _TooLong
        self._sock.settimeout(left)
        got = self._sock.recv_into(buffer, min(len(buffer), self._rest))
        self._rest -= got
        return got
