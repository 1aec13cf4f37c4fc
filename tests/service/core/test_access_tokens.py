"""Personal access tokens: some rights, for a while, and never those of a session."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from budgetbuddy.api._routes import declarations
from budgetbuddy.domain.access import BUCKETS, Gate, Scope
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.ids import Kind, make_id

from ..conftest import PASSWORD, Caller, ManualClock, Trail  # noqa: TID252 - fixtures' module

OTHER = "another sentence nobody knows 7"


def create(caller: Caller, *scopes: str, days: int = 30, **more: Any) -> Any:
    body = {"name": "Script", "scopes": list(scopes), "expiresInDays": days, **more}
    return caller("POST", "/tokens", body)


def script(caller: Caller, *scopes: str, days: int = 30) -> Caller:
    created = create(caller, *scopes, days=days)
    assert created.status_code == 201, created.json
    return Caller(caller.client, created.json["token"], created.json)


def test_a_token_is_shown_once_and_does_what_its_scopes_say(signed_in: Caller) -> None:
    created = create(signed_in, "accounts:read", "accounts:read", "profile:read")
    token = created.json["token"]

    assert (len(token), token[:7], token[:11]) == (56, "bb_pat_", created.json["prefix"])
    assert created.json["scopes"] == ["accounts:read", "profile:read"]
    assert (created.json["createdAt"], created.json["expiresAt"]) == (
        "2026-06-15T12:00:00.000Z",
        "2026-07-15T12:00:00.000Z",
    )
    caller = Caller(signed_in.client, token)
    assert caller("GET", "/accounts").status_code == 200
    assert caller("GET", "/users/me").json["email"] == "ann@example.com"
    (listed,) = signed_in("GET", "/tokens").json["items"]
    assert "token" not in listed
    assert listed == signed_in("GET", f"/tokens/{listed['id']}").json
    assert listed["lastUsedAt"] == "2026-06-15"


def test_each_route_asks_for_its_own_scope(
    app: Flask, client: FlaskClient, signed_in: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route, with a token that has all scopes but the one it asks for."""
    monkeypatch.setitem(BUCKETS, "sensitive", replace(BUCKETS["sensitive"], limit=len(Scope)))
    by_missing: dict[Scope, Caller] = {}
    declared = declarations(app.view_functions)
    for rule in app.url_map.iter_rules():
        found = declared[rule.endpoint]
        if found is None or found.access.is_anonymous:
            continue
        missing = found.access.scope or Scope.PROFILE_READ
        if missing not in by_missing:
            by_missing[missing] = script(signed_in, *(s for s in Scope if s is not missing))
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", make_id(Kind.ACCOUNT))
        headers = {"Authorization": f"Bearer {by_missing[missing].token}"}
        (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        answer: Any = client.open(path, method=method, headers=headers)
        refused = (403, "scope_missing" if found.access.scope else "session_required")
        expected = (404, "not_found") if found.access.gate is Gate.ROLE else refused
        assert (answer.status_code, answer.json["code"]) == expected, path


def test_a_revoked_token_opens_nothing(signed_in: Caller) -> None:
    caller = script(signed_in, "accounts:read")
    path = f"/tokens/{caller.session['id']}"
    assert caller("GET", "/accounts").status_code == 200
    assert signed_in("DELETE", path).status_code == 204

    assert caller("GET", "/accounts").json["code"] == "token_invalid"
    assert signed_in("GET", path).json["code"] == "not_found"
    assert signed_in("DELETE", path).json["code"] == "not_found"


def test_a_token_ends_on_its_day(signed_in: Caller, clock: ManualClock) -> None:
    caller = script(signed_in, "accounts:read", days=1)
    clock.advance(days=1, seconds=-1)
    assert caller("GET", "/accounts").status_code == 200
    clock.advance(seconds=1)

    assert caller("GET", "/accounts").json["code"] == "token_expired"


@pytest.mark.parametrize(("keeps", "status"), [(True, 200), (False, 401)])
def test_a_changed_password_ends_tokens_unless_told_otherwise(
    signed_in: Caller, *, keeps: bool, status: int
) -> None:
    caller = script(signed_in, "accounts:read")
    body = {"currentPassword": PASSWORD, "newPassword": OTHER, "revokeTokens": not keeps}
    assert signed_in("POST", "/auth/password/change", body).status_code == 200

    assert caller("GET", "/accounts").status_code == status


def test_another_users_token_does_not_exist(
    signed_in: Caller, sign_up: Callable[..., Caller]
) -> None:
    path = f"/tokens/{script(signed_in, 'accounts:read').session['id']}"
    bob = sign_up()

    assert bob("GET", path).json["code"] == "not_found"
    assert bob("DELETE", path).json["code"] == "not_found"
    assert bob("GET", "/tokens").json["items"] == []


def _altered(token: str) -> list[str]:
    swapped = token[:10] + ("A" if token[10] != "A" else "B") + token[11:]
    raw = base64.urlsafe_b64encode(b"x" * 32).rstrip(b"=").decode()
    return [swapped, token[:-1], token + "A", f"bb_pat_{raw}AAAAAA", token.upper(), "bb_pat_"]


def test_what_is_no_token_is_refused(signed_in: Caller) -> None:
    caller = script(signed_in, "accounts:read")
    for text in _altered(caller.token):
        answer = Caller(signed_in.client, text)("GET", "/accounts")
        assert (answer.status_code, answer.json["code"]) == (401, "token_invalid"), text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"scopes": []}, id="no scope"),
        pytest.param({"scopes": ["everything"]}, id="unknown scope"),
        pytest.param({"expiresInDays": 0}, id="no day"),
        pytest.param({"expiresInDays": 366}, id="more than a year"),
        pytest.param({"name": ""}, id="no name"),
    ],
)
def test_a_token_without_sense_is_refused(signed_in: Caller, change: dict[str, Any]) -> None:
    answer = create(signed_in, "accounts:read", **change)

    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")


def test_tokens_are_made_ten_an_hour_and_twenty_at_most(
    signed_in: Caller, clock: ManualClock
) -> None:
    caller = signed_in
    for _ in range(2):
        for _ in range(10):
            assert create(caller, "accounts:read").status_code == 201
        assert create(caller, "accounts:read").json["code"] == "rate_limited"
        clock.advance(hours=1)
        body = {"refreshToken": caller.session["refreshToken"]}
        session = caller("POST", "/auth/refresh", body).json
        caller = Caller(caller.client, session["accessToken"], session)
        fresh = caller("POST", "/auth/reauthenticate", {"password": PASSWORD}).json
        caller = Caller(caller.client, fresh["accessToken"], session)

    assert create(caller, "accounts:read").json["code"] == "limit_reached"


def test_what_a_token_does_is_written_down_as_the_tokens(
    signed_in: Caller, trail: Trail, actors: Trail
) -> None:
    caller = script(signed_in, "accounts:write")
    made = caller("POST", "/accounts", {"name": "Giro", "kind": "cash", "currency": "EUR"})
    assert made.status_code == 201
    signed_in("DELETE", f"/tokens/{caller.session['id']}")

    assert trail(signed_in)[1:] == [
        Event.TOKEN_CREATED,
        Event.ACCOUNT_CREATED,
        Event.TOKEN_REVOKED,
    ]
    assert actors(signed_in)[1:] == ["user", f"pat:{caller.session['id']}", "user"]


def test_a_token_is_not_stored_in_clear(signed_in: Caller, stored: Callable[[], str]) -> None:
    caller = script(signed_in, "accounts:read")

    assert caller.token not in stored()
    assert "Script" not in stored()
