"""Erasure: everything a user left is removed or made unreadable, step by step, whatever fails.

The user's data key goes first of all that is ours, so that backups are unreadable from then on.
Every step can be repeated, and the receipt says which are done: a run that died is taken up where
it stopped. A provider that does not answer delays the rest by three days at most.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.bank_reading import end_link
from budgetbuddy.domain.banks import BankItems, BankProvider
from budgetbuddy.domain.credentials import Credentials
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.deadline import REQUEST_SECONDS, time_limit
from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.problems import (
    NotFound,
    Problem,
    ProviderNotConfigured,
    UpstreamInvalid,
    UpstreamUnavailable,
)

PATIENCE: Final = timedelta(hours=72)  # with providers
RECEIPT_KEPT: Final = timedelta(days=90)
_RECEIPT_BYTES: Final = 32
ELSEWHERE: Final = (UpstreamInvalid, UpstreamUnavailable, ProviderNotConfigured)


class StepName(StrEnum):
    """The steps in their order."""

    CLOSED = "closed"  # nothing can be written for the user any more
    BANKS = "banks"  # links ended at the provider
    PAYMENTS = "payments"  # subscriptions ended and the customer forgotten at the provider
    KEY = "key"  # what was sealed is unreadable, in backups too
    POINTERS = "pointers"  # rows elsewhere that lead to the user
    CHANGES = "changes"
    RUNTIME = "runtime"
    LEDGER = "ledger"
    RECORDED = "recorded"  # in the chain of erasures


class StepStatus(StrEnum):
    """How a step ended."""

    PENDING = "pending"
    DONE = "done"
    GIVEN_UP = "given_up"  # the provider did not answer for three days


@dataclass(frozen=True, kw_only=True)
class Step:
    """`count` is how many rows or links it removed."""

    name: StepName
    status: StepStatus = StepStatus.PENDING
    count: int = 0


ALL_PENDING: Final = tuple(Step(name=name) for name in StepName)


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """One erasure by the digest of its receipt; `user` is forgotten with the last step."""

    digest: str
    user: UserRef | None
    requested_at: str
    finished_at: str | None = None
    steps: tuple[Step, ...] = ALL_PENDING

    def noted(self, step: Step) -> "Erasure":
        """With a step as it ended."""
        steps = tuple(step if found.name is step.name else found for found in self.steps)
        return replace(self, steps=steps)


class Remover(Protocol):
    """One step: removes what there is of the user, and can be repeated."""

    def __call__(self, user: UserRef) -> int:
        """How much was removed; raises one of `ELSEWHERE` when a provider has to be asked again."""


class ErasureRows(Protocol):
    """Where receipts are kept."""

    def begin(self, context: Context, erasure: Erasure) -> None:
        """Keep the receipt; the user's tokens end with it."""

    def find(self, digest: str) -> Erasure | None:
        """By the digest of the receipt."""

    def pending(self) -> Sequence[str]:
        """Digests of what is not finished."""

    def hold(self, digest: str, owner: str) -> bool:
        """Whether `owner` may go on with it for the next two minutes."""

    def release(self, digest: str, owner: str) -> None:
        """Let go, unless somebody else holds it by now."""

    def note(self, erasure: Erasure) -> None:
        """Keep how far it is."""

    def close(self, erasure: Erasure) -> int:
        """Remove the user's head, and keep the end of their audit chain with the receipt."""

    def finish(self, erasure: Erasure) -> None:
        """Add to the chain of erasures and forget the user, both or neither."""


def digest_of(receipt: str) -> str:
    """What is stored of a receipt."""
    return hashlib.sha256(receipt.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class BankEndings:
    """The step that ends every link at the provider, while its tokens can still be opened."""

    provider: BankProvider | None
    items: BankItems

    def __call__(self, user: UserRef) -> int:
        """How many; raises one of `ELSEWHERE`."""
        items = self.items.list(user)
        for item in items:
            if self.provider is None:
                raise ProviderNotConfigured
            with time_limit(REQUEST_SECONDS):
                end_link(self.provider, item)
        return len(items)


@dataclass(frozen=True, kw_only=True)
class Erasures:
    """The use cases: ask for it, go on with it, look at it."""

    rows: ErasureRows
    credentials: Credentials
    removers: Mapping[StepName, Remover]
    queue: Queue
    clock: Clock

    def request(self, context: Context, password: str, code: str | None) -> str:
        """The receipt of an erasure that has begun. Raises `InvalidCredentials`, `MfaCodeInvalid`.

        A message that is lost, and a step that fails, are left to the sweep.
        """
        self.credentials.confirm(context, password, code)
        receipt = secrets.token_urlsafe(_RECEIPT_BYTES)
        erasure = Erasure(digest=digest_of(receipt), user=context.user, requested_at=self._now())
        self.rows.begin(context, erasure)
        with suppress(Problem):  # what is asked for stands
            self.queue.send(
                Message(
                    kind=MessageKind.ERASURE,
                    data={"digest": erasure.digest},
                    request_id=context.request_id,
                )
            )
        return receipt

    def status(self, receipt: str) -> Erasure:
        """Raises `NotFound`."""
        found = self.rows.find(digest_of(receipt))
        if found is None:
            raise NotFound
        return found

    def sweep(self) -> int:
        """Go on with everything that is not finished; how many were overdue."""
        overdue = 0
        for digest in self.rows.pending():
            found = self.rows.find(digest)
            overdue += found is not None and self._is_overdue(found)
            self.resume(digest)
        return overdue

    def overdue(self) -> int:
        """How many are not finished although their time is over."""
        found = (self.rows.find(digest) for digest in self.rows.pending())
        return sum(each is not None and self._is_overdue(each) for each in found)

    def resume(self, digest: str) -> None:
        """Do what is left, unless somebody else is at it or a provider does not answer."""
        owner = secrets.token_hex(8)
        if not self.rows.hold(digest, owner):
            return
        try:
            self._go_on(digest)
        finally:
            self.rows.release(digest, owner)

    def _go_on(self, digest: str) -> None:
        erasure = self.rows.find(digest)
        if erasure is None or erasure.user is None:
            return
        for step in erasure.steps:
            if step.status is not StepStatus.PENDING:
                continue
            ended = self._run(erasure, erasure.user, step.name)
            erasure = erasure.noted(ended)
            if ended.status is StepStatus.PENDING:
                return
            if ended.name is not StepName.RECORDED:
                self.rows.note(erasure)

    def _run(self, erasure: Erasure, user: UserRef, name: StepName) -> Step:
        if name is StepName.RECORDED:
            done = Step(name=name, status=StepStatus.DONE, count=1)
            self.rows.finish(replace(erasure.noted(done), finished_at=self._now()))
            return done
        if name is StepName.CLOSED:
            return Step(name=name, status=StepStatus.DONE, count=self.rows.close(erasure))
        try:
            removed = self.removers[name](user)
        except ELSEWHERE:
            gave_up = self._is_overdue(erasure)
            return Step(name=name, status=StepStatus.GIVEN_UP if gave_up else StepStatus.PENDING)
        return Step(name=name, status=StepStatus.DONE, count=removed)

    def _is_overdue(self, erasure: Erasure) -> bool:
        return self.clock() - parse_instant(erasure.requested_at) > PATIENCE

    def _now(self) -> str:
        return format_instant(self.clock())
