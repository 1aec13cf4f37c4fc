"""Each user's personal text is encrypted under a data key of that user alone.

The data key is made and wrapped by KMS; deleting the wrapped form makes everything that was ever
sealed with it unreadable, in backups too. A sealed blob is

    format (1 byte) | key version (1 byte) | nonce (12 bytes) | AES-256-GCM ciphertext and tag

with `place|format` as associated data. There is no fallback to clear text.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from budgetbuddy.contract import ENVELOPE_PURPOSE
from budgetbuddy.domain.ports import SealBroken, UserRef, WrappedKeys
from budgetbuddy.problems import SessionRevoked, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

FORMAT = 1
KEY_VERSION = 1
NONCE_BYTES = 12  # NIST SP 800-38D § 8.2.1
TAG_BYTES = 16
HEADER = bytes((FORMAT, KEY_VERSION))
CACHE_SECONDS = 300.0
CACHE_USERS = 1_024
STRIPES = 64


@dataclass(frozen=True)
class _Cached:
    cipher: AESGCM
    until: float


class Envelope:
    """Seals and opens; implements the port `Sealer`, and makes the key of a new user."""

    def __init__(
        self,
        kms: "KMSClient",
        key_id: str,
        wrapped: WrappedKeys,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kms = kms
        self._key_id = key_id
        self._wrapped = wrapped
        self._monotonic = monotonic
        self._cache: OrderedDict[UserRef, _Cached] = OrderedDict()
        self._cache_lock = threading.Lock()
        self._stripes = tuple(threading.Lock() for _ in range(STRIPES))

    def create_key(self, user: UserRef) -> bytes:
        """A new data key for `user`: the wrapped form, to be stored with the new user's rows."""
        try:
            made = self._kms.generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=_context(user)
            )
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable("the key service does not answer") from exc
        self._remember(user, made["Plaintext"])
        return bytes(made["CiphertextBlob"])

    def adopt_key(self, user: UserRef, wrapped: bytes) -> None:
        """Use this wrapped key for `user`, before it is stored as theirs."""
        if self._cached(user) is None:
            self._remember(user, self._unwrap(user, wrapped))

    def seal(self, user: UserRef, place: str, plain: bytes) -> bytes:
        """Ciphertext bound to `user` and `place`; 30 bytes longer than `plain`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return HEADER + nonce + self._cipher(user).encrypt(nonce, plain, _associated(place))

    def open(self, user: UserRef, place: str, sealed: bytes) -> bytes:
        """The plain bytes; `SealBroken` when the blob was altered, moved, or is of another user."""
        if len(sealed) < len(HEADER) + NONCE_BYTES + TAG_BYTES or sealed[:2] != HEADER:
            raise SealBroken(f"no sealed value of a known format at {place}")
        nonce, text = sealed[2 : 2 + NONCE_BYTES], sealed[2 + NONCE_BYTES :]
        try:
            return self._cipher(user).decrypt(nonce, text, _associated(place))
        except InvalidTag as exc:
            raise SealBroken(f"the sealed value at {place} does not belong there") from exc

    def forget(self, user: UserRef) -> None:
        """Do not remember the user's key: its stored form was shredded."""
        with self._cache_lock:
            self._cache.pop(user, None)

    def _cipher(self, user: UserRef) -> AESGCM:
        """The user's key from the cache, else from KMS, asked once at a time for a user."""
        if (cipher := self._cached(user)) is not None:
            return cipher
        with self._stripes[hash(user.id) % STRIPES]:
            if (cipher := self._cached(user)) is not None:
                return cipher
            wrapped = self._wrapped(user.id)
            if wrapped is None:  # shredded: the user was erased
                raise SessionRevoked
            return self._remember(user, self._unwrap(user, wrapped))

    def _unwrap(self, user: UserRef, wrapped: bytes) -> bytes:
        try:
            answer = self._kms.decrypt(
                KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=_context(user)
            )
        except self._kms.exceptions.InvalidCiphertextException as exc:
            raise SealBroken("the wrapped key does not belong to this user") from exc
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable("the key service does not answer") from exc
        return bytes(answer["Plaintext"])

    def _cached(self, user: UserRef) -> AESGCM | None:
        with self._cache_lock:
            entry = self._cache.get(user)
            if entry is None or entry.until < self._monotonic():
                self._cache.pop(user, None)
                return None
            self._cache.move_to_end(user)
            return entry.cipher

    def _remember(self, user: UserRef, key: bytes) -> AESGCM:
        cipher = AESGCM(key)
        with self._cache_lock:
            self._cache[user] = _Cached(cipher, self._monotonic() + CACHE_SECONDS)
            while len(self._cache) > CACHE_USERS:
                self._cache.popitem(last=False)
        return cipher


def _context(user: UserRef) -> dict[str, str]:
    return {"purpose": ENVELOPE_PURPOSE, "subject": user.subject}


def _associated(place: str) -> bytes:
    return f"{place}|{FORMAT}".encode()
