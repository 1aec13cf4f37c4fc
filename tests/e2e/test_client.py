from __future__ import annotations

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.client import Answer, Client
from localcloud.demo import mailed_code

if TYPE_CHECKING:
    from conftest import LocalCloud

pytestmark = [pytest.mark.engine, pytest.mark.emulator]

STATEMENTS = Path(__file__).parents[1] / "service" / "money" / "statements"


def register(cloud: LocalCloud) -> Client:
    """A new person's signed-in client; the code comes from the mail the service has sent."""
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    password = uuid.uuid4().hex
    client = Client(cloud.port)
    started = client.call(
        "POST", "/api/v1/auth/register", {"email": email, "password": password, "currency": "EUR"}
    )
    assert started.status == 202, started.body
    code = mailed_code(cloud.emulator, email)
    body = {"registrationId": started.body["registrationId"], "code": code}
    session = client.call("POST", "/api/v1/auth/register/confirm", body)
    assert session.status == 201, session.body
    return replace(client, token=session.body["accessToken"])


def open_account(client: Client, currency: str = "EUR") -> str:
    body = {"name": "Giro", "kind": "checking", "currency": currency}
    created = client.call("POST", "/api/v1/accounts", body)
    assert created.status == 201, created.body
    identifier: str = created.body["id"]
    return identifier


def import_file(client: Client, file: Path, **options: Any) -> Answer:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="options"\r\n\r\n'
        f"{json.dumps(options)}\r\n".encode(),
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode(),
        file.read_bytes(),
        f"\r\n--{boundary}--\r\n".encode(),
    ]
    headers = {
        "Authorization": f"Bearer {client.token}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Idempotency-Key": uuid.uuid4().hex,
    }
    return client.send("POST", "/api/v1/imports", b"".join(parts), headers)


@pytest.fixture(scope="module")  # an address may register ten times an hour
def client(cloud: LocalCloud) -> Client:
    return register(cloud)


def test_an_ofx_statement_is_tried_booked_and_not_booked_twice(client: Client) -> None:
    account = open_account(client)
    file = STATEMENTS / "checking_1x.ofx"

    tried = import_file(client, file, accountId=account, format="ofx", dryRun=True)
    assert tried.status == 200, tried.body
    assert tried.body["new"] == tried.body["rows"] > 0

    assert import_file(client, file, accountId=account, format="ofx").status == 202
    balance = client.call("GET", f"/api/v1/accounts/{account}").body["balance"]
    again = import_file(client, file, accountId=account, format="ofx", dryRun=True)

    assert balance == {"amount": "2590.60", "currency": "EUR"}  # the statement's own LEDGERBAL
    assert again.body["new"] == 0
    assert len(again.body["duplicates"]) == tried.body["rows"]


def test_a_csv_statement_is_booked_and_paged_through(client: Client) -> None:
    account = open_account(client, "GBP")
    file = STATEMENTS / "uk_current_account.csv"
    options = {"accountId": account, "format": "csv", "dateFormat": "DD/MM/YYYY"}
    booked = import_file(client, file, **options)
    assert booked.status == 202, booked.body

    seen: list[str] = []
    path = f"/api/v1/transactions?accountId={account}&limit=2"
    cursor = ""
    while True:
        page = client.call("GET", path + cursor)
        assert page.status == 200, page.body
        seen += [row["id"] for row in page.body["items"]]
        if page.body["nextCursor"] is None:
            break
        cursor = f"&cursor={page.body['nextCursor']}"

    rows = len(file.read_text().strip().splitlines()) - 1
    assert len(seen) == len(set(seen)) == rows
    proof = client.call("GET", f"/api/v1/accounts/{account}/reconcile")
    assert proof.body["difference"]["amount"] == "0.00"


def test_a_stale_edit_is_refused_and_a_repeated_post_books_once(client: Client) -> None:
    account = open_account(client)
    body = {
        "accountId": account,
        "date": "2026-02-01",
        "amount": {"amount": "-7.00", "currency": "EUR"},
        "description": "Kiosk",
    }
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.call("POST", "/api/v1/transactions", body, headers=key)
    repeated = client.call("POST", "/api/v1/transactions", body, headers=key)
    path = f"/api/v1/transactions/{first.body['id']}"
    read = {"If-Match": first.headers["etag"]}
    edited = client.call("PATCH", path, {"notes": "first"}, headers=read)
    stale = client.call("PATCH", path, {"notes": "second"}, headers=read)

    assert first.status == repeated.status == 201
    assert repeated.body == first.body
    assert repeated.headers["idempotency-replayed"] == "true"
    assert edited.status == 200, edited.body
    assert stale.status == 412
    assert client.call("GET", path).body["notes"] == "first"
    assert client.call("GET", f"/api/v1/accounts/{account}").body["transactionCount"] == 1


def test_what_one_person_has_does_not_exist_for_another(cloud: LocalCloud, client: Client) -> None:
    account = open_account(client)
    stranger = register(cloud)

    foreign = stranger.call("GET", f"/api/v1/accounts/{account}")

    assert foreign.status == 404
    assert foreign.body["code"] == "not_found"
