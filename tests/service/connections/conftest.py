"""Time that passes when told to, the service beside a double of Plaid, receivers of webhooks."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from budgetbuddy.settings import Settings, load_settings
from localcloud.doubles.plaid import PlaidDouble
from localcloud.doubles.plaid_bank import Item

from ..conftest import (  # noqa: TID252 - fixtures' module
    NOON,
    Account,
    Caller,
    ManualClock,
    create_tables,
    environment,
)
from .receivers import Certified, Network, Receiver, certified, receiving

BANK = "ins_109508"


class ManualTime:
    """A monotonic clock and the pauses taken on it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> ManualTime:
    """A clock that stands until it is moved."""
    return ManualTime()


@pytest.fixture
def plaid() -> PlaidDouble:
    """A double whose banks live on the service's own day, with few rows: they cost time.

    A bank is ready after it was linked, as with Plaid, so that the first sync finds nothing.
    """
    double = PlaidDouble(today=NOON.date, days=30)
    double.banks.is_ready = False  # what the first sync brings is for tests of it
    return double


@pytest.fixture
def plaid_url(plaid: PlaidDouble) -> Iterator[str]:
    """Where it answers."""
    with plaid.serve() as url:
        yield url


@pytest.fixture
def settings(aws: Account, plaid_url: str) -> Settings:
    """Settings of a service that has Plaid."""
    prefix = f"T{secrets.token_hex(4)}"
    create_tables(aws.sdk.client("dynamodb"), prefix)
    return load_settings(
        environment(
            DYNAMODB_TABLE_PREFIX=prefix,
            DATA_KEY_ID=aws.key_id,
            PLAID_CLIENT_ID="client",
            PLAID_SECRET="secret",
            PLAID_BASE_URL=plaid_url,
        )
    )


@dataclass
class Linked:
    """A user with a bank: their caller, the link's id, and the bank's side of it."""

    caller: Caller
    id: str
    token: str
    bank: Item
    clock: ManualClock

    def sync(self) -> Any:
        """Bring rows in, past the limit of once a minute."""
        self.clock.advance(seconds=61)
        return self.caller("POST", f"/plaid/items/{self.id}/sync")

    def rows(self) -> list[dict[str, Any]]:
        """The user's transactions, newest first."""
        items: list[dict[str, Any]] = self.caller("GET", "/transactions?limit=100").json["items"]
        return items

    def accounts(self) -> dict[str, dict[str, Any]]:
        """The user's accounts by name."""
        return {a["name"]: a for a in self.caller("GET", "/accounts").json["items"]}


Link = Callable[..., Any]


@pytest.fixture
def link(plaid: PlaidDouble) -> Link:
    """Links a bank as a client does, and returns the answer."""

    def link(caller: Caller, institution: str = BANK, key: str = "", **fields: Any) -> Any:
        body = {
            "publicToken": plaid.banks.public_token(institution),
            "institutionId": institution,
            **fields,
        }
        answer = caller("POST", "/plaid/items", body, key=key or secrets.token_hex(8))
        for item in plaid.banks.items.values():
            item.is_ready = True
        return answer

    return link


@pytest.fixture
def linked(signed_in: Caller, link: Link, plaid: PlaidDouble, clock: ManualClock) -> Linked:
    """A user who has linked a bank whose rows were not brought in yet."""
    answer = link(signed_in)
    assert answer.status_code == 201, answer.json
    ((token, bank),) = plaid.banks.items.items()
    plaid.calls.clear()
    return Linked(signed_in, answer.json["id"], token, bank, clock)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certified(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def receiver(certificate: Certified) -> Iterator[Receiver]:
    with receiving(certificate.server) as receiver:
        yield receiver


@pytest.fixture
def network(receiver: Receiver) -> Network:
    return Network(port=receiver.port)
