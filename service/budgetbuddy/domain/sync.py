"""Delta sync: a snapshot in pages first, then what changed since, with tombstones.

A token says where the client is: at a row of the snapshot, or behind a commit. It is no secret and
leads nowhere but into the user's own rows. Tombstones are kept for ninety days; a client that was
away longer starts again.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.ports import UserRef
from budgetbuddy.problems import BadRequest, Gone

KEPT: Final = timedelta(days=90)
_PARTS: Final = 3


class SyncTokenExpired(Gone):
    """The changes since then are not all kept any more."""

    code = "sync_token_expired"
    title = "The client was away for too long; sync again from the beginning"


class InvalidSyncToken(BadRequest):
    """Not a token of ours."""

    code = "invalid_sync_token"
    title = "The sync token is not valid"


class SyncType(StrEnum):
    """What is synced."""

    ACCOUNT = "account"
    TRANSACTION = "transaction"
    TRANSFER = "transfer"
    CATEGORY = "category"
    RULE = "rule"
    RECURRING = "recurring"
    BUDGET = "budget"
    GOAL = "goal"
    PROFILE = "profile"


class SyncOp(StrEnum):
    """What the client does with it."""

    UPSERT = "upsert"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class SyncChange:
    """One entity as it is now; `entity` is `None` for a tombstone."""

    seq: int
    type: SyncType
    id: str
    op: SyncOp
    version: int
    entity: object | None = None


@dataclass(frozen=True, kw_only=True)
class SyncToken:
    """Behind commit `seq`; `row` is the last row of a snapshot that is not finished.

    `at` is when it was given, in seconds since the epoch.
    """

    seq: int
    at: int
    row: str = ""

    def encode(self) -> str:
        """As the client keeps it."""
        text = f"{self.seq}.{self.at}.{self.row}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(text: str) -> SyncToken:
    """Raises `InvalidSyncToken`."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        parts = plain.decode("ascii").split(".", _PARTS - 1)
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise InvalidSyncToken from exc
    if len(parts) != _PARTS or not all(part.isdecimal() for part in parts[:2]):
        raise InvalidSyncToken
    if max(map(len, parts[:2])) > 15:  # noqa: PLR2004 - digits of any seq and instant of ours
        raise InvalidSyncToken
    return SyncToken(seq=int(parts[0]), at=int(parts[1]), row=parts[2])


@dataclass(frozen=True, kw_only=True)
class SyncPage:
    """Changes in the order of their commits, one an entity; `next` is where to go on."""

    changes: Sequence[SyncChange]
    next: SyncToken
    has_more: bool


class SyncFeed(Protocol):
    """What a client has not seen yet."""

    def page(self, user: UserRef, since: SyncToken | None, *, limit: int) -> SyncPage:
        """About `limit` changes at most. Raises `SyncTokenExpired`."""


def latest(changes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each entity the last change, in the order of these."""
    last = {(change["type"], change["id"]): change for change in changes}
    return sorted(last.values(), key=lambda change: int(change["seq"]))
