"""What no route may do: show another's things, crash on bad input, or go beyond a token."""

import json
import secrets
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from budgetbuddy.domain.access import Scope
from budgetbuddy.domain.ids import Kind, make_id

from ..conftest import Caller  # noqa: TID252 - fixtures' module
from .conftest import Operation

SignUp = Callable[..., Caller]

HOSTILE = {
    "empty": b"",
    "cut off": b"{",
    "duplicate keys": b'{"a":1,"a":2}',
    "NaN": b'{"a":NaN}',
    "beyond a double": b'{"a":1e400}',
    "lone surrogate": b'{"a":"\\udfff"}',
    "not UTF-8": b'{"a":"\xff"}',
    "depth 10,000": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a string of 1 MB": b'{"a":"' + b"x" * 1_048_576 + b'"}',
    "a list": b"[]",
    "null": b"null",
}
# In place of every field of every example, one at a time.
WRONG_VALUES = [
    {"amount": "1_000", "currency": "EUR"},
    {"amount": "\uff11\uff12", "currency": "EUR"},
    {"amount": "1e400", "currency": "EUR"},
    {"amount": 1.5, "currency": "EUR"},
    "0000-01-01",
    "9999-12-31",
    "x" * 100_000,
    -(10**30),
    [[[]]],
]


def opened(answer: Any, status: int = 201) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json


def belongings(owner: Caller) -> dict[str, str]:
    """A thing of each kind that has an id in a path."""
    euro = {"amount": "5.00", "currency": "EUR"}
    accounts = [
        opened(owner("POST", "/accounts", {"name": "A", "kind": "cash", "currency": "EUR"}))["id"]
        for _ in range(2)
    ]
    entry = {"accountId": accounts[0], "date": "2026-03-01", "amount": euro, "description": "x"}
    transfer = {"fromAccountId": accounts[0], "toAccountId": accounts[1], "amount": euro}
    transfer["date"] = "2026-03-01"
    category = opened(owner("GET", "/categories"), 200)["items"][0]["id"]
    goal = opened(owner("POST", "/goals", {"name": "G", "target": euro}))["id"]
    contribution = {"amount": {"amount": "1.00", "currency": "EUR"}, "date": "2026-03-01"}
    token = {"name": "T", "scopes": ["accounts:read"], "expiresInDays": 1}
    made = owner("POST", f"/goals/{goal}/contributions", contribution, key="c" * 20)
    hook = {"url": "https://hooks.example.com/", "events": ["import.finished"]}
    webhook = opened(owner("POST", "/webhooks", hook))["id"]
    delivery = opened(owner("POST", f"/webhooks/{webhook}/test"), 202)["id"]
    return {
        "accountId": accounts[0],
        "transactionId": opened(owner("POST", "/transactions", entry, key="t" * 20))["id"],
        "transferId": opened(owner("POST", "/transfers", transfer, key="f" * 20))["id"],
        "categoryId": category,
        "goalId": goal,
        "contributionId": opened(made)["contribution"]["id"],
        "tokenId": opened(owner("POST", "/tokens", token))["id"],
        "sessionId": owner.session["sessionId"],
        "webhookId": webhook,
        "deliveryId": delivery,
    }


KINDS = {
    "accountId": Kind.ACCOUNT,
    "transactionId": Kind.TRANSACTION,
    "transferId": Kind.TRANSFER,
    "categoryId": Kind.CATEGORY,
    "goalId": Kind.GOAL,
    "contributionId": Kind.CONTRIBUTION,
    "tokenId": Kind.ACCESS_TOKEN,
    "sessionId": Kind.SESSION,
    "webhookId": Kind.WEBHOOK,
    "deliveryId": Kind.DELIVERY,
}


def test_what_another_has_answers_byte_for_byte_like_what_nobody_has(
    operations: list[Operation], sign_up: SignUp
) -> None:
    owner, stranger = sign_up(), sign_up()
    theirs = belongings(owner)
    nobodys = {name: make_id(kind) for name, kind in KINDS.items()}
    compared = 0
    for operation in operations:
        if not operation.names or not set(operation.names) <= theirs.keys():
            continue

        def told(
            ids: dict[str, str], operation: Operation = operation
        ) -> tuple[int, str, dict[str, str]]:
            sent = dict(operation.headers)
            if "Idempotency-Key" in sent:
                sent["Idempotency-Key"] = secrets.token_hex(8)
            headers = {name.replace("-", "_"): value for name, value in sent.items()}
            path = operation.at(**ids)
            answer = stranger(operation.method, path, operation.example, **headers)
            text = answer.text.replace(answer.headers["X-Request-ID"], "R")
            for id_ in ids.values():
                text = text.replace(id_, "ID")
            kept = {k: v for k, v in answer.headers if k not in {"X-Request-ID", "Content-Length"}}
            return answer.status_code, text, kept

        assert told(theirs) == told(nobodys), operation
        compared += 1
    assert compared > 30
    assert opened(owner("GET", f"/accounts/{theirs['accountId']}"), 200)["status"] == "open"


def test_no_route_crashes_on_what_is_no_sound_json(
    operations: list[Operation], client: FlaskClient, signed_in: Caller
) -> None:
    with_bodies = [operation for operation in operations if operation.example is not None]
    assert len(with_bodies) > 30
    for operation in with_bodies:
        path = "/api/v1" + operation.at(**{name: make_id(Kind.GOAL) for name in operation.names})
        for name, body in HOSTILE.items():
            answer: Any = client.open(
                path,
                method=operation.method,
                data=body,
                headers={
                    "Authorization": f"Bearer {signed_in.token}",
                    "Content-Type": "application/json",
                    **operation.headers,
                },
            )
            assert 400 <= answer.status_code < 500, (operation, name, answer.text)
            assert answer.mimetype == "application/problem+json"


def test_no_field_of_any_route_crashes_on_a_wrong_value(
    operations: list[Operation], signed_in: Caller
) -> None:
    tried = 0
    for operation in operations:
        if not isinstance(operation.example, dict) or operation.path.startswith("/auth/mfa"):
            continue
        path = operation.at(**{name: make_id(Kind.GOAL) for name in operation.names})
        for field in operation.example:
            for value in WRONG_VALUES:
                sent = {name.replace("-", "_"): text for name, text in operation.headers.items()}
                if "Idempotency_Key" in sent:
                    sent["Idempotency_Key"] = secrets.token_hex(8)
                body = operation.example | {field: value}
                answer = signed_in(operation.method, path, body, **sent)
                assert answer.status_code < 500 or answer.json["code"] == (
                    "provider_not_configured"
                ), (operation, field, value, answer.text)
                tried += 1
    assert tried > 500


def test_nothing_is_settable_that_a_route_does_not_name(
    operations: list[Operation], signed_in: Caller
) -> None:
    forbidden = ("balance", "version", "roles", "plan", "userId", "saved", "source", "cardNumber")
    for operation in operations:
        if not isinstance(operation.example, dict) or operation.path.startswith("/auth/"):
            continue
        path = operation.at(**{name: make_id(Kind.GOAL) for name in operation.names})
        sent = {name.replace("-", "_"): text for name, text in operation.headers.items()}
        extra = {name: "1" for name in forbidden if name not in operation.example}
        answer = signed_in(operation.method, path, operation.example | extra, **sent)
        if answer.status_code != 422:
            assert answer.status_code in {401, 403, 404}, (operation, answer.text)
            continue
        told = {e["pointer"] for e in answer.json["errors"] if e["code"] == "unknown_field"}
        assert told == {f"/{name}" for name in extra}, (operation, answer.text)


def test_a_token_with_every_right_but_the_asked_one_is_refused_everywhere(
    operations: list[Operation], signed_in: Caller
) -> None:
    tokens: dict[str, Caller] = {}
    checked = 0
    for operation in operations:
        if operation.scopes is None:
            continue
        lacking = operation.scopes[0] if operation.scopes else ""
        if lacking not in tokens:
            scopes = sorted(str(scope) for scope in Scope if scope != lacking)
            body = {"name": lacking or "all", "scopes": scopes, "expiresInDays": 1}
            made = opened(signed_in("POST", "/tokens", body))
            tokens[lacking] = Caller(signed_in.client, made["token"])
        path = operation.at(**{name: make_id(Kind.GOAL) for name in operation.names})
        sent = {name.replace("-", "_"): text for name, text in operation.headers.items()}
        answer = tokens[lacking](operation.method, path, operation.example, **sent)
        hidden = {(403, "session_required"), (404, "not_found")}
        expected = {(403, "scope_missing")} if operation.scopes else hidden
        assert (answer.status_code, answer.json["code"]) in expected, (operation, answer.text)
        checked += 1
    assert checked > 80


def test_a_header_sent_twice_or_of_64_kb_is_refused_or_read_once(
    client: FlaskClient, signed_in: Caller
) -> None:
    token = f"Bearer {signed_in.token}"
    twice = [("Authorization", token), ("Authorization", token)]
    long = [("Authorization", token), ("X-Filler", "x" * 65_536)]
    keys = [("Authorization", token), ("Idempotency-Key", "k" * 20), ("Idempotency-Key", "l" * 20)]

    assert client.get("/api/v1/users/me", headers=twice).status_code in {400, 401}
    assert client.get("/api/v1/users/me", headers=long).status_code == 431
    answer = client.post(
        "/api/v1/goals",
        data=json.dumps({"name": "x", "target": {"amount": "1.00", "currency": "EUR"}}),
        headers=[*keys, ("Content-Type", "application/json")],
    )
    assert answer.status_code == 400
