"""The use cases of bank links: link, bring rows in, unlink."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from budgetbuddy.domain.accounts import Accounts, AccountStatus
from budgetbuddy.domain.bank_reading import all_pages, end_link, problem_now
from budgetbuddy.domain.bank_sync import fold
from budgetbuddy.domain.banks import (
    AccountNotOffered,
    BankAccount,
    BankItem,
    BankItems,
    BankLedger,
    BankLoginRequired,
    BankOwners,
    BankPage,
    BankProvider,
    Institution,
    ItemProblem,
    LinkedAccount,
    LinkEnded,
    LinkToken,
    NewLink,
    SyncCounts,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.deadline import REQUEST_SECONDS, time_limit
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.jobs import KEPT, Job, JobStatus
from budgetbuddy.domain.messages import Message, MessageKind, Queue
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.problems import (
    FieldError,
    Problem,
    ProviderNotConfigured,
    SessionRevoked,
    VersionConflict,
)

SYNC_SECONDS: Final = 40.0  # of reading; the load balancer gives up after 50


@dataclass(frozen=True, kw_only=True)
class BankLinks:
    """Without a provider every method that needs it raises `ProviderNotConfigured`."""

    provider: BankProvider | None
    items: BankItems
    ledger: BankLedger
    accounts: Accounts
    owners: BankOwners
    queue: Queue
    clock: Clock
    raise_alerts: Callable[[UserRef], None]

    def link_token(self, user: UserRef, redirect_uri: str | None) -> LinkToken:
        """Opens a new link on the client."""
        with time_limit(REQUEST_SECONDS):
            return self._banks.create_link_token(user, redirect_uri=redirect_uri)

    def update_token(self, user: UserRef, item_id: str, redirect_uri: str | None) -> LinkToken:
        """Mends a link whose bank wants to see its customer again. Raises `NotFound`."""
        item = self.items.get(user, item_id)
        with time_limit(REQUEST_SECONDS):
            return self._banks.create_link_token(
                user, redirect_uri=redirect_uri, access_token=item.access_token
            )

    def link(
        self,
        context: Context,
        *,
        public_token: str,
        institution_id: str,
        wanted: Sequence[str] | None,
    ) -> BankItem:
        """Keep a link that the client made, with an account for each `wanted` one of the bank.

        Raises `InstitutionAlreadyLinked`, `LimitReached`, `AccountNotOffered`,
        `PublicTokenInvalid`. A link that is not kept is ended at the provider.
        """
        banks = self._banks
        self.items.require_room(context.user, institution_id)
        with time_limit(REQUEST_SECONDS):
            link = banks.exchange(public_token)
        try:
            with time_limit(REQUEST_SECONDS):
                bank = banks.institution(link.access_token)
            item, accounts = self._item(link, bank, institution_id, wanted)
            added = self.items.add(context, item, accounts)
        except Exception:
            # What the caller is told is why the link was not kept, not how its end went.
            with time_limit(REQUEST_SECONDS), suppress(Problem):
                banks.remove(link.access_token)
            raise
        data = {"provider": added.provider_id}
        with suppress(Problem):  # the link is kept; the provider tells of its rows as well
            self.queue.send(
                Message(kind=MessageKind.BANK_SYNC, data=data, request_id=context.request_id)
            )
        return added

    def bring_in(self, provider_id: str, request_id: str) -> None:
        """Do for the worker what a link or an event asks for; repeating it changes nothing.

        Raises why it cannot be done now. What the user has to do for it is noted on the link.
        """
        owner = self.owners(provider_id)
        if owner is None:
            return
        user, item_id = owner
        context = Context(user=user, request_id=request_id, actor="system")
        with suppress(BankLoginRequired, LinkEnded, SessionRevoked):
            self.sync(context, item_id)

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

    def sync(self, context: Context, item_id: str) -> Job:
        """Bring in what changed at the bank since the last time, and answer when it is done.

        Raises `SyncRunning`, `BankLoginRequired`, `LinkEnded`, `BankDataChanging`, `NotFound`.
        """
        banks, started, job_id = self._banks, format_instant(self.clock()), make_id(Kind.JOB)
        self.ledger.lease(context.user, item_id, job_id)
        try:
            item = self.items.get(context.user, item_id)
            pages = self._read(banks, context, item)
            currencies = self._currencies(context.user, item)
            first_on = None if item.cursor else self.clock().date()
            delta = fold(pages, currencies, first_on=first_on)
            counts = self.ledger.apply(context, item, delta, job_id)
            result = _result(item, counts, delta.skipped)
            job = self._job(job_id, "bank-sync", started, result)
            finished = self.ledger.finish(context, item, delta, job_id, job)
        finally:
            self.ledger.release(context.user, item_id, job_id)
        with suppress(Problem):  # the rows are booked; the next look at the budgets raises them
            self.raise_alerts(context.user)
        return finished

    def unlink(self, context: Context, item_id: str, version: int) -> Job:
        """End the link at the provider, then forget it; accounts and rows stay.

        Raises `VersionConflict`, `SyncRunning`.
        """
        banks, started, job_id = self._banks, format_instant(self.clock()), make_id(Kind.JOB)
        item = self.items.get(context.user, item_id)
        if item.version != version:
            raise VersionConflict(item.version)
        self.ledger.lease(context.user, item_id, job_id)
        try:
            with time_limit(REQUEST_SECONDS):
                end_link(banks, item)
            job = self._job(job_id, "bank-unlink", started, {"itemId": item.id})
            return self.items.remove(context, item, job)
        finally:
            self.ledger.release(context.user, item_id, job_id)

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

    def _item(
        self,
        link: NewLink,
        bank: Institution,
        institution_id: str,
        wanted: Sequence[str] | None,
    ) -> tuple[BankItem, list[BankAccount]]:
        """The item, and the bank's accounts whose rows it takes, in the same order."""
        offered = {account.id: account for account in bank.accounts if account.currency}
        chosen = list(dict.fromkeys(wanted)) if wanted is not None else list(offered)
        for number, bank_account in enumerate(chosen):
            if bank_account not in offered:
                pointer = f"/accounts/{number}"
                text = "The bank offers no such account"
                errors = [FieldError(pointer=pointer, code=AccountNotOffered.code, detail=text)]
                raise AccountNotOffered(errors=errors)
        accounts = tuple(
            LinkedAccount(provider_id=name, account_id=make_id(Kind.ACCOUNT)) for name in chosen
        )
        item = BankItem(
            id=make_id(Kind.BANK_ITEM),
            provider_id=link.provider_id,
            institution_id=bank.id or institution_id,
            institution=bank.name or institution_id,
            accounts=accounts,
            access_token=link.access_token,
            created_at=format_instant(self.clock()),
        )
        return item, [offered[name] for name in chosen]

    def _currencies(self, user: UserRef, item: BankItem) -> Mapping[str, str]:
        """Bank account to currency, of the accounts that take rows."""
        is_open = {a.id: a for a in self.accounts.list(user) if a.status is AccountStatus.OPEN}
        return {
            linked.provider_id: is_open[linked.account_id].currency.code
            for linked in item.accounts
            if linked.account_id in is_open
        }

    def _job(self, job_id: str, kind: str, started: str, result: Mapping[str, object]) -> Job:
        now = self.clock()
        return Job(
            id=job_id,
            kind=kind,
            status=JobStatus.SUCCEEDED,
            done=1,
            total=1,
            result=result,
            created_at=started,
            finished_at=format_instant(now),
            expires_at=format_instant(now + KEPT),
        )


def _result(item: BankItem, counts: SyncCounts, skipped: int) -> dict[str, object]:
    return {
        "itemId": item.id,
        "created": counts.created,
        "changed": counts.changed,
        "removed": counts.removed,
        "skipped": skipped,
    }
