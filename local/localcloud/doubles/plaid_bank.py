"""The state behind the double of Plaid: banks whose rows appear, settle, change and vanish.

Every change is appended to its item's log; a cursor is a position in it, so that what a client has
not read yet is what comes after.
"""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

DAYS = 90  # of rows that a new item has
PAGE_ROWS = 500  # Plaid's most
SALARY, RENT, GROCERIES = -2_500.00, 900.00, 41.37  # Plaid counts what flows out as positive
BALANCE_BEFORE = 1_000.00
# Members that Plaid sends whether it knows them or not.
LOCATION = ("address", "city", "region", "postal_code", "country", "lat", "lon", "store_number")
PAYMENT = (
    "reference_number",
    "ppd_id",
    "payee",
    "by_order_of",
    "payer",
    "payment_method",
    "payment_processor",
    "reason",
)


class PlaidFault(Exception):  # noqa: N818 - what Plaid answers with
    """An error document of Plaid's."""

    def __init__(self, status: int, kind: str, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.kind = kind
        self.code = code


@dataclass
class Item:
    """One customer at one bank. `log` holds (`added` | `modified` | `removed`, row)."""

    item_id: str
    institution_id: str
    webhook: str
    accounts: list[dict[str, Any]]
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    is_ready: bool = True
    error: str | None = None
    consent_until: str | None = None  # ISO 8601


class Banks:
    """All items by access token, safe to share between threads; kept in a file if one is given."""

    def __init__(
        self, today: Callable[[], date], file: Path | None = None, days: int = DAYS
    ) -> None:
        self._today = today
        self._days = days
        self.page_rows = PAGE_ROWS
        self.is_ready = True  # False: new items have told nothing yet
        self._file = file
        self._lock = threading.RLock()
        self._public: dict[str, str] = {}
        self.items: dict[str, Item] = {}
        if file is not None and file.exists():
            known = json.loads(file.read_text())
            self.items = {token: Item(**item) for token, item in known.items()}

    def public_token(self, institution_id: str) -> str:
        """What Plaid's page gives a client after its user has signed in at the bank."""
        with self._lock:
            token = f"public-sandbox-{secrets.token_hex(16)}"
            self._public[token] = institution_id
            return token

    def exchange(self, public_token: str, webhook: str) -> tuple[str, Item]:
        """A new item; a public token is good once."""
        with self._lock:
            institution_id = self._public.pop(public_token, None)
            if institution_id is None:
                raise PlaidFault(400, "INVALID_INPUT", "INVALID_PUBLIC_TOKEN")
            token = f"access-sandbox-{secrets.token_hex(16)}"
            name = secrets.token_hex(12)
            accounts = [
                _account(f"chk{name}", "Plaid Checking", "0000", "depository", "checking"),
                _account(f"crd{name}", "Plaid Credit Card", "3333", "credit", "credit card"),
            ]
            item = Item(f"item{name}", institution_id, webhook, accounts, is_ready=self.is_ready)
            self.items[token] = item
            for row in _rows(accounts[0]["account_id"], self._today(), self._days):
                self._append(item, "added", row)
            self._save()
            return token, item

    def item(self, token: str) -> Item:
        """The item of an access token, unless it is in error."""
        found = self.known(token)
        if found.error is not None:
            raise PlaidFault(400, "ITEM_ERROR", found.error)
        return found

    def known(self, token: str) -> Item:
        """The item of an access token that still is one."""
        found = self.items.get(token)
        if found is None:
            raise PlaidFault(400, "INVALID_INPUT", "INVALID_ACCESS_TOKEN")
        return found

    def remove(self, token: str) -> None:
        """The item is gone at once, also one in error."""
        with self._lock:
            if self.items.pop(token, None) is None:
                raise PlaidFault(400, "INVALID_INPUT", "INVALID_ACCESS_TOKEN")
            self._save()

    def page(self, item: Item, cursor: str, count: int) -> dict[str, Any]:
        """What comes after the cursor, at most `count` changes."""
        with self._lock:
            if not item.is_ready:
                return {"changes": [], "next_cursor": "", "has_more": False}
            start = _position(item, cursor)
            part = item.log[start : start + min(count, self.page_rows)]
            end = start + len(part)
            return {
                "changes": part,
                "next_cursor": f"{item.item_id}:{end}",
                "has_more": end < len(item.log),
            }

    # --- What happens at a bank ------------------------------------------------------------------

    def add(self, item: Item, amount: float, name: str, **fields: Any) -> dict[str, Any]:
        """A new row on the first account, today and posted unless said otherwise."""
        with self._lock:
            account_id = fields.pop("account_id", item.accounts[0]["account_id"])
            row = _row(account_id, self._today(), amount, name) | fields
            self._append(item, "added", row)
            return row

    def settle(self, item: Item, pending: dict[str, Any], amount: float) -> dict[str, Any]:
        """A pending row becomes a posted one with another id, as banks do it."""
        with self._lock:
            row = self.add(
                item,
                amount,
                pending["name"],
                account_id=pending["account_id"],
                pending_transaction_id=pending["transaction_id"],
            )
            self._append(item, "removed", pending)
            return row

    def modify(self, item: Item, row: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """The bank corrects a row."""
        with self._lock:
            changed = row | fields
            self._append(item, "modified", changed)
            return changed

    def drop(self, item: Item, row: dict[str, Any]) -> None:
        """The bank takes a row back."""
        with self._lock:
            self._append(item, "removed", row)

    def _append(self, item: Item, kind: str, row: dict[str, Any]) -> None:
        item.log.append((kind, row))
        if not row["pending"] and kind == "added":
            balances = next(a for a in item.accounts if a["account_id"] == row["account_id"])
            sign = 1 if balances["type"] == "credit" else -1
            told = balances["balances"]
            told["current"] = round(told["current"] + sign * row["amount"], 2)
        self._save()

    def _save(self) -> None:
        if self._file is not None:
            known = {token: asdict(item) for token, item in self.items.items()}
            self._file.write_text(json.dumps(known))


def _position(item: Item, cursor: str) -> int:
    if not cursor:
        return 0
    name, _, number = cursor.partition(":")
    if name != item.item_id or not number.isdigit() or int(number) > len(item.log):
        raise PlaidFault(400, "INVALID_INPUT", "INVALID_FIELD")
    return int(number)


def _account(account_id: str, name: str, mask: str, kind: str, subtype: str) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "name": name,
        "official_name": None,
        "mask": mask,
        "type": kind,
        "subtype": subtype,
        "balances": {
            "available": None,
            "current": BALANCE_BEFORE if kind == "depository" else 410.00,
            "limit": None,
            "iso_currency_code": "USD",
            "unofficial_currency_code": None,
        },
    }


def _rows(account_id: str, today: date, days: int) -> list[dict[str, Any]]:
    """A plain life, oldest first, and one row that is still pending."""
    rows = []
    for age in range(days, 0, -1):
        day = today - timedelta(days=age)
        if age % 30 == 0:
            rows += [
                _row(account_id, day, SALARY, "ACME PAYROLL"),
                _row(account_id, day, RENT, "RENT"),
            ]
        if age % 7 == 0:
            rows.append(_row(account_id, day, GROCERIES, "GREEN GROCER", merchant="Green Grocer"))
    pending = _row(account_id, today, 12.50, "COFFEE HOUSE", merchant="Coffee House")
    return [*rows, pending | {"pending": True}]


def _row(
    account_id: str, day: date, amount: float, name: str, merchant: str | None = None
) -> dict[str, Any]:
    return {
        "transaction_id": secrets.token_hex(18),
        "account_id": account_id,
        "amount": amount,
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
        "date": day.isoformat(),
        "datetime": None,
        "authorized_date": None,
        "authorized_datetime": None,
        "transaction_code": None,
        "category": None,
        "category_id": None,
        "location": dict.fromkeys(LOCATION),
        "payment_meta": dict.fromkeys(PAYMENT),
        "name": name,
        "merchant_name": merchant,
        "pending": False,
        "pending_transaction_id": None,
        "payment_channel": "other",
        "account_owner": None,
    }


def utc_today() -> date:
    """The date of rows that appear now."""
    return datetime.now(UTC).date()
