"""All audit chains, recomputed: by an officer's order, a part at a time, as a job."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Final, Protocol

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.jobs import KEPT, Job, JobRows, JobStatus
from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.domain.ports import AuditEntry, Clock, Context, UserRef

SHARDS: Final = 16  # parts of the registry of users
ERASED: Final = SHARDS  # the part of those who are gone
JOB_KIND: Final = "audit-verification"
EVERY: Final = timedelta(days=7)
HELD_SECONDS: Final = 6 * 3_600  # longer than the sweep of a very large system
SHOWN: Final = 20  # broken chains that are named


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One verified chain of a pseudonym; `broken` is the first row that is not as written."""

    subject: str
    rows: int
    broken: int | None
    is_privileged: bool = False
    has_second_factor: bool = False


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was found so far."""

    chains: int = 0
    rows: int = 0
    broken: int = 0
    privileged: int = 0
    with_second_factor: int = 0
    named: tuple[tuple[str, int], ...] = ()

    def plus(self, chain: Chain) -> "Tally":
        """With one more."""
        is_broken = chain.broken is not None
        name = ((chain.subject, int(chain.broken or 0)),) if is_broken else ()
        return Tally(
            chains=self.chains + 1,
            rows=self.rows + chain.rows,
            broken=self.broken + is_broken,
            privileged=self.privileged + chain.is_privileged,
            with_second_factor=self.with_second_factor
            + (chain.is_privileged and chain.has_second_factor),
            named=(self.named + name)[:SHOWN],
        )


class Chains(Protocol):
    """The chains of everybody."""

    def part(self, number: int, limit: int | None) -> Iterator[Chain]:
        """Those of one part, each verified; `limit` takes as many by chance."""

    def keep(self, found: Mapping[str, Any]) -> None:
        """The result of the last verification, for reports."""

    def found(self) -> Mapping[str, Any] | None:
        """The last result; None before the first."""

    def hold(self, seconds: int) -> bool:
        """Whether nobody else verifies; from then on nobody else does, for so long."""


@dataclass(frozen=True, kw_only=True)
class ChainVerification:
    """`sample` is how many chains of each part are taken; None takes all."""

    chains: Chains
    jobs: JobRows
    queue: Queue
    clock: Clock

    def order(self, context: Context, *, sample: int | None) -> Job:
        """Begin."""
        now = self.clock()
        job = Job(
            id=make_id(Kind.JOB),
            kind=JOB_KIND,
            status=JobStatus.QUEUED,
            done=0,
            total=SHARDS + 1,
            result=_result(Tally(), sample),
            created_at=format_instant(now),
            finished_at=None,
            expires_at=format_instant(now + KEPT),
        )
        entry = AuditEntry(event=Event.AUDIT_VERIFIED, object=f"job:{job.id}")
        made = self.jobs.add(context, job, entry)
        self._go_on(context.user, made.id, 0)
        return made

    def step(self, user: UserRef, job_id: str, number: int) -> int:
        """Verify one part; repeating a part that is done does nothing. How many are broken."""
        job = self.jobs.get(user, job_id)
        if job.done != number:
            if number + 1 == job.done < job.total:  # it died before it sent the next message
                self._go_on(user, job_id, job.done)
            return 0
        sample = job.result["sample"]
        tally, before = _tally(job.result), job.result["broken"]
        for chain in self.chains.part(number, sample):
            tally = tally.plus(chain)
        done = replace(
            job, done=number + 1, status=JobStatus.RUNNING, result=_result(tally, sample)
        )
        if done.done == job.total:
            self._finish(user, done, tally)
        else:
            self.jobs.note(user, done)
            self._go_on(user, job_id, number + 1)
        return int(tally.broken - before)

    def sweep(self) -> int:
        """Verify everything, if that was not done for a week; how many chains are broken."""
        last, now = self.chains.found(), self.clock()
        is_recent = (
            last is not None
            and last["sample"] is None
            and now - parse_instant(last["finishedAt"]) < EVERY
        )
        if is_recent or not self.chains.hold(HELD_SECONDS):
            return 0
        tally = Tally()
        for number in range(SHARDS + 1):
            for chain in self.chains.part(number, None):
                tally = tally.plus(chain)
        at = format_instant(self.clock())
        self.chains.keep({**_result(tally, None), "finishedAt": at})
        return tally.broken

    def _finish(self, user: UserRef, job: Job, tally: Tally) -> None:
        now = format_instant(self.clock())
        done = replace(job, status=JobStatus.SUCCEEDED, finished_at=now)
        self.chains.keep({**_result(tally, job.result["sample"]), "finishedAt": now})
        self.jobs.note(user, done)

    def _go_on(self, user: UserRef, job_id: str, number: int) -> None:
        data = {"user": user.id, "subject": user.subject, "job": job_id, "part": number}
        self.queue.send(Message(kind=MessageKind.AUDIT_VERIFICATION, data=data))


def chosen(subjects: list[str], limit: int | None) -> list[str]:
    """All, or as many by chance."""
    if limit is None or limit >= len(subjects):
        return subjects
    return random.sample(subjects, limit)


def _result(tally: Tally, sample: int | None) -> dict[str, Any]:
    return {
        "sample": sample,
        **{name: value for name, value in asdict(tally).items() if name != "named"},
        "named": [list(pair) for pair in tally.named],
    }


def _tally(result: Mapping[str, Any]) -> Tally:
    named = tuple((subject, seq) for subject, seq in result["named"])
    rest = {k: v for k, v in result.items() if k not in {"sample", "named"}}
    return Tally(**rest, named=named)
