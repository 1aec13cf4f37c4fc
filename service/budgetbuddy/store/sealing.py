"""Sealed attributes: small JSON objects of personal text, bound to the row they live in.

item["x"] = seal_fields(sealer, user, store.ledger.place(key), {"name": "Giro", "mask": "1234"})
open_fields(sealer, user, store.ledger.place(key), item["x"])["name"]
"""

from collections.abc import Mapping
from typing import Any

import orjson

from budgetbuddy.domain.ports import Sealer, UserRef


def seal_fields(sealer: Sealer, user: UserRef, place: str, fields: Mapping[str, Any]) -> bytes:
    """Ciphertext of `fields`."""
    return sealer.seal(user, place, orjson.dumps(dict(fields)))


def open_fields(sealer: Sealer, user: UserRef, place: str, sealed: bytes) -> dict[str, Any]:
    """The fields again; raises `SealBroken`."""
    fields: dict[str, Any] = orjson.loads(sealer.open(user, place, sealed))
    return fields
