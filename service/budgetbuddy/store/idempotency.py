"""Idempotency-Key rows: claimed before the work, completed inside its transaction, replayed after.

| row found             | same fingerprint          | other fingerprint |
|-----------------------|---------------------------|-------------------|
| none, or past its ttl | claim it                  | claim it          |
| claimed, lease runs   | `IdempotencyInProgress`   | `…KeyReused`      |
| claimed, lease over   | take it over              | `…KeyReused`      |
| done                  | the stored reply          | `…KeyReused`      |

Work and completion are one transaction, so an owner whose lease is over wrote nothing, and one
that comes back too late is refused as a whole.
"""

import gzip

from budgetbuddy.domain.ports import Claim, Context, Reply, Sealer, UserRef
from budgetbuddy.problems import IdempotencyInProgress, IdempotencyKeyReused
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Absent, All, Compare, Either, Equals
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update

LEASE_SECONDS = 60
KEPT_SECONDS = 24 * 3_600
CLAIMED, DONE = "claimed", "done"


class _Taken(Exception):  # noqa: N818 - carries the row that was there first
    def __init__(self, stored: Item | None) -> None:
        self.stored = stored


class IdempotencyStore:
    """The state machine above, on the Runtime table."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def claim(self, user: UserRef, *, key: str, owner: str, fingerprint: str) -> Claim | Reply:
        """A claim to work under, or the reply of the first request."""
        now = int(self._store.clock().timestamp())
        claim = Claim(key=key, owner=owner)
        row: Item = {
            "pk": f"U#{user.id}",
            "sk": f"IDEM#{key}",
            "v": 1,
            "state": CLAIMED,
            "owner": owner,
            "fingerprint": fingerprint,
            "lease": now + LEASE_SECONDS,
            "ttl": now + KEPT_SECONDS,
        }
        lapsed = All((Equals("state", CLAIMED), Compare("lease", "<=", now)))
        lapsed_same = All((lapsed, Equals("fingerprint", fingerprint)))
        free = Either((Absent("pk"), Compare("ttl", "<=", now), lapsed_same))
        try:
            self._store.write(put(self._store.runtime.name, row, when=(free,), refuse=_Taken))
        except _Taken as taken:
            return self._replay(user, claim, fingerprint, taken.stored)
        return claim

    def _replay(self, user: UserRef, claim: Claim, fingerprint: str, stored: Item | None) -> Reply:
        if stored is None:  # it vanished between the two: let the client come again
            raise IdempotencyInProgress
        if stored["fingerprint"] != fingerprint:
            raise IdempotencyKeyReused
        if stored["state"] != DONE:
            raise IdempotencyInProgress
        place = self._store.runtime.place(idempotency_key(user, claim))
        body = gzip.decompress(self._sealer.open(user, place, stored["x"]))
        return Reply(status=stored["status"], headers=stored["headers"], body=body)

    def release(self, user: UserRef, claim: Claim) -> None:
        """Forget the claim of failed work; a completed or taken-over one stays."""
        mine = (Equals("owner", claim.owner), Equals("state", CLAIMED))
        key = idempotency_key(user, claim)
        try:
            self._store.write(delete(self._store.runtime.name, key, when=mine, refuse=_Taken))
        except _Taken:
            return


def idempotency_key(user: UserRef, claim: Claim) -> Key:
    """Where the row lives."""
    return Key(pk=f"U#{user.id}", sk=f"IDEM#{claim.key}")


def completion(store: Store, sealer: Sealer, context: Context, reply: Reply) -> Write:
    """The part of a command's transaction that makes its answer the one to replay."""
    claim = context.claim
    if claim is None:
        raise ValueError("nothing to complete without a claim")
    key = idempotency_key(context.user, claim)
    packed = gzip.compress(reply.body, mtime=0)
    return update(
        store.runtime.name,
        key,
        set_={
            "state": DONE,
            "status": reply.status,
            "headers": dict(reply.headers),
            "x": sealer.seal(context.user, store.runtime.place(key), packed),
        },
        when=(Equals("owner", claim.owner), Equals("state", CLAIMED)),
        refuse=lambda _: IdempotencyInProgress(),
    )
