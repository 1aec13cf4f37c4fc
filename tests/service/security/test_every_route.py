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
