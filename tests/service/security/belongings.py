"""A thing of each kind that has an id in a path."""

import io
import json
import secrets
from typing import Any

from budgetbuddy.domain.ids import Kind, make_id
from localcloud.doubles.plaid import PlaidDouble

from ..conftest import Caller  # noqa: TID252 - fixtures' module

DAY, BANK = "2026-06-01", "ins_109508"
NOT_OWNED = {"month", "framework", "controlId"}  # names in paths that are no ids of things
KINDS = {
    "accountId": Kind.ACCOUNT,
    "alertId": Kind.ALERT,
    "transactionId": Kind.TRANSACTION,
    "transferId": Kind.TRANSFER,
    "categoryId": Kind.CATEGORY,
    "contributionId": Kind.CONTRIBUTION,
    "exportId": Kind.EXPORT,
    "goalId": Kind.GOAL,
    "importId": Kind.IMPORT,
    "itemId": Kind.BANK_ITEM,
    "jobId": Kind.JOB,
    "recurringId": Kind.RECURRING,
    "ruleId": Kind.RULE,
    "sessionId": Kind.SESSION,
    "tokenId": Kind.ACCESS_TOKEN,
    "webhookId": Kind.WEBHOOK,
    "deliveryId": Kind.DELIVERY,
}


def euro(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def opened(answer: Any, status: int = 201) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json


def nobodys() -> dict[str, str]:
    """Ids of things that nobody has."""
    return {name: make_id(kind) for name, kind in KINDS.items()} | {
        "receipt": secrets.token_urlsafe(32)
    }


def belongings(owner: Caller, plaid: PlaidDouble | None = None) -> dict[str, str]:
    """The ids of what `owner` has, by their names in paths; without `plaid` no bank is linked."""

    def made(path: str, body: Any, status: int = 201) -> Any:
        return opened(owner("POST", path, body, key=secrets.token_hex(8)), status)

    giro, other = (
        made("/accounts", {"name": name, "kind": "cash", "currency": "EUR"})["id"] for name in "AB"
    )
    category = opened(owner("GET", "/categories"), 200)["items"][0]["id"]
    entry = {"accountId": giro, "date": DAY, "amount": euro("-5.00"), "description": "x"}
    moved = {"fromAccountId": giro, "toAccountId": other, "amount": euro("5.00"), "date": DAY}
    limit = {"limit": euro("5.00")}
    opened(owner("PUT", f"/budgets/{category}", limit, If_None_Match="*"))
    spent = made("/transactions", {**entry, "categoryId": category})["id"]
    goal = made("/goals", {"name": "G", "target": euro("5.00")})["id"]
    saved = made(f"/goals/{goal}/contributions", {"amount": euro("1.00"), "date": DAY})
    when = [{"field": "description", "op": "contains", "value": "x"}]
    rule = {"name": "R", "when": when, "then": [{"do": "setReview", "value": "flagged"}]}
    item = {"name": "M", "amount": euro("-9.00"), "frequency": "monthly", "nextDate": DAY}
    token = opened(
        owner("POST", "/tokens", {"name": "T", "scopes": ["goals:read"], "expiresInDays": 1})
    )
    hook = {"url": "https://hooks.example.com/", "events": ["import.finished"]}
    webhook = opened(owner("POST", "/webhooks", hook))["id"]
    return {
        "accountId": giro,
        "alertId": opened(owner("GET", "/budgets/alerts"), 200)["items"][0]["id"],
        "transactionId": spent,
        "transferId": made("/transfers", moved)["id"],
        "categoryId": category,
        "contributionId": saved["contribution"]["id"],
        "exportId": made("/exports", {"kind": "transactions", "format": "csv"}, 202)["id"],
        "goalId": goal,
        "jobId": opened(statement(owner, giro), 202)["id"],
        "importId": opened(owner("GET", "/imports"), 200)["items"][0]["id"],
        "itemId": linked(owner, plaid) if plaid else "",
        "recurringId": made("/recurring", item)["id"],
        "ruleId": made("/rules", rule)["id"],
        "sessionId": owner.session["sessionId"],
        "tokenId": token["id"],
        "webhookId": webhook,
        "deliveryId": opened(owner("POST", f"/webhooks/{webhook}/test"), 202)["id"],
        "receipt": "",
    }


def linked(owner: Caller, plaid: PlaidDouble) -> str:
    """The id of a bank, linked."""
    bank = {"publicToken": plaid.banks.public_token(BANK), "institutionId": BANK}
    item: str = opened(owner("POST", "/plaid/items", bank, key=secrets.token_hex(8)))["id"]
    return item


def statement(owner: Caller, account: str) -> Any:
    """A statement of one row, loaded."""
    form = {
        "options": json.dumps({"accountId": account, "format": "csv", "dateFormat": "YYYY-MM-DD"}),
        "file": (io.BytesIO(f"Date,Description,Amount\n{DAY},Tea,-1.00".encode()), "x.csv"),
    }
    headers = {"Authorization": f"Bearer {owner.token}", "Idempotency-Key": secrets.token_hex(8)}
    return owner.client.post("/api/v1/imports", data=form, headers=headers)
