"""What `/plaid` takes and gives."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
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


class LinkedAccountView(View):
    """An account of the bank and the account its rows are booked on."""

    plaid_account_id: str
    account_id: str


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
