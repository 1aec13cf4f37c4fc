"""Callers that do random things, repeat what got no answer, and remember what was acknowledged."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from localcloud.client import Answer, Client

API = "/api/v1"
MONTH = "2026-03"
PATIENCE_SECONDS = 90
IMPORT_ROWS = 55  # two transactions of the store
LETTERS = str.maketrans("0123456789", "ghijklmnop")
Bodies = dict[str, Any]


def euros(minor: int) -> dict[str, str]:
    """Money of the API."""
    sign = "-" if minor < 0 else ""
    return {"amount": f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}", "currency": "EUR"}


def minor(money: dict[str, str]) -> int:
    """Cents of the API's money."""
    whole, _, cents = money["amount"].partition(".")
    return int(whole + cents)


def unique() -> str:
    """A text that nothing else has, without a digit: ledgers refuse what looks like a card."""
    return uuid.uuid4().hex.translate(LETTERS)


@dataclass
class Row:
    """A transaction as its last acknowledged change left it."""

    account: str
    description: str
    minor: int
    version: int = 1
    live: bool = True


@dataclass
class Shared:
    """What the callers of one user have in common."""

    accounts: tuple[str, str]
    goal: str
    contested: str


@dataclass
class Caller:
    """One thread's person at the keyboard. Only this thread changes `rows` and `transfers`."""

    client: Client
    shared: Shared
    chance: random.Random
    rows: dict[str, Row] = field(default_factory=dict)
    imported: list[Row] = field(default_factory=list)
    transfers: dict[str, int] = field(default_factory=dict)
    saved: int = 0
    raised: int = 0
    events: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def run(self, until: float) -> None:
        """Random operations until then; the last one is seen to its end."""
        self.load_statement()
        choices = (self.book, self.book, self.change, self.delete, self.restore, self.move)
        choices += (self.unmove, self.save, self.contest, self.contest, self.book_many)
        while time.monotonic() < until:
            self.chance.choice(choices)()
            self.met["operations"] += 1

    # --- What a client does about failures -------------------------------------------------------

    def decided(
        self, method: str, path: str, body: Bodies | bytes | None, headers: dict[str, str]
    ) -> Answer:
        """The answer that decides, to one key: what got none or "later" is sent again as it was."""
        sent = {"Idempotency-Key": uuid.uuid4().hex, **headers}
        pause, give_up = threading.Event(), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            try:
                answer = self.sent(method, path, body, sent)
            except OSError:
                self.met["unanswered"] += 1
                pause.wait(self.chance.uniform(0.2, 0.6))
                continue
            if answer.status == 503 or self.is_in_progress(answer):
                self.met[answer.body["code"]] += 1
                pause.wait(self.chance.uniform(0.1, 0.5))
                continue
            self.met["replayed"] += "idempotency-replayed" in answer.headers
            return answer
        raise AssertionError(f"undecided after {PATIENCE_SECONDS} s: {method} {path}")

    def sent(
        self, method: str, path: str, body: Bodies | bytes | None, headers: dict[str, str]
    ) -> Answer:
        if isinstance(body, bytes):
            headers = headers | {"Authorization": f"Bearer {self.client.token}"}
            return self.client.send(method, API + path, body, headers)
        return self.client.call(method, API + path, body, headers=headers)

    @staticmethod
    def is_in_progress(answer: Answer) -> bool:
        return answer.status == 409 and answer.body["code"] == "idempotency_in_progress"

    def done(
        self,
        status: int,
        method: str,
        path: str,
        body: Bodies | bytes | None = None,
        **headers: str,
    ) -> Answer:
        """As `decided`; any other status is a defect."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.decided(method, path, body, named)
        assert answer.status == status, (method, path, answer.status, answer.body)
        return answer

    def read(self, path: str) -> Any:
        return self.done(200, "GET", path).body

    # --- Operations ------------------------------------------------------------------------------

    def fresh(self) -> Row:
        amount = self.chance.choice((-1, 1)) * self.chance.randint(1, 99_999)
        return Row(self.chance.choice(self.shared.accounts), unique(), amount)

    def body(self, row: Row) -> Bodies:
        return {
            "accountId": row.account,
            "date": f"{MONTH}-{self.chance.randint(1, 28):02d}",
            "amount": euros(row.minor),
            "description": row.description,
        }

    def some(self, *, live: bool) -> tuple[str, Row] | None:
        found = [(id_, row) for id_, row in self.rows.items() if row.live is live]
        return self.chance.choice(found) if found else None

    def book(self) -> None:
        row = self.fresh()
        answer = self.done(201, "POST", "/transactions", self.body(row))
        self.rows[answer.body["id"]] = row
        self.events["transaction.created"] += 1

    def book_many(self) -> None:
        rows = [self.fresh() for _ in range(3)]
        operations = [{"op": "create", "transaction": self.body(row)} for row in rows]
        body = {"atomic": True, "operations": operations}
        answer = self.done(200, "POST", "/transactions/bulk", body)
        for made, row in zip(answer.body["created"], rows, strict=True):
            assert made["description"] == row.description
            self.rows[made["id"]] = row
        self.events["transaction.bulk"] += 1

    def change(self) -> None:
        if not (found := self.some(live=True)):
            return
        id_, row = found
        row.minor += self.chance.choice((-2, 2)) * 100_000
        row.account = self.chance.choice(self.shared.accounts)
        body = {"amount": euros(row.minor), "accountId": row.account}
        answer = self.done(200, "PATCH", f"/transactions/{id_}", body, If_Match=f'"{row.version}"')
        row.version = answer.body["version"]
        self.events["transaction.updated"] += 1

    def delete(self) -> None:
        if not (found := self.some(live=True)):
            return
        id_, row = found
        self.done(204, "DELETE", f"/transactions/{id_}", If_Match=f'"{row.version}"')
        row.live = False
        self.events["transaction.deleted"] += 1

    def restore(self) -> None:
        if not (found := self.some(live=False)):
            return
        id_, row = found
        row.version = self.done(200, "POST", f"/transactions/{id_}/restore").body["version"]
        row.live = True
        self.events["transaction.restored"] += 1

    def move(self) -> None:
        amount = self.chance.randint(1, 9_999)
        source, target = self.chance.sample(self.shared.accounts, 2)
        body = {
            "fromAccountId": source,
            "toAccountId": target,
            "amount": euros(amount),
            "date": f"{MONTH}-15",
        }
        made = self.done(201, "POST", "/transfers", body).body
        self.transfers[made["id"]] = amount if source == self.shared.accounts[0] else -amount
        self.events["transfer.created"] += 1

    def unmove(self) -> None:
        if not self.transfers:
            return
        id_ = self.chance.choice(list(self.transfers))
        self.done(204, "DELETE", f"/transfers/{id_}", If_Match='"1"')
        del self.transfers[id_]
        self.events["transfer.deleted"] += 1

    def save(self) -> None:
        amount = self.chance.randint(1, 500)
        body = {"amount": euros(amount), "date": f"{MONTH}-20"}
        self.done(201, "POST", f"/goals/{self.shared.goal}/contributions", body)
        self.saved += amount
        self.events["goal.contributed"] += 1

    def contest(self) -> None:
        """Raise a figure that every caller raises: whoever is told 412 has changed nothing."""
        path = f"/transactions/{self.shared.contested}"
        seen = self.read(path)
        body = {"amount": euros(minor(seen["amount"]) + 1)}
        answer = self.decided("PATCH", path, body, {"If-Match": f'"{seen["version"]}"'})
        assert answer.status in {200, 412}, answer.body
        if answer.status == 200:
            self.raised += 1
            self.events["transaction.updated"] += 1

    def load_statement(self) -> None:
        account = self.shared.accounts[0]
        self.imported = [Row(account, unique(), -n) for n in range(1, IMPORT_ROWS + 1)]
        lines = ["Date,Description,Amount"]
        lines += [f"{MONTH}-05,{row.description},-0.{-row.minor:02d}" for row in self.imported]
        boundary, options = uuid.uuid4().hex, {"accountId": account, "format": "csv"}
        options |= {"dateFormat": "YYYY-MM-DD"}
        payload = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="options"\r\n\r\n'
            f"{json.dumps(options)}\r\n"
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
            f"{chr(10).join(lines)}\r\n--{boundary}--\r\n"
        ).encode()
        kind = f"multipart/form-data; boundary={boundary}"
        self.done(202, "POST", "/imports", payload, Content_Type=kind)
