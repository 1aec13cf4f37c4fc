"""Roles: given by operators only, effective at once, and never without a second factor."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response

from budgetbuddy import admin
from budgetbuddy.api import _app, all_routes
from budgetbuddy.api._http import json_response
from budgetbuddy.api._routes import Routes
from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import ADMIN, BUCKETS, COMPLIANCE, Role, scope
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.services import Services
from budgetbuddy.settings import load_settings

from ..conftest import PASSWORD, Caller, Trail, environment  # noqa: TID252 - fixtures' module

SCOPED = "goals:read"


@pytest.fixture
def app(wired: Services, lines: Any, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application with three more routes, one a kind of access."""
    del lines
    probe = Routes("probe", "/api/v1/probe", area="ops")

    @probe.get("/admin", access=ADMIN, returns={200: None})
    def admin_only() -> Response:
        """For admins."""
        return json_response({})

    @probe.get("/compliance", access=COMPLIANCE, returns={200: None})
    def compliance_only() -> Response:
        """For compliance officers and admins."""
        return json_response({})

    @probe.get("/scoped", access=scope(SCOPED), returns={200: None})
    def scoped() -> Response:
        """For whoever holds the scope."""
        return json_response({})

    routes = (*all_routes(), probe)
    monkeypatch.setattr(_app, "all_routes", lambda: routes)
    return _app.build_app(load_settings(environment()), wired)


def statuses(caller: Caller) -> tuple[int, int]:
    """Of the admin's route, and of the compliance officer's."""
    paths = ("/probe/admin", "/probe/compliance")
    admins, officers = (caller("GET", path).status_code for path in paths)
    return admins, officers


def access_token(caller: Caller, *scopes: str) -> Caller:
    body = {"name": "script", "scopes": list(scopes), "expiresInDays": 1}
    made = caller("POST", "/tokens", body)
    assert made.status_code == 201, made.json
    return Caller(caller.client, made.json["token"])


def test_an_admin_gets_to_both_kinds_of_route_and_an_officer_to_one(
    sign_up_as: Callable[[Role], Caller],
) -> None:
    assert statuses(sign_up_as(Role.ADMIN)) == (200, 200)
    assert statuses(sign_up_as(Role.COMPLIANCE)) == (404, 200)


def test_to_everyone_else_the_routes_do_not_exist(signed_in: Caller) -> None:
    refused = signed_in("GET", "/probe/admin", X_Request_ID="the-same-id")
    unknown = signed_in("GET", "/probe/nothing", X_Request_ID="the-same-id")

    assert statuses(signed_in) == (404, 404)
    assert {**refused.json, "instance": ""} == {**unknown.json, "instance": ""}


def test_a_role_without_a_second_factor_opens_nothing(
    sign_up: Callable[..., Caller], wired: Services, anonymous: Caller
) -> None:
    user = sign_up("ann@example.com")
    wired.roles.grant(user.session["user"]["id"], Role.ADMIN, request_id="grant-in-a-test")
    again = anonymous("POST", "/auth/login", {"email": "ann@example.com", "password": PASSWORD})

    answer = Caller(user.client, again.json["accessToken"])("GET", "/probe/admin")

    assert (answer.status_code, answer.json["code"]) == (403, "mfa_enrolment_required")


def test_access_tokens_have_no_role(sign_up_as: Callable[[Role], Caller]) -> None:
    script = access_token(sign_up_as(Role.ADMIN), SCOPED)

    assert statuses(script) == (404, 404)
    assert script("GET", "/probe/scoped").status_code == 200


def test_a_change_of_roles_ends_the_sessions_at_once_and_leaves_its_trace(
    sign_up_as: Callable[[Role], Caller], wired: Services, trail: Trail, capsys: Any
) -> None:
    officer = sign_up_as(Role.ADMIN)
    user_id = officer.session["user"]["id"]

    assert admin.main(["revoke-role", user_id, "ADMIN"], wired) == 0

    assert json.loads(capsys.readouterr().out) == {"user": user_id, "roles": []}
    gone = officer("GET", "/probe/admin")
    assert (gone.status_code, gone.json["code"]) == (401, "session_revoked")
    assert officer.session["user"]["roles"] == ["ADMIN"]
    assert trail(officer)[-1] == "user.role_revoked"
    assert "user.role_granted" in trail(officer)


def test_the_operator_is_told_why_nothing_changed(
    signed_in: Caller, wired: Services, capsys: Any
) -> None:
    user_id = signed_in.session["user"]["id"]

    assert admin.main(["revoke-role", user_id, "COMPLIANCE"], wired) == 1
    assert "roles_unchanged" in capsys.readouterr().err
    assert admin.main(["grant-role", make_id(Kind.USER), "ADMIN"], wired) == 1
    assert "not_found" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong:
        admin.main(["grant-role", user_id, "ROOT"], wired)
    assert wrong.value.code == 2


def test_without_a_configuration_the_operator_sees_every_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in environment():
        monkeypatch.delenv(name, raising=False)

    assert admin.main(["grant-role", make_id(Kind.USER), "ADMIN"]) == 78
    assert "JWT_SECRET" in capsys.readouterr().err


def test_refusals_are_in_the_trail_of_whom_they_refused_but_never_flood_it(
    signed_in: Caller, trail: Trail, records: Callable[[], list[dict[str, Any]]]
) -> None:
    script = access_token(signed_in, "profile:read")
    limit = BUCKETS["denied"].limit

    answers = [script("GET", "/probe/scoped") for _ in range(limit + 1)]

    assert {answer.status_code for answer in answers} == {403}
    assert trail(signed_in).count("auth.denied") == limit
    denied = [line for line in records() if Metric.AUTHORIZATION_DENIED in line]
    assert len(denied) == limit + 1


def test_what_only_a_role_allows_is_counted(
    sign_up_as: Callable[[Role], Caller], records: Callable[[], list[dict[str, Any]]]
) -> None:
    statuses(sign_up_as(Role.ADMIN))

    assert sum(Metric.PRIVILEGED_ACTION in line for line in records()) == 2
