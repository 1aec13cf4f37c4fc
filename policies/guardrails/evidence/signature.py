"""Detached signatures of a bundle's manifest, in the format of minisign.

https://jedisct1.github.io/minisign/ describes keys and signatures: Ed25519 over the BLAKE2b hash of
the file, and a second signature over the first one and the trusted comment. Keys are read and
written without a password (as by `minisign -G -W`), so the file's mode is what protects them.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

if TYPE_CHECKING:
    from pathlib import Path

ALGORITHM: Final = b"Ed"
HASHED: Final = b"ED"  # the signature is over the file's hash
NO_PASSWORD: Final = b"\0\0"
CHECKSUM: Final = b"B2"
UNTRUSTED: Final = "untrusted comment: "
TRUSTED: Final = "trusted comment: "
ID, SEED, SIGNATURE = 8, 32, 64  # bytes
HEADER: Final = 6 + 32 + 8 + 8  # algorithms, then salt and cost of a password that is not used
PRIVATE: Final = HEADER + ID + SEED + SEED + 32
OWNER_ONLY: Final = 0o600


class SignatureError(Exception):
    """A key or a signature cannot be used; the message says why, and never holds a key."""


@dataclass(frozen=True)
class PublicKey:
    """Who may have signed."""

    number: bytes
    key: bytes

    def text(self) -> str:
        """The key as a file."""
        named = int.from_bytes(self.number, "little")
        line = _line(ALGORITHM, self.number, self.key)
        return f"{UNTRUSTED}minisign public key {named:016X}\n{line}\n"


@dataclass(frozen=True)
class SecretKey:
    """What signs. Its representation hides the key."""

    number: bytes
    seed: bytes

    def __repr__(self) -> str:
        return "SecretKey(...)"

    @property
    def public(self) -> PublicKey:
        """Its other half."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return PublicKey(self.number, private.public_key().public_bytes_raw())

    def text(self) -> str:
        """The key as a file."""
        own = self.number + self.seed + self.public.key
        check = hashlib.blake2b(ALGORITHM + own, digest_size=32).digest()
        unused = bytes(HEADER - 6)
        return (
            f"{UNTRUSTED}minisign secret key\n"
            f"{_line(ALGORITHM, NO_PASSWORD, CHECKSUM, unused, own, check)}\n"
        )

    def sign(self, content: bytes, comment: str) -> str:
        """The signature file for `content`; the same content and comment give the same bytes."""
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        signature = private.sign(_digest(content))
        whole = private.sign(signature + comment.encode())
        return (
            f"{UNTRUSTED}signature from guardrails\n{_line(HASHED, self.number, signature)}\n"
            f"{TRUSTED}{comment}\n{_line(whole)}\n"
        )


def new_key() -> SecretKey:
    """A random key."""
    return SecretKey(secrets.token_bytes(ID), secrets.token_bytes(SEED))


def write_key(key: SecretKey, path: Path) -> Path:
    """Write both halves; returns the path of the public one. Never overwrites a key."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(key.text())
    public = path.with_suffix(".pub")
    public.write_text(key.public.text(), encoding="utf-8")
    return public


def secret_key(text: str) -> SecretKey:
    """Read a secret key. Raises `SignatureError`."""
    raw = _decoded(text, 1, PRIVATE)
    if raw[2:4] != NO_PASSWORD:
        raise SignatureError("the key is protected by a password")
    own = raw[HEADER:-32]
    if hashlib.blake2b(raw[:2] + own, digest_size=32).digest() != raw[-32:]:
        raise SignatureError("the key's checksum does not fit")
    return SecretKey(own[:ID], own[ID : ID + SEED])


def public_key(text: str) -> PublicKey:
    """Read a public key. Raises `SignatureError`."""
    raw = _decoded(text, 1, 2 + ID + SEED)
    return PublicKey(raw[2 : 2 + ID], raw[2 + ID :])


def verify(content: bytes, signature: str, key: PublicKey) -> str:
    """The trusted comment when `key` signed `content`. Raises `SignatureError`."""
    raw, whole = _decoded(signature, 1, 2 + ID + SIGNATURE), _decoded(signature, 3, SIGNATURE)
    comment = signature.splitlines()[2].removeprefix(TRUSTED)
    if raw[2 : 2 + ID] != key.number:
        raise SignatureError("another key signed it")
    public, inner = Ed25519PublicKey.from_public_bytes(key.key), raw[2 + ID :]
    try:
        public.verify(inner, _digest(content) if raw[:2] == HASHED else content)
        public.verify(whole, inner + comment.encode())
    except InvalidSignature:
        raise SignatureError("the signature does not fit the content") from None
    return comment


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()


def _line(*parts: bytes) -> str:
    return b64encode(b"".join(parts)).decode()


def _decoded(text: str, line: int, length: int) -> bytes:
    """The bytes of one line of a minisign file."""
    lines = text.splitlines()
    try:
        raw = b64decode(lines[line], validate=True)
    except (IndexError, binascii.Error, ValueError):
        raise SignatureError("it is no minisign file") from None
    if len(raw) != length:
        raise SignatureError("it is no minisign file of this kind")
    return raw
