"""What `/plaid` takes and gives."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.domain.bank_webhooks import Handling
from budgetbuddy.domain.banks import BankItem, ItemProblem, ItemStatus, LinkToken

ProviderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


def _https(url: str) -> str:
    if not url.startswith("https://"):
        raise PydanticCustomError("invalid_url", "An https address is expected")
    return url


RedirectUri = Annotated[
    str, StringConstraints(min_length=9, max_length=500), AfterValidator(_https)
]


class ItemPath(Query):
    """Path of one link."""

    item_id: str


class LinkTokenRequest(Input):
    """Where an app is returned to after the bank's own page; registered at Plaid."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"redirectUri": "https://app.example.com/banks"}}
    )

    redirect_uri: RedirectUri | None = None


class LinkTokenView(View):
    """Opens Plaid's page on the client, once."""

    link_token: str
    expires_at: str

    @classmethod
    def of(cls, token: LinkToken) -> "LinkTokenView":
        """The view of a link token."""
        return cls(link_token=token.token, expires_at=token.expires_at)


class NewItem(Input):
    """What Plaid's page gave the client; `accounts` restricts which of the bank's are taken."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "publicToken": "public-sandbox-8ab976e6-64bc-4b38-98f7-731e7a349970",
                "institutionId": "ins_109508",
                "accounts": ["BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp"],
            }
        }
    )

    public_token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
    institution_id: ProviderId
    accounts: Annotated[list[ProviderId], Field(min_length=1, max_length=100)] | None = None


class MappedAccount(Input):
    """Where the rows of one account of the bank go: to one of the user's, or nowhere."""

    plaid_account_id: ProviderId
    account_id: str | None = None
    ignore: Literal[True] | None = None

    @model_validator(mode="after")
    def _either(self) -> "MappedAccount":
        if (self.account_id is None) == (self.ignore is None):
            raise PydanticCustomError("one_of", "Either accountId or ignore is expected")
        return self


class ItemChange(Input):
    """Accounts that are not named stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accounts": [
                    {
                        "plaidAccountId": "BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp",
                        "accountId": "acc_01jdk2v7x8e9rts0a1b2c3d4e5",
                    }
                ]
            }
        }
    )

    accounts: Annotated[list[MappedAccount], Field(min_length=1, max_length=100)]


class LinkedAccountView(View):
    """An account of the bank and the account its rows are booked on; null: they are left out."""

    plaid_account_id: str
    account_id: str | None


class ItemView(View):
    """A link; `problem` says what its owner has to do at the bank, in update mode."""

    id: str
    institution_id: str
    institution: str
    status: ItemStatus
    problem: ItemProblem | None
    accounts: list[LinkedAccountView]
    created_at: str
    last_synced_at: str | None
    version: int

    @classmethod
    def of(cls, item: BankItem) -> "ItemView":
        """The view of a link: never its access token."""
        return cls(
            id=item.id,
            institution_id=item.institution_id,
            institution=item.institution,
            status=item.status,
            problem=item.problem,
            accounts=[
                LinkedAccountView(plaid_account_id=a.provider_id, account_id=a.account_id)
                for a in item.accounts
            ],
            created_at=item.created_at,
            last_synced_at=item.last_synced_at,
            version=item.version,
        )


class ItemList(View):
    """All links, oldest first."""

    items: list[ItemView]
    next_cursor: str | None


class WebhookTaken(View):
    """What became of an event."""

    handling: Handling
