"""A day in the life on the running local cloud: from the first link of a bank to the last trace.

Every process is the real one: service, worker, embedded AWS, and the doubles of Plaid and Stripe
with the SDKs of both between them.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest

from localcloud.client import Client
from localcloud.demo import mailed_code
from localcloud.emulator.process import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import LocalCloud

pytestmark = [pytest.mark.engine, pytest.mark.emulator]

API = "/api/v1"
PASSWORD = "correct staple battery 9 horse"
PATIENCE_SECONDS = 60
PLAID = {"PLAID-CLIENT-ID": "x", "PLAID-SECRET": "x", "Plaid-Version": "2020-09-14"}
JSON = {"Content-Type": "application/json"}
KINDS = "usr|acc|txn|trf|cat|rul|rec|gol|imp|exp|job|itm|ses|alr"
IDENTIFIER = re.compile(rf"\b(?:{KINDS})_[0-9a-z]{{26}}")


class Eve:
    """A person with a phone: calls the service, and does at the providers what people do there."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.email = f"eve-{secrets.token_hex(4)}@example.com"
        self.client = Client(cloud.port)
        fields = {"email": self.email, "password": PASSWORD, "currency": "USD"}
        started = self("POST", "/auth/register", fields, 202)
        code = {
            "registrationId": started["registrationId"],
            "code": mailed_code(cloud.emulator, self.email),
        }
        session = self("POST", "/auth/register/confirm", code, 201)
        self.id: str = session["user"]["id"]
        self.client.token = session["accessToken"]

    def __call__(self, method: str, path: str, body: object, status: int, **headers: str) -> Any:
        """The answer's body, once it has the status that is expected."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.call(method, API + path, body, headers=sent)
        assert answer.status == status, answer.body
        return answer.body

    def get(self, path: str) -> Any:
        return self("GET", path, None, 200)

    def without_key(self, path: str, body: object, status: int) -> Any:
        """A POST whose answer holds a secret, and that therefore takes no Idempotency-Key."""
        headers = {"Authorization": f"Bearer {self.client.token}", **JSON}
        payload = json.dumps(body).encode()
        answer = self.client.send("POST", API + path, payload, headers)
        assert answer.status == status, answer.body
        return answer.body

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"/transactions?limit=100{cursor}")
            found += page["items"]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    def balances_are_proved(self) -> None:
        for account in self.get("/accounts")["items"]:
            proof = self.get(f"/accounts/{account['id']}/reconcile")
            assert proof["difference"]["amount"] == "0.00"


class Plaid:
    """Plaid's side: what a customer of a bank does on its page, and what happens at the bank."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._client = Client(cloud.ports["plaid"])
        self._file = cloud.state / "local" / "plaid.json"

    def ask(self, path: str, **body: object) -> Any:
        answer = self._client.send("POST", path, json.dumps(body).encode(), PLAID | JSON)
        assert answer.status == 200, answer.body
        return answer.body

    def items(self) -> dict[str, dict[str, Any]]:
        """By access token, which nobody but the service and Plaid ever has."""
        known: dict[str, dict[str, Any]] = {}
        if self._file.exists():  # absent until somebody is linked
            known = json.loads(self._file.read_text())
        return known


def stripe(cloud: LocalCloud) -> dict[str, dict[str, Any]]:
    """What Stripe's double knows."""
    known: dict[str, dict[str, Any]] = json.loads((cloud.state / "local/stripe.json").read_text())
    return known


def press(url: str) -> None:
    """The button of a page of Stripe's; where it leads afterwards is not looked at."""
    page = urlsplit(url)
    assert page.port is not None
    assert Client(page.port).send("POST", page.path, None, {}).status == 303


def wait_for(happened: Callable[[], object]) -> None:
    """Until the worker has done it."""
    pause, until = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < until
        pause.wait(0.2)


def aws(cloud: LocalCloud, service: str) -> Any:
    client: Any = boto3.client  # its overloads want literals
    return client(
        service,
        endpoint_url=cloud.emulator.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT_ID,
        aws_secret_access_key="local",
    )


def stored(cloud: LocalCloud) -> Iterator[str]:
    """Everything in every table and bucket of the account."""
    dynamodb, s3 = aws(cloud, "dynamodb"), aws(cloud, "s3")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for row in page["Items"]:
                yield json.dumps(row, default=_readable)
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for found in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket["Name"], Key=found["Key"])["Body"].read()
                yield f"{found['Key']} {body.decode(errors='replace')}"


def _readable(value: object) -> str:
    assert isinstance(value, bytes)
    return value.decode(errors="replace") + base64.b64encode(value).decode()


def link_a_bank(eve: Eve, plaid: Plaid) -> str:
    """Three months come in, each row once, with balances that can be proved; the access token."""
    known = set(plaid.items())
    opened = eve.without_key("/plaid/link-tokens", {}, 201)
    assert opened["linkToken"].startswith("link-sandbox-")
    shown = plaid.ask("/sandbox/public_token/create", institution_id="ins_3")
    linked = {"publicToken": shown["public_token"], "institutionId": "ins_3"}
    item = eve("POST", "/plaid/items", linked, 201)
    (token,) = set(plaid.items()) - known
    wait_for(lambda: eve.get(f"/plaid/items/{item['id']}")["lastSyncedAt"])
    rows = eve.rows()
    eighty_eight_days_ago = datetime.now(UTC).date() - timedelta(days=88)
    assert min(row["date"] for row in rows) <= eighty_eight_days_ago.isoformat()
    assert len({row["importId"] for row in rows}) == len(rows)
    eve.balances_are_proved()
    return token


def spend_too_much(eve: Eve, plaid: Plaid, token: str) -> None:
    """The bank has a new row, its webhook brings it in, a rule files it, a budget warns, once."""
    before = len(eve.rows())
    category = eve.get("/categories")["items"][0]["id"]
    limit = {"amount": "120.00", "currency": "USD"}
    budget = {"limit": limit, "period": "monthly", "rollover": "none"}
    eve("PUT", f"/budgets/{category}", budget, 201, If_None_Match="*")
    rule = {
        "name": "Books",
        "when": [{"field": "description", "op": "contains", "value": "book shop"}],
        "match": "all",
        "then": [{"do": "setCategory", "value": category}],
    }
    eve("POST", "/rules", rule, 201)
    today = datetime.now(UTC).date().isoformat()
    bought = {"amount": 95.0, "date_posted": today, "description": "BOOK SHOP"}
    plaid.ask("/sandbox/transactions/create", access_token=token, transactions=[bought])
    for _ in range(2):
        fired = {"access_token": token, "webhook_code": "SYNC_UPDATES_AVAILABLE"}
        assert plaid.ask("/sandbox/item/fire_webhook", **fired)["webhook_fired"]
    wait_for(lambda: len(eve.rows()) > before)
    (book,) = [row for row in eve.rows() if row["description"] == "BOOK SHOP"]
    assert book["categoryId"] == category
    for _ in range(2):
        (alert,) = eve.get("/budgets/alerts")["items"]
        assert (alert["categoryId"], alert["threshold"]) == (category, 75)


def subscribe_and_cancel(eve: Eve, pages: str) -> None:
    """She pays on Stripe's page and cancels on another; both come back as events."""
    order = {"plan": "plus", "successUrl": pages, "cancelUrl": pages}
    press(eve("POST", "/billing/checkout-sessions", order, 201)["url"])
    wait_for(lambda: eve.get("/billing/entitlements")["plan"] == "plus")
    assert eve.get("/billing/subscription")["status"] == "trialing"
    press(eve.without_key("/billing/portal-sessions", {"returnUrl": pages}, 201)["url"])
    wait_for(lambda: eve.get("/billing/subscription")["status"] == "canceled")
    assert eve.get("/billing/entitlements")["plan"] == "free"


def take_everything_away(eve: Eve) -> None:
    """The archive can be fetched, and the trail proved."""
    export = eve("POST", "/privacy/exports", None, 202)
    bearer = {"Authorization": f"Bearer {eve.client.token}"}
    assert eve.client.send("GET", export["downloadUrl"], None, bearer).status == 200
    assert eve.get("/audit/me/verify")["valid"]


def traces_of(eve: Eve, *elsewhere: str) -> set[str]:
    """Everything that could lead to her, from all that lies under her keys."""
    mine = "\n".join(text for text in stored(eve.cloud) if f'"U#{eve.id}"' in text)
    hashes = re.findall(r'"emailHash": {"S": "([^"]+)"}', mine)
    assert hashes
    return {eve.email, eve.id, *elsewhere, *hashes, *IDENTIFIER.findall(mine)}


def be_erased(eve: Eve) -> None:
    """Asked for, and done by the worker."""
    words = {"confirm": "ERASE", "password": PASSWORD}
    status = eve.without_key("/privacy/erasure", words, 202)["statusUrl"]
    nobody = Client(eve.client.port)
    wait_for(lambda: nobody.call("GET", status).body["status"] == "finished")


def test_from_the_first_link_to_the_last_trace(cloud: LocalCloud) -> None:
    eve, plaid = Eve(cloud), Plaid(cloud)
    strangers = set(plaid.items())
    token = link_a_bank(eve, plaid)
    spend_too_much(eve, plaid, token)
    subscribe_and_cancel(eve, f"http://127.0.0.1:{cloud.port}/")
    take_everything_away(eve)
    bought = list(stripe(cloud)["subscriptions"].values())[-1]
    item = plaid.items()[token]["item_id"]
    traces = traces_of(eve, item, token, bought["customer"], bought["id"])
    assert len(traces) > 40, len(traces)
    assert bought["customer"] in stripe(cloud)["customers"]

    be_erased(eve)

    left = [(trace, text[:300]) for text in stored(cloud) for trace in traces if trace in text]
    assert left == []
    logged = "".join(log.read_text() for log in (cloud.state / "local" / "logs").glob("*.log"))
    persons = {eve.email, eve.id, item, token, bought["customer"]}
    assert {person for person in persons if person in logged} == set()
    assert set(plaid.items()) == strangers
    assert bought["customer"] not in stripe(cloud)["customers"]
    assert stripe(cloud)["subscriptions"][bought["id"]]["status"] == "canceled"
