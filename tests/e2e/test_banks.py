"""A bank through the running service and the supervised double of Plaid."""

from __future__ import annotations

import json
import threading
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import LocalCloud

pytestmark = [pytest.mark.engine, pytest.mark.emulator]
CREDENTIALS = {"PLAID-CLIENT-ID": "x", "PLAID-SECRET": "x", "Plaid-Version": "2020-09-14"}


def post(port: int, path: str, body: object, headers: dict[str, str]) -> dict[str, Any]:
    """A request without Idempotency-Key, to the service or to the double."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = {"Content-Type": "application/json", **headers}
        connection.request("POST", path, json.dumps(body) if body is not None else None, sent)
        answer = connection.getresponse()
        document: dict[str, Any] = json.loads(answer.read())
        assert answer.status < 300, document
        return document
    finally:
        connection.close()


def public_token(cloud: LocalCloud, institution: str) -> str:
    """What Plaid's own page would give a client."""
    ports = json.loads((cloud.state / "local" / "ports.json").read_text())
    asked = {"institution_id": institution}
    made = post(ports["plaid"], "/sandbox/public_token/create", asked, CREDENTIALS)
    token: str = made["public_token"]
    return token


def access_token(cloud: LocalCloud, institution: str) -> str:
    """What opens the link, which nobody but the service and Plaid ever has."""
    known = json.loads((cloud.state / "local" / "plaid.json").read_text())
    (token,) = [key for key, item in known.items() if item["institution_id"] == institution]
    return str(token)


def wait_for(happened: Callable[[], object]) -> None:
    """Until the worker has done it, a minute at most."""
    pause, until = threading.Event(), time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until
        pause.wait(0.2)


def test_a_bank_is_linked_its_rows_come_in_and_the_link_ends(cloud: LocalCloud) -> None:
    client = cloud.client()
    bearer = {"Authorization": f"Bearer {client.token}"}
    opened = post(cloud.port, "/api/v1/plaid/link-tokens", {}, bearer)
    assert opened["linkToken"].startswith("link-sandbox-")
    body = {"publicToken": public_token(cloud, "ins_3"), "institutionId": "ins_3"}
    linked = client.call(
        "POST", "/api/v1/plaid/items", body, headers={"Idempotency-Key": "e2e-bank-1"}
    )
    assert linked.status == 201, linked.body
    item = f"/api/v1/plaid/items/{linked.body['id']}"

    # Plaid tells the service, which keeps it in the queue; the worker brings the rows in.
    fired = {"access_token": access_token(cloud, "ins_3"), "webhook_code": "INITIAL_UPDATE"}
    ports = json.loads((cloud.state / "local" / "ports.json").read_text())
    told = post(ports["plaid"], "/sandbox/item/fire_webhook", fired, CREDENTIALS)
    assert told["webhook_fired"]
    wait_for(lambda: client.call("GET", item).body["lastSyncedAt"])
    rows = client.call("GET", "/api/v1/transactions?limit=100").body["items"]
    assert len([row for row in rows if row["source"] == "plaid"]) > 10
    for account in linked.body["accounts"]:
        proof = client.call("GET", f"/api/v1/accounts/{account['accountId']}/reconcile")
        assert proof.body["difference"]["amount"] == "0.00"
    ended = client.call("DELETE", item, headers={"If-Match": '"1"'})
    assert ended.status == 202, ended.body
    assert client.call("GET", item).status == 404
