"""Bank links: what a bank tells through a provider, and the items that keep the way to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol

from budgetbuddy.domain.accounts import AccountKind
from budgetbuddy.domain.jobs import Job
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Conflict, LimitReached, Unprocessable

MAX_ITEMS: Final = 20


class InstitutionAlreadyLinked(Conflict):
    """A second link to the same bank would bring every row twice."""

    code = "institution_already_linked"
    title = "This bank is linked already"


class SyncRunning(Conflict):
    """Another request is bringing the rows of this item in."""

    code = "sync_running"
    title = "The bank's rows are being brought in already"


class BankLoginRequired(Conflict):
    """The bank wants to see its customer again: open the link in update mode."""

    code = "login_required"
    title = "The bank wants its customer to sign in again"


class BankDataChanging(Conflict):
    """The bank changed what was being read, several times over."""

    code = "bank_data_changing"
    title = "The bank's data changed while it was read; try again"


class PublicTokenInvalid(Unprocessable):
    """A public token is good once, for half an hour."""

    code = "public_token_invalid"
    title = "The public token is unknown, used or expired"


class AccountNotOffered(Unprocessable):
    """The bank did not share this account."""

    code = "account_not_offered"
    title = "The bank offers no such account"


class LinkEnded(Conflict):
    """The user or the bank took the permission back."""

    code = "link_ended"
    title = "The provider knows this link no more"


# --- What a bank tells ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LinkToken:
    """Opens the provider's page on the client; `expires_at` is RFC 3339."""

    token: str
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class NewLink:
    """A link that was just made. The token is a secret of the server's."""

    provider_id: str
    access_token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class BankAccount:
    """An account as the bank shows it; `balance` has our sign, None when it is not told."""

    id: str
    name: str
    mask: str | None
    kind: AccountKind
    currency: str | None
    balance: Money | None


@dataclass(frozen=True, kw_only=True)
class Institution:
    """A bank, and the accounts its customer shares."""

    id: str | None
    name: str | None
    accounts: tuple[BankAccount, ...]


@dataclass(frozen=True, kw_only=True)
class BankRow:
    """A movement as the bank shows it, with our sign; `replaces` is the pending row it settles."""

    id: str
    account_id: str
    date: date
    amount: Money
    description: str
    merchant: str | None = None
    pending: bool = False
    replaces: str | None = None


@dataclass(frozen=True, kw_only=True)
class RemovedRow:
    """A movement that the bank shows no more."""

    id: str
    account_id: str


@dataclass(frozen=True, kw_only=True)
class BankPage:
    """A part of what changed since a cursor; `unusable` rows have no exact amount of ours."""

    rows: tuple[BankRow, ...]
    removed: tuple[RemovedRow, ...]
    accounts: tuple[BankAccount, ...]
    cursor: str
    has_more: bool
    unusable: int


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a link stands; `consent_until` only where the bank lets a consent end by itself."""

    problem: "ItemProblem | None" = None
    consent_until: datetime | None = None


class BankProvider(Protocol):
    """The way to the banks. Methods raise `UpstreamUnavailable` and `UpstreamInvalid`."""

    def create_link_token(
        self, user: UserRef, *, redirect_uri: str | None, access_token: str | None = None
    ) -> LinkToken:
        """A token for a new link, or with an access token to mend an old one."""

    def exchange(self, public_token: str) -> NewLink:
        """Raises `PublicTokenInvalid`."""

    def institution(self, access_token: str) -> Institution:
        """The bank behind a link. Raises `BankLoginRequired`, `LinkEnded`."""

    def standing(self, access_token: str) -> Standing:
        """How the link stands now. Raises `LinkEnded`."""

    def changes(self, access_token: str, cursor: str) -> BankPage:
        """What changed since. Raises `BankLoginRequired`, `BankDataChanging`, `LinkEnded`."""

    def remove(self, access_token: str) -> None:
        """End the link at the provider. Raises `LinkEnded` when it was ended before."""


# --- What is kept --------------------------------------------------------------------------------


class ItemStatus(StrEnum):
    """Whether rows can be brought in without the user."""

    OK = "ok"
    ATTENTION = "attention"


class ItemProblem(StrEnum):
    """What the user has to do at the bank."""

    LOGIN_REQUIRED = "login_required"
    CONSENT_EXPIRING = "consent_expiring"
    CONSENT_REVOKED = "consent_revoked"


@dataclass(frozen=True, kw_only=True)
class LinkedAccount:
    """An account of the bank and the account its rows are booked on, None where they are left out.

    `former` are those that rows were booked on before, newest first.
    """

    provider_id: str
    account_id: str | None
    former: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BankItem:
    """One link to one bank. Instants are RFC 3339; `cursor` is empty until the first sync."""

    id: str
    provider_id: str
    institution_id: str
    institution: str
    accounts: tuple[LinkedAccount, ...]
    access_token: str = field(repr=False)
    cursor: str = ""
    problem: ItemProblem | None = None
    created_at: str
    last_synced_at: str | None = None
    version: int = 1

    @property
    def status(self) -> ItemStatus:
        """Derived from the problem."""
        return ItemStatus.ATTENTION if self.problem else ItemStatus.OK


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The balance before the first row of an account, so that rows sum to what the bank says."""

    account_id: str
    amount: Money
    date: date


@dataclass(frozen=True, kw_only=True)
class Delta:
    """What all pages together change: each row once, as it is at last."""

    rows: tuple[BankRow, ...]
    removed: tuple[RemovedRow, ...]
    openings: tuple[Opening, ...]
    cursor: str
    skipped: int


@dataclass(frozen=True, kw_only=True)
class SyncCounts:
    """What a sync did to the ledger."""

    created: int = 0
    changed: int = 0
    removed: int = 0


class BankItems(Protocol):
    """The links of users. Methods raise `NotFound` for an id the user does not have."""

    def list(self, user: UserRef) -> Sequence[BankItem]:
        """All, oldest first."""

    def get(self, user: UserRef, item_id: str) -> BankItem:
        """One."""

    def require_room(self, user: UserRef, institution_id: str) -> None:
        """Raises `LimitReached`, `InstitutionAlreadyLinked`."""

    def add(self, context: Context, item: BankItem, accounts: Sequence[BankAccount]) -> BankItem:
        """Keep a new link with a new account for each of `accounts`. Raises as `require_room`."""

    def remap(self, context: Context, item: BankItem) -> BankItem:
        """Keep the accounts of a link in a new version. Raises `VersionConflict`, `SyncRunning`."""

    def attend(self, context: Context, item_id: str, problem: ItemProblem | None) -> None:
        """Note that the user has to do something, or no longer has to."""

    def remove(self, context: Context, item: BankItem, job: Job) -> Job:
        """Forget a link; its accounts and rows stay. Raises `VersionConflict`."""


class BankOwners(Protocol):
    """Whose link it is."""

    def __call__(self, provider_id: str, /) -> tuple[UserRef, str] | None:
        """The user and our id of the link; None when it was ended, or its user erased."""


class BankLedger(Protocol):
    """Books what a bank told."""

    def lease(self, user: UserRef, item_id: str, owner: str) -> None:
        """Hold the item for two minutes, again if it is held. Raises `SyncRunning`, `NotFound`."""

    def release(self, user: UserRef, item_id: str, owner: str) -> None:
        """Let go, unless somebody else holds it by now."""

    def keep(self, user: UserRef, job: Job) -> None:
        """How a job that was asked for stands."""

    def apply(self, context: Context, item: BankItem, delta: Delta, owner: str) -> SyncCounts:
        """Book the rows, a part at a time; a repeat books none twice. Raises `SyncRunning`."""

    def finish(self, context: Context, item: BankItem, delta: Delta, owner: str, job: Job) -> Job:
        """Move the cursor on and keep the job. Raises `SyncRunning`."""


def require_room(items: Sequence[BankItem], institution_id: str) -> None:
    """Raises `LimitReached`, `InstitutionAlreadyLinked`."""
    if any(item.institution_id == institution_id for item in items):
        raise InstitutionAlreadyLinked
    if len(items) >= MAX_ITEMS:
        raise LimitReached(f"at most {MAX_ITEMS} banks")
