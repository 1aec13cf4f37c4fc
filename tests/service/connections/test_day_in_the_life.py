"""A day in the life: a bank is linked, a quarter comes in, a budget warns, all is erased."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.doubles.plaid import PlaidDouble

from ..conftest import NOON, PASSWORD, Caller, ManualClock  # noqa: TID252 - fixtures' module
from .conftest import Link

EVE = "eve@example.com"
IDENTIFIER = re.compile(r"(?:usr|acc|txn|cat|rul|job|itm|ses|alr|exp)_[0-9a-z]{26}")


@pytest.fixture
def plaid() -> PlaidDouble:
    """A bank with a quarter of rows."""
    return PlaidDouble(today=NOON.date, days=90)


def good(answer: Any) -> Any:
    assert answer.status_code in {200, 201, 202}, answer.json
    return answer.json


def rows_of(caller: Caller) -> list[dict[str, Any]]:
    """All transactions, through every page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = good(caller("GET", f"/transactions?limit=100{cursor}"))
        found += page["items"]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


def test_from_the_first_link_to_the_last_trace(
    sign_up: Callable[..., Caller],
    link: Link,
    plaid: PlaidDouble,
    clock: ManualClock,
    stored: Callable[[], str],
) -> None:
    eve = sign_up(EVE, currency="USD", displayName="Eve")
    category = good(eve("GET", "/categories"))["items"][0]["id"]
    limit = {"amount": "100.00", "currency": "USD"}
    budget = {"limit": limit, "period": "monthly", "rollover": "none"}
    good(eve("PUT", f"/budgets/{category}", budget, If_None_Match="*"))

    # A bank is linked and three months come in, each row once, with balances that can be proved.
    item = good(link(eve))
    clock.advance(seconds=61)
    good(eve("POST", f"/plaid/items/{item['id']}/sync"))
    rows = rows_of(eve)
    assert min(row["date"] for row in rows) <= "2026-03-20"
    for account in good(eve("GET", "/accounts"))["items"]:
        proof = good(eve("GET", f"/accounts/{account['id']}/reconcile"))
        assert proof["difference"]["amount"] == "0.00"

    # A webhook brings a change, and comes twice; filed, it makes the budget warn once a threshold.
    ((_, bank),) = plaid.banks.items.items()
    plaid.banks.add(bank, 95.00, "BOOK SHOP")
    told = {"webhook_type": "TRANSACTIONS", "webhook_code": "SYNC_UPDATES_AVAILABLE"}
    body = json.dumps({**told, "item_id": bank.item_id}).encode()
    for delay in (0, 1):
        clock.advance(seconds=delay)
        headers = {"Plaid-Verification": plaid.signature(body, at=clock().timestamp())}
        sent = eve.client.post(
            "/api/v1/plaid/webhook", data=body, headers=headers, content_type="application/json"
        )
        assert sent.status_code == 200
    after = rows_of(eve)
    assert len(after) == len(rows) + 1
    (book,) = [row for row in after if row["description"] == "BOOK SHOP"]
    filed = {"categoryId": category}
    good(eve("PATCH", f"/transactions/{book['id']}", filed, If_Match=f'"{book["version"]}"'))
    for _ in range(2):
        alerts = good(eve("GET", "/budgets/alerts"))["items"]
        assert sorted(alert["threshold"] for alert in alerts) == [75, 90]

    # Everything is taken away.
    export = good(eve("POST", "/privacy/exports", key="export-all"))
    fetched = eve("GET", export["downloadUrl"].removeprefix("/api/v1"))
    with zipfile.ZipFile(io.BytesIO(fetched.data)) as packed:
        assert len(json.loads(packed.read("transactions.json"))) == len(rows) + 1
    assert good(eve("GET", "/audit/me/verify"))["valid"]

    # And erased: no table holds a trace, and the bank knows no link.
    assert bank.item_id in stored()
    erased = good(eve("POST", "/privacy/erasure", {"confirm": "ERASE", "password": PASSWORD}))
    status = good(Caller(eve.client)("GET", erased["statusUrl"].removeprefix("/api/v1")))
    assert status["status"] == "finished"
    assert plaid.banks.items == {}
    left = stored()
    assert IDENTIFIER.findall(left) == []
    traces = (EVE, bank.item_id, eve.session["user"]["id"])
    assert [trace for trace in traces if trace in left] == []
