"""Pinned keys of providers, in addition to the authority and the host name, never instead.

A pin is `sha256/` and the base64 SHA-256 of a public key (SPKI). A connection passes when any
certificate of the chain that was verified has a pinned key: an intermediate can be pinned, and a
renewed leaf breaks nothing. The mode is asked for with every request, also over a connection that
is kept: an operator's switch reaches those as well.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, Final

import urllib3
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from budgetbuddy.contract import Metric
from budgetbuddy.domain.pinning import PinningMode
from budgetbuddy.problems import Problem
from budgetbuddy.telemetry import count, log

POLL_SECONDS: Final = 60.0
DER: Final = 2  # of OpenSSL, as the certificates of the standard library name it


class PinMismatch(urllib3.exceptions.HTTPError):
    """The provider, or whoever answers for it, shows no pinned key."""


class PinningSwitch:
    """The mode of this process: the operator's flag, read once a minute, else the configuration.

    While the flag cannot be read, what was known last holds.
    """

    def __init__(
        self,
        configured: PinningMode,
        flag: Callable[[], str | None],
        *,
        tells_relaxed: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = configured
        self._flag = flag
        self._tells_relaxed = tells_relaxed
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._mode = configured
        self._until = 0.0

    def __call__(self) -> PinningMode:
        """As it is now; of parallel callers one reads, the others go on with what is known."""
        with self._lock:
            now = self._monotonic()
            if now < self._until:
                return self._mode
            self._until = now + POLL_SECONDS
        try:
            told = self._flag()
        except Problem as exc:
            log("pinning.flag_unread", level="warning", code=exc.code)
            return self._mode
        self._mode = next((mode for mode in PinningMode if mode == told), self._configured)
        if self._tells_relaxed:
            count(Metric.PINNING_RELAXED, int(self._mode is not PinningMode.ENFORCE))
        return self._mode


class Pins:
    """The keys of one provider."""

    def __init__(
        self, dependency: str, keys: AbstractSet[str], mode: Callable[[], PinningMode]
    ) -> None:
        self._dependency = dependency
        self._keys = keys
        self._mode = mode

    def require(self, shown: AbstractSet[str]) -> None:
        """Raises `PinMismatch` where that is enforced; without any pin nothing passes then."""
        mode = self._mode()
        if mode is PinningMode.OFF or self._keys & shown:
            return
        if mode is PinningMode.REPORT and not self._keys:
            return
        count(Metric.PINNING_MISMATCH, dimension=self._dependency)
        log("security.pin_mismatch", level="error", dependency=self._dependency)
        if mode is PinningMode.ENFORCE:
            raise PinMismatch(f"{self._dependency} shows no pinned key")


class PinnedConnection(HTTPSConnection):
    """Remembers which keys its peer has shown."""

    shown: frozenset[str] = frozenset()

    def connect(self) -> None:
        """As always, authority and host name included; then the chain is read."""
        super().connect()
        self.shown = frozenset(map(pin_of, _verified_chain(self.sock)))


class PinnedPool(HTTPSConnectionPool):
    """Looks at the pins before anything is sent, however old the connection is."""

    ConnectionCls = PinnedConnection

    def __init__(self, pins: Pins, host: str, port: int | None = None, **options: Any) -> None:
        super().__init__(host, port, **options)
        self._pins = pins

    def _validate_conn(self, conn: Any) -> None:
        super()._validate_conn(conn)
        self._pins.require(conn.shown)


def pin_of(certificate: bytes) -> str:
    """The pin of a certificate's key; the certificate is DER."""
    key = load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256/{base64.b64encode(hashlib.sha256(spki).digest()).decode()}"


def _verified_chain(sock: Any) -> list[bytes]:
    """DER certificates from the leaf to the root, as they were verified.

    Python 3.13 has a public method for it; before, the object below has one that returns objects.
    """
    if hasattr(sock, "get_verified_chain"):
        return list(sock.get_verified_chain())
    chain = sock._sslobj.get_verified_chain()  # noqa: SLF001 - see above
    return [found.public_bytes(DER) for found in chain]
