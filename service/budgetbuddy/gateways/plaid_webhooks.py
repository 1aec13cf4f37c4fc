"""Plaid's webhooks: a JWT in a header signs the hash of the raw body.

Checked in this order, and nothing is read before: header's shape, algorithm, key id, key (cached,
else asked for), signature, age, hash of the body in constant time.
"""

import hashlib
import hmac
import json
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt

from budgetbuddy.domain.bank_webhooks import BankEvent, KeysUnavailable, SignatureInvalid
from budgetbuddy.domain.ports import Clock
from budgetbuddy.gateways.plaid import PlaidBanks
from budgetbuddy.problems import BadRequest, UpstreamInvalid, UpstreamUnavailable

ALGORITHM: Final = "ES256"
LONGEST_TOKEN: Final = 4_096
OLDEST_SECONDS: Final = 300
AHEAD_SECONDS: Final = 10  # clocks differ a little
KEY_SECONDS: Final = 24 * 3_600.0
UNKNOWN_SECONDS: Final = 300.0
KEYS: Final = 64
MINUTE: Final = 60.0
FETCHES_A_MINUTE: Final = 6  # of key ids we have not seen: a forger can make up any number
_KEY_ID = re.compile("[0-9a-f-]{36}")


@dataclass(frozen=True)
class _Known:
    """A key, or `None` where Plaid has none of this id."""

    key: Any
    until: float


class PlaidKeys:
    """Plaid's public keys by id, each asked for once a day."""

    def __init__(
        self, banks: PlaidBanks, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._banks = banks
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._fetches: deque[float] = deque(maxlen=FETCHES_A_MINUTE)

    def get(self, key_id: str) -> Any:
        """The key. Raises `SignatureInvalid` for an unknown id, `KeysUnavailable`."""
        now = self._monotonic()
        with self._lock:
            known = self._known.get(key_id)
            is_fresh = known is not None and known.until > now
            if not is_fresh:
                self._count_fetch(now)
        if known is None or not is_fresh:
            known = self._fetch(key_id, now)
        if known.key is None:
            raise SignatureInvalid
        return known.key

    def _count_fetch(self, now: float) -> None:
        if len(self._fetches) == FETCHES_A_MINUTE and now - self._fetches[0] < MINUTE:
            raise KeysUnavailable
        self._fetches.append(now)

    def _fetch(self, key_id: str, now: float) -> _Known:
        """Asked without the lock: whoever knows their key does not wait for it."""
        try:
            found = self._banks.webhook_key(key_id)
        except (UpstreamUnavailable, UpstreamInvalid) as exc:
            raise KeysUnavailable from exc
        known = _Known(found, now + (UNKNOWN_SECONDS if found is None else KEY_SECONDS))
        with self._lock:
            self._known[key_id] = known
            while len(self._known) > KEYS:
                self._known.popitem(last=False)
        return known


class PlaidEvents:
    """Implements `domain.bank_webhooks.EventVerifier`."""

    def __init__(self, keys: PlaidKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def verify(self, body: bytes, signature: str) -> BankEvent:
        """The event of a body that Plaid has signed within five minutes."""
        key = self._keys.get(_key_id(signature))
        try:
            claims = jwt.decode(
                signature,
                key,
                algorithms=[ALGORITHM],
                options={"require": ["iat"], "verify_iat": False},  # by our own clock, below
            )
        except jwt.InvalidTokenError as exc:
            raise SignatureInvalid from exc
        self._require_recent(claims["iat"])
        told, real = claims.get("request_body_sha256"), hashlib.sha256(body).hexdigest()
        if not hmac.compare_digest(str(told).encode(), real.encode()):
            raise SignatureInvalid
        return _event(body, hashlib.sha256(signature.encode()).hexdigest())

    def _require_recent(self, issued: Any) -> None:
        age = self._clock().timestamp() - issued if isinstance(issued, int) else None
        if age is None or not -AHEAD_SECONDS <= age <= OLDEST_SECONDS:
            raise SignatureInvalid


def _key_id(signature: str) -> str:
    """The key id of a token that can be Plaid's at all; nothing is trusted yet."""
    if not 0 < len(signature) <= LONGEST_TOKEN:
        raise SignatureInvalid
    try:
        header = jwt.get_unverified_header(signature)
    except jwt.InvalidTokenError as exc:
        raise SignatureInvalid from exc
    key_id = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
        raise SignatureInvalid
    if _KEY_ID.fullmatch(key_id) is None:
        raise SignatureInvalid
    return key_id


def _event(body: bytes, event_id: str) -> BankEvent:
    try:
        told = json.loads(body)
        return BankEvent(
            id=event_id,
            type=str(told["webhook_type"]),
            code=str(told["webhook_code"]),
            provider_id=str(told.get("item_id", "")),
        )
    except (ValueError, KeyError, AttributeError, TypeError) as exc:
        raise BadRequest("the event has not the shape of Plaid's") from exc
