"""The use cases of bank links: link, mend, unlink."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from budgetbuddy.domain.bank_mapping import remapped
from budgetbuddy.domain.bank_reading import end_link
from budgetbuddy.domain.bank_syncs import BankSyncs
from budgetbuddy.domain.banks import (
    AccountNotOffered,
    BankAccount,
    BankItem,
    BankItems,
    BankLedger,
    BankProvider,
    Institution,
    LinkedAccount,
    LinkToken,
    NewLink,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.deadline import REQUEST_SECONDS, time_limit
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.jobs import Job, new_job, succeeded
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.problems import (
    FieldError,
    Problem,
    ProviderNotConfigured,
    VersionConflict,
)


@dataclass(frozen=True, kw_only=True)
class BankLinks:
    """Without a provider every method that needs it raises `ProviderNotConfigured`."""

    provider: BankProvider | None
    items: BankItems
    ledger: BankLedger
    syncs: BankSyncs
    clock: Clock

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
        with suppress(Problem):  # the link is kept; the provider tells of its rows as well
            self.syncs.ask(added, context.request_id)
        return added

    def remap(
        self, context: Context, item_id: str, version: int, wanted: Mapping[str, str | None]
    ) -> BankItem:
        """Book the rows of the bank's accounts elsewhere from now on, or leave them out.

        Raises `VersionConflict`, `SyncRunning`, and as `bank_mapping.remapped`.
        """
        banks, item = self._banks, self.items.get(context.user, item_id)
        if item.version != version:
            raise VersionConflict(item.version)
        with time_limit(REQUEST_SECONDS):
            offered = banks.institution(item.access_token).accounts
        mine = {account.id: account for account in self.syncs.accounts.list(context.user)}
        accounts = remapped(item.accounts, wanted, offered, mine)
        return self.items.remap(context, replace(item, accounts=accounts, version=version + 1))

    def unlink(self, context: Context, item_id: str, version: int) -> Job:
        """End the link at the provider, then forget it; accounts and rows stay.

        Raises `VersionConflict`, `SyncRunning`.
        """
        banks, job = self._banks, new_job("bank-unlink", self.clock())
        item = self.items.get(context.user, item_id)
        if item.version != version:
            raise VersionConflict(item.version)
        self.ledger.lease(context.user, item_id, job.id)
        try:
            with time_limit(REQUEST_SECONDS):
                end_link(banks, item)
            ended = succeeded(job, self.clock(), {"itemId": item.id})
            return self.items.remove(context, item, ended)
        finally:
            self.ledger.release(context.user, item_id, job.id)

    @property
    def _banks(self) -> BankProvider:
        if self.provider is None:
            raise ProviderNotConfigured
        return self.provider

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
