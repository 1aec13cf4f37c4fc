"""Callers: some need a provider, and remember what was acknowledged; some do not, and measure."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from localcloud.client import Answer, Client
    from localcloud.doubles.plaid import PlaidDouble
    from localcloud.doubles.plaid_bank import Item
    from localcloud.doubles.stripe import StripeDouble

API = "/api/v1"
PATIENCE_SECONDS = 120
MOST_BANKS = 15  # of one person; the service takes 20
LATER = frozenset({502, 503})
PAUSE = threading.Event()


def insist(
    attempt: Callable[[], Answer], met: Counter[str], waits_for: frozenset[str] = frozenset()
) -> Answer:
    """The 201; "later", and problems that go by themselves, are asked again."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        answer = attempt()
        if answer.status == 201:
            return answer
        code = answer.body["code"]
        assert answer.status in LATER or code in waits_for, answer.body
        met[code] += 1
        PAUSE.wait(0.1)
    raise AssertionError(f"no answer in {PATIENCE_SECONDS} s")


@dataclass
class Saver:
    """Links banks; Plaid tells of new rows until the service has taken it."""

    client: Client
    plaid: PlaidDouble
    chance: random.Random
    hook: str
    linked: dict[str, str] = field(default_factory=dict)  # our id of the link: Plaid's
    met: Counter[str] = field(default_factory=Counter)

    def run(self, until: float) -> None:
        """A bank first, then rows and now and then another bank."""
        while time.monotonic() < until:
            has_room = len(self.linked) < MOST_BANKS
            if not self.linked or (has_room and self.chance.random() < 0.1):
                self.link()
            else:
                self.spend(self.chance.choice(list(self.linked.values())))
            PAUSE.wait(0.1)

    def link(self) -> None:
        """A public token is good once, so every attempt shows a new one."""
        bank = f"ins_{secrets.token_hex(4)}"

        def attempt() -> Answer:
            token = self.plaid.banks.public_token(bank)
            body = {"publicToken": token, "institutionId": bank}
            return self.client.call("POST", f"{API}/plaid/items", body)

        answer = insist(attempt, self.met)
        found = [item for item in self.items() if item.institution_id == bank]
        # Those before the last were made by calls whose answer was lost: nobody knows their tokens.
        self.linked[answer.body["id"]] = found[-1].item_id
        self.met["banks"] += 1

    def spend(self, provider_id: str) -> None:
        """A row at the bank, told until it is taken: from then on it must come in."""
        (item,) = [item for item in self.items() if item.item_id == provider_id]
        self.plaid.banks.add(item, round(self.chance.uniform(1, 99), 2), "SHOP")
        body = {"webhook_type": "TRANSACTIONS", "webhook_code": "SYNC_UPDATES_AVAILABLE"}
        told = json.dumps({**body, "item_id": provider_id}).encode()
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not self.plaid.send(self.hook, told):
            assert time.monotonic() < give_up
            self.met["told again"] += 1
            PAUSE.wait(0.2)
        self.met["rows"] += 1

    def items(self) -> list[Item]:
        """What Plaid has."""
        return list(self.plaid.banks.items.copy().values())


@dataclass
class Payer:
    """Subscribes and cancels, again and again."""

    client: Client
    stripe: StripeDouble
    pages: str
    met: Counter[str] = field(default_factory=Counter)

    def run(self, until: float) -> None:
        """Ends subscribed or not, as it comes."""
        while time.monotonic() < until:
            self.subscribe()
            if time.monotonic() < until:
                self.cancel()
            PAUSE.wait(0.1)

    def subscribe(self) -> None:
        """Paid on the page; Stripe tells of it until that is taken."""
        order = {"plan": "plus", "successUrl": self.pages, "cancelUrl": self.pages}
        key = {"Idempotency-Key": secrets.token_hex(8)}

        def attempt() -> Answer:
            return self.client.call("POST", f"{API}/billing/checkout-sessions", order, headers=key)

        answer = insist(attempt, self.met, frozenset({"already_subscribed"}))
        with self.stripe.account.lock:
            bought = self.stripe.account.pay(answer.body["url"].rpartition("/")[2])
        self.tell("customer.subscription.created", bought)
        self.met["subscriptions"] += 1

    def cancel(self) -> None:
        """At Stripe."""
        for bought in list(self.stripe.account.subscriptions.values()):
            if bought["status"] != "canceled":
                self.stripe.account.cancel(bought["id"])
                self.tell("customer.subscription.deleted", bought)

    def tell(self, kind: str, bought: dict[str, Any]) -> None:
        """Until it is taken."""
        self.stripe.tell(kind, bought)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while self.stripe.account.untold:
            assert time.monotonic() < give_up
            PAUSE.wait(0.2)
            self.stripe.tell_again()


@dataclass
class Bystander:
    """Keeps books by hand: nothing of it needs a provider."""

    client: Client
    account: str
    is_stormy: Callable[[], bool]
    calm: list[float] = field(default_factory=list)  # seconds
    storm: list[float] = field(default_factory=list)
    booked: list[str] = field(default_factory=list)

    def run(self, until: float) -> None:
        """Reads and writes, evenly."""
        month = time.strftime("%Y-%m")
        while time.monotonic() < until:
            row = {
                "accountId": self.account,
                "date": f"{month}-01",
                "amount": {"amount": "-1.00", "currency": "EUR"},
                "description": "Bread",
            }
            self.booked.append(self.timed("POST", "/transactions", row, 201)["id"])
            self.timed("GET", "/accounts", None, 200)
            self.timed("GET", "/transactions?limit=20", None, 200)
            self.timed("GET", f"/analytics/months/{month}?currency=EUR", None, 200)
            PAUSE.wait(0.02)

    def timed(self, method: str, path: str, body: object, status: int) -> Any:
        """One request; never refused, whatever the providers do."""
        kept = self.storm if self.is_stormy() else self.calm
        started = time.perf_counter()
        answer = self.client.call(method, API + path, body)
        kept.append(time.perf_counter() - started)
        assert answer.status == status, answer.body
        return answer.body
