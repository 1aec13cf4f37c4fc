"""The money half of the service on tables of its own, on moto and on the embedded AWS."""

import io
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.config import Config
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from budgetbuddy import contract
from budgetbuddy.domain.accounts import Account, AccountKind, Opening
from budgetbuddy.domain.audit import GENESIS
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.domain.transactions import (
    TransactionDraft,
)
from budgetbuddy.security.envelope import Envelope
from budgetbuddy.store.accounts import AccountStore
from budgetbuddy.store.categories import CategoryStore
from budgetbuddy.store.commands import Commands
from budgetbuddy.store.imports import ImportStore
from budgetbuddy.store.jobs import JobStore
from budgetbuddy.store.months import MonthStore
from budgetbuddy.store.table import Store
from budgetbuddy.store.transactions import TransactionStore
from budgetbuddy.store.transfers import TransferStore
from budgetbuddy.store.writes import put

EUR = currency_of("EUR")
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@dataclass
class Ledger:
    """Every store of the money half, the raw tables below, and a clock to set."""

    store: Store
    accounts: AccountStore
    transactions: TransactionStore
    categories: CategoryStore
    imports: ImportStore
    jobs: JobStore
    months: MonthStore
    transfers: TransferStore
    envelope: Envelope
    now: datetime = NOW

    def new_user(self) -> Context:
        """A context of a user who has just registered."""
        user = UserRef(id=make_id(Kind.USER), subject=secrets.token_hex(16))
        self.envelope.create_key(user)
        head = {"pk": f"U#{user.id}", "sk": "HEAD", "v": 1, "seq": 0}
        head |= {"auditSeq": 0, "auditHash": GENESIS}
        self.store.write(put(self.store.ledger.name, head))
        return Context(user=user, request_id="test-request")

    def new_account(self, context: Context, opening: str | None = None, **fields: Any) -> Account:
        """An open checking account in euros unless told otherwise."""
        currency = fields.pop("currency", EUR)
        zero = Money.zero(currency)
        account = Account(
            **{
                "id": make_id(Kind.ACCOUNT),
                "name": "Giro",
                "kind": AccountKind.CHECKING,
                "currency": currency,
                "balance": zero,
                "pending_balance": zero,
                **fields,
            }
        )
        start = (
            Opening(amount=Money.parse(opening, currency), date=date(2026, 1, 1))
            if opening
            else None
        )
        return self.accounts.add(context, account, start)

    def rows(self, context: Context, prefix: str) -> list[dict[str, Any]]:
        """The stored rows below the user whose sort key begins like this."""
        return self.store.ledger.query(f"U#{context.user.id}", begins_with=prefix or None)


def draft(account: Account, amount: str, day: str = "2026-06-01", **more: Any) -> TransactionDraft:
    """A transaction to be added."""
    filed = {name: more.pop(name) for name in ("category_id", "splits") if name in more}
    fields = {
        "account_id": account.id,
        "date": date.fromisoformat(day),
        "amount": Money.parse(amount, account.currency),
        "description": "Groceries",
        **more,
    }
    return TransactionDraft(fields=fields, **filed)


class _DataKeys:
    """The part of KMS that makes data keys, without wrapping them."""

    exceptions = SimpleNamespace(InvalidCiphertextException=ValueError)

    def generate_data_key(self, **_: object) -> dict[str, bytes]:
        return {"Plaintext": secrets.token_bytes(32), "CiphertextBlob": b"wrapped"}


def build_ledger(client: Any) -> Ledger:
    """Stores over new tables of their own."""
    prefix = f"T{secrets.token_hex(4)}"
    for spec in contract.TABLES:
        _create_table(client, prefix, spec)
    ledger: Ledger
    store = Store(client, prefix, lambda: ledger.now)
    keys: Any = _DataKeys()
    envelope = Envelope(keys, "key", lambda _: None)
    commands = Commands(store, envelope)
    accounts = AccountStore(store, commands, envelope)
    categories = CategoryStore(store, commands, envelope)
    ledger = Ledger(
        store=store,
        accounts=accounts,
        transactions=TransactionStore(store, commands, envelope),
        categories=categories,
        imports=ImportStore(store, commands, envelope, categories),
        jobs=JobStore(store, commands),
        months=MonthStore(store),
        transfers=TransferStore(store, commands, envelope, accounts),
        envelope=envelope,
    )
    return ledger


def _create_table(client: Any, prefix: str, spec: contract.TableSpec) -> None:
    sort_keys = {contract.PARTITION_KEY, contract.SORT_KEY, *(i.sort_key for i in spec.indexes)}
    request: dict[str, Any] = {
        "TableName": f"{prefix}-{spec.name}",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in sorted(sort_keys)
        ],
        "KeySchema": _keys(contract.SORT_KEY),
    }
    if spec.indexes:
        request["LocalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _keys(index.sort_key),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in spec.indexes
        ]
    client.create_table(**request)


def _keys(sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": contract.PARTITION_KEY, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


def _client(sdk: Any, endpoint: str | None = None) -> Any:
    return sdk.client(
        "dynamodb",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=endpoint,
        config=Config(max_pool_connections=32),
    )


@pytest.fixture
def moto_ledger(aws: Any) -> Iterator[Ledger]:
    """In process and quick; not for threads, which its transactions do not isolate."""
    client = _client(aws.sdk)
    yield build_ledger(client)
    client.close()


@pytest.fixture
def emulator_ledger(sdk: Any, emulator: str) -> Iterator[Ledger]:
    """On the embedded AWS, whose transactions are isolated."""
    client = _client(sdk, emulator)
    yield build_ledger(client)
    client.close()


@pytest.fixture(params=["moto", pytest.param("emulator", marks=pytest.mark.emulator)])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """The same test on both: each catches what the other lets through."""
    built: Ledger = request.getfixturevalue(f"{request.param}_ledger")
    return built


@pytest.fixture
def count_calls() -> Callable[[Ledger], list[str]]:
    """The names of the DynamoDB calls a ledger makes from now on, in a list that grows."""

    def watch(ledger: Ledger) -> list[str]:
        calls: list[str] = []
        ledger.store.client.meta.events.register(
            "before-call.dynamodb", lambda model, **_: calls.append(model.name)
        )
        return calls

    return watch


# --- Over HTTP -----------------------------------------------------------------------------------


@dataclass
class Api:
    """One signed-in user of the API."""

    client: FlaskClient
    token: str

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "auto",
        version: int | str | None = None,
        **more: Any,
    ) -> TestResponse:
        """Send JSON; a new Idempotency-Key unless told; `version` becomes `If-Match`."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        if key is not None and method != "GET":
            headers["Idempotency-Key"] = secrets.token_hex(8) if key == "auto" else key
        if version is not None:
            headers["If-Match"] = f'"{version}"' if isinstance(version, int) else version
        if body is not None:
            more["json"] = body
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **more)

    def account(self, **fields: Any) -> dict[str, Any]:
        """A new account in euros."""
        body = {"name": "Giro", "kind": "checking", "currency": "EUR", **fields}
        return _made(self("POST", "/accounts", body))

    def transaction(self, account: dict[str, Any], amount: str, **fields: Any) -> dict[str, Any]:
        """A new transaction."""
        return _made(self("POST", "/transactions", new_transaction(account, amount, **fields)))

    def category(self, name: str, kind: str = "expense") -> dict[str, Any]:
        """A new category."""
        return _made(self("POST", "/categories", {"name": name, "kind": kind}))

    def upload(
        self,
        data: bytes | str,
        account: dict[str, Any],
        *,
        key: str | None = "auto",
        **options: Any,
    ) -> TestResponse:
        """A statement file with options."""
        raw = data if isinstance(data, bytes) else data.encode()
        chosen = {"accountId": account["id"], "format": "csv", **options}
        file = FileStorage(io.BytesIO(raw), filename="statement")
        # Encoded here: the test client would leave a temporary file of a large form open.
        boundary, encoded = encode_multipart({"file": file, "options": json.dumps(chosen)})
        content_type = f"multipart/form-data; boundary={boundary}"
        return self("POST", "/imports", key=key, data=encoded, content_type=content_type)


def _made(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json or {}
    return document


def new_transaction(account: dict[str, Any], amount: str, **fields: Any) -> dict[str, Any]:
    """The body of a transaction."""
    return {
        "accountId": account["id"],
        "date": "2026-06-01",
        "amount": {"amount": amount, "currency": account["currency"]},
        "description": "Groceries",
        **fields,
    }


@pytest.fixture
def new_user(sign_up: Callable[..., Any]) -> Callable[[], Api]:
    """Registers another user of the real application."""

    def new_user() -> Api:
        caller = sign_up()
        return Api(caller.client, caller.token)

    return new_user


@pytest.fixture
def api(new_user: Callable[[], Api]) -> Api:
    """A signed-in user."""
    return new_user()
