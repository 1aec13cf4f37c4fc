"""Everybody's audit chains, and what the last look at them found."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from budgetbuddy.domain.audit_trail import Anchor, verify
from budgetbuddy.domain.verification import ERASED, Chain, chosen
from budgetbuddy.store.audit_trail import chain_links, chain_rows, is_older_than_retention
from budgetbuddy.store.chains import ERASURES, OPERATOR
from budgetbuddy.store.commands import head_key
from budgetbuddy.store.expressions import Absent, Compare, Either
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, put, update

if TYPE_CHECKING:
    from budgetbuddy.store.codec import Item

LEASE = Key(pk="LEASE#audit-chains", sk="LEASE")
FOUND = Key(pk="COMPLIANCE", sk="audit-chains")
_ENDED = re.compile(rb"seq=([0-9]+);hash=([0-9a-f]{64});")


class _Held(Exception):  # noqa: N818 - states a fact
    def __init__(self, _: object) -> None:
        super().__init__()


class ChainStore:
    """Implements `domain.verification.Chains`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def part(self, number: int, limit: int | None) -> Iterator[Chain]:
        """A shard of the registry, or the erased."""
        if number == ERASED:
            yield from self._erased()
            return
        rows = self._store.ledger.query(f"USERS#{number:02d}", consistent=False)
        for user_id in chosen([row["sk"] for row in rows], limit):
            chain = self._of_user(user_id)
            if chain is not None:
                yield chain

    def keep(self, found: Mapping[str, Any]) -> None:
        """One row, the last one."""
        row: Item = {"pk": FOUND.pk, "sk": FOUND.sk, "v": 1, "found": dict(found)}
        self._store.write(put(self._store.runtime.name, row))

    def found(self) -> Mapping[str, Any] | None:
        """What the last verification found; None before the first."""
        row = self._store.runtime.get(FOUND)
        return row["found"] if row else None

    def hold(self, seconds: int) -> bool:
        """A lease that runs out by itself."""
        now = int(self._store.clock().timestamp())
        free = Either((Absent("until"), Compare("until", "<=", now)))
        write = update(
            self._store.runtime.name,
            LEASE,
            set_={"until": now + seconds, "v": 1},
            when=(free,),
            refuse=_Held,
        )
        try:
            self._store.write(write)
        except _Held:
            return False
        return True

    def _of_user(self, user_id: str) -> Chain | None:
        """The head is read first, so that a writer in between breaks nothing."""
        head = self._store.ledger.get(head_key(user_id))
        profile = self._store.ledger.get(profile_key(user_id))
        if head is None or profile is None:
            return None  # being erased: then the chain of erasures knows its end
        anchor = Anchor(seq=head["auditSeq"], hash=head["auditHash"])
        may_begin_later = is_older_than_retention(self._store, profile)
        links = chain_links(self._store, profile["subject"])
        result = verify(links, anchor, may_begin_later=may_begin_later)
        return Chain(
            subject=profile["subject"],
            rows=result.rows,
            broken=result.broken,
            is_privileged=bool(profile["roles"]),
            has_second_factor=profile["mfa"],
        )

    def _erased(self) -> Iterator[Chain]:
        """The chains of no user, and with the ends that one of them keeps those of the erased.

        When an erased user began is not known any more: their first rows may have run out.
        """
        yield from self._own(OPERATOR)
        yield from self._own(ERASURES)
        for row in chain_rows(self._store, ERASURES):
            ended = _ENDED.search(bytes(row["x"]))
            subject = row["obj"].removeprefix("subject:")
            if ended is not None and int(ended.group(1)):
                yield self._of_erased(subject, int(ended.group(1)), ended.group(2).decode())

    def _own(self, name: str) -> Iterator[Chain]:
        """Up to its last row: where such a chain ends is kept nowhere else."""
        rows = list(chain_rows(self._store, name))
        if rows:
            anchor = Anchor(seq=int(rows[-1]["sk"]), hash=rows[-1]["hash"])
            may_begin_later = int(rows[0]["sk"]) > 1
            links = chain_links(self._store, name)
            found = verify(links, anchor, may_begin_later=may_begin_later)
            yield Chain(subject=name, rows=found.rows, broken=found.broken)

    def _of_erased(self, subject: str, seq: int, last: str) -> Chain:
        links = chain_links(self._store, subject)
        result = verify(links, Anchor(seq=seq, hash=last), may_begin_later=True)
        return Chain(subject=subject, rows=result.rows, broken=result.broken)
