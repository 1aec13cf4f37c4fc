"""The use cases of rows that come in over bank links: asked for, done by the worker, noted."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from budgetbuddy.domain.accounts import Accounts, AccountStatus
from budgetbuddy.domain.bank_reading import all_pages, problem_now
from budgetbuddy.domain.bank_sync import fold
from budgetbuddy.domain.banks import (
    BankItem,
    BankItems,
    BankLedger,
    BankLoginRequired,
    BankOwners,
    BankPage,
    BankProvider,
    ItemProblem,
    LinkEnded,
    SyncCounts,
    SyncRunning,
)
from budgetbuddy.domain.deadline import REQUEST_SECONDS, time_limit
from budgetbuddy.domain.jobs import Job, Jobs, JobStatus, failed, new_job, succeeded
from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.problems import Problem, ProviderNotConfigured, SessionRevoked

JOB_KIND: Final = "bank-sync"
SYNC_SECONDS: Final = 40.0  # of reading; the queue keeps a message from others for 120


@dataclass(frozen=True, kw_only=True)
class BankSyncs:
    """Without a provider every method that needs it raises `ProviderNotConfigured`."""

    provider: BankProvider | None
    items: BankItems
    ledger: BankLedger
    accounts: Accounts
    owners: BankOwners
    jobs: Jobs
    queue: Queue
    clock: Clock
    raise_alerts: Callable[[UserRef], None]

    def order(self, context: Context, item_id: str) -> Job:
        """Have the worker bring in what changed at the bank; the job says how that went.

        Raises `NotFound`, `SyncRunning`, `ProviderNotConfigured`, or why nothing can be asked for.
        """
        item, job = self.items.get(context.user, item_id), new_job(JOB_KIND, self.clock())
        if self.provider is None:
            raise ProviderNotConfigured
        self.ledger.lease(context.user, item_id, job.id)
        try:
            self.ledger.keep(context.user, job)
            self.ask(item, context.request_id, job=job.id)
        except BaseException:
            self.ledger.release(context.user, item_id, job.id)
            raise
        return self.jobs.get(context.user, job.id)

    def bring_in(self, provider_id: str, request_id: str, job_id: str | None) -> Problem | None:
        """Do for the worker what a user, a link or an event asks for; a repeat changes nothing.

        What cannot be done for a user is kept in the job that they look at, and returned. Without
        a job it is raised, and asked again. What the user has to do for it is noted on the link.
        """
        owner = self.owners(provider_id)
        if owner is None:
            return None  # the link was ended, or its user erased
        user, item_id = owner
        context = Context(user=user, request_id=request_id, actor="system")
        if job_id is None:
            with suppress(BankLoginRequired, LinkEnded, SessionRevoked):
                self.sync(context, item_id, new_job(JOB_KIND, self.clock()))
            return None
        with suppress(SessionRevoked):
            return self._do(context, item_id, self.jobs.get(user, job_id))
        return None

    def _do(self, context: Context, item_id: str, job: Job) -> Problem | None:
        """Why the job failed, if it did."""
        if job.status is not JobStatus.QUEUED:
            return None  # done before, and told again
        try:
            self.sync(context, item_id, job)
        except (SessionRevoked, SyncRunning):
            raise
        except Problem as exc:
            self.ledger.keep(context.user, failed(job, self.clock(), exc))
            return exc
        return None

    def ask(self, item: BankItem, request_id: str, **more: str) -> None:
        """Tell the worker. Raises `UpstreamUnavailable`."""
        data = {"provider": item.provider_id, **more}
        self.queue.send(Message(kind=MessageKind.BANK_SYNC, data=data, request_id=request_id))

    def look(self, provider_id: str, request_id: str, *, warned: bool) -> None:
        """Note what the user has to do at the bank, as the provider says now."""
        owner = self.owners(provider_id)
        if owner is None:
            return
        user, item_id = owner
        item = self.items.get(user, item_id)
        with time_limit(REQUEST_SECONDS):
            problem = problem_now(self._banks, item, self.clock(), warned=warned)
        context = Context(user=user, request_id=request_id, actor="system")
        with suppress(SessionRevoked):  # an erased user has nothing to do any more
            self.items.attend(context, item_id, problem)

    def sync(self, context: Context, item_id: str, job: Job) -> Job:
        """Bring in what changed at the bank since the last time.

        Raises `SyncRunning`, `BankLoginRequired`, `LinkEnded`, `BankDataChanging`, `NotFound`.
        """
        banks, job_id = self._banks, job.id
        self.ledger.lease(context.user, item_id, job_id)
        try:
            item = self.items.get(context.user, item_id)
            pages = self._read(banks, context, item)
            currencies = self._currencies(context.user, item)
            first_on = None if item.cursor else self.clock().date()
            delta = fold(pages, currencies, first_on=first_on)
            counts = self.ledger.apply(context, item, delta, job_id)
            done = succeeded(job, self.clock(), _result(item, counts, delta.skipped))
            finished = self.ledger.finish(context, item, delta, job_id, done)
        finally:
            self.ledger.release(context.user, item_id, job_id)
        with suppress(Problem):  # the rows are booked; the next look at the budgets raises them
            self.raise_alerts(context.user)
        return finished

    @property
    def _banks(self) -> BankProvider:
        if self.provider is None:
            raise ProviderNotConfigured
        return self.provider

    def _read(self, banks: BankProvider, context: Context, item: BankItem) -> list[BankPage]:
        """What changed; what the user has to do for it is noted on the item."""
        try:
            with time_limit(SYNC_SECONDS):
                return all_pages(banks, item)
        except BankLoginRequired:
            self.items.attend(context, item.id, ItemProblem.LOGIN_REQUIRED)
            raise
        except LinkEnded:
            self.items.attend(context, item.id, ItemProblem.CONSENT_REVOKED)
            raise

    def _currencies(self, user: UserRef, item: BankItem) -> Mapping[str, str]:
        """Bank account to currency, of the accounts that take rows."""
        is_open = {a.id: a for a in self.accounts.list(user) if a.status is AccountStatus.OPEN}
        return {
            linked.provider_id: is_open[linked.account_id].currency.code
            for linked in item.accounts
            if linked.account_id is not None and linked.account_id in is_open
        }


def _result(item: BankItem, counts: SyncCounts, skipped: int) -> dict[str, object]:
    return {
        "itemId": item.id,
        "created": counts.created,
        "changed": counts.changed,
        "removed": counts.removed,
        "skipped": skipped,
    }
