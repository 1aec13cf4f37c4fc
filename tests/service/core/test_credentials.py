"""Passwords after registration: shown again, changed, forgotten and set anew."""

from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy.domain.audit import Event

from ..conftest import PASSWORD, Caller, ManualClock, Trail, mailed, mailed_code  # noqa: TID252 - fixtures' module

ANN = "ann@example.com"
OTHER = "another sentence nobody knows 7"


def login(caller: Caller, password: str = PASSWORD) -> Any:
    return caller("POST", "/auth/login", {"email": ANN, "password": password})


def forgot(caller: Caller, email: str = ANN) -> Any:
    return caller("POST", "/auth/password/forgot", {"email": email})


def reset(caller: Caller, reset_id: str, code: str, password: str = OTHER) -> Any:
    body = {"resetId": reset_id, "code": code, "newPassword": password}
    return caller("POST", "/auth/password/reset", body)


def change(caller: Caller, current: str = PASSWORD, new: str = OTHER, **more: Any) -> Any:
    body = {"currentPassword": current, "newPassword": new, **more}
    return caller("POST", "/auth/password/change", body)


# --- Shown again ---------------------------------------------------------------------------------


def test_sensitive_changes_want_a_password_shown_within_five_minutes(
    signed_in: Caller, clock: ManualClock
) -> None:
    clock.advance(seconds=300)
    assert signed_in("POST", "/auth/mfa/totp").status_code == 201
    clock.advance(seconds=1)

    refused = signed_in("POST", "/auth/mfa/totp")

    assert (refused.status_code, refused.json["code"]) == (401, "reauthentication_required")
    again = signed_in("POST", "/auth/reauthenticate", {"password": PASSWORD})
    assert (again.status_code, again.json["expiresIn"]) == (200, 900)
    fresh = Caller(signed_in.client, again.json["accessToken"])
    assert fresh("POST", "/auth/mfa/totp").status_code == 201


def test_a_refresh_does_not_make_a_session_fresh(
    signed_in: Caller, anonymous: Caller, clock: ManualClock
) -> None:
    clock.advance(seconds=301)
    body = {"refreshToken": signed_in.session["refreshToken"]}
    token = anonymous("POST", "/auth/refresh", body).json["accessToken"]

    answer = Caller(anonymous.client, token)("POST", "/auth/mfa/totp")

    assert answer.json["code"] == "reauthentication_required"


def test_guesses_behind_a_session_count_as_those_of_a_log_in(
    signed_in: Caller, anonymous: Caller
) -> None:
    for _ in range(19):
        wrong = signed_in("POST", "/auth/reauthenticate", {"password": OTHER})
        assert (wrong.status_code, wrong.json["code"]) == (401, "invalid_credentials")

    assert change(signed_in, current=OTHER).json["code"] == "too_many_attempts"
    right = signed_in("POST", "/auth/reauthenticate", {"password": PASSWORD})
    assert (right.status_code, right.json["code"]) == (429, "too_many_attempts")
    assert login(anonymous).json["code"] == "too_many_attempts"


# --- Changed -------------------------------------------------------------------------------------


def test_a_changed_password_ends_all_sessions_but_its_own(
    signed_in: Caller, anonymous: Caller
) -> None:
    elsewhere = login(anonymous).json
    changed = change(signed_in)
    assert changed.status_code == 200

    assert signed_in("GET", "/users/me").json["code"] == "session_revoked"
    other = Caller(anonymous.client, elsewhere["accessToken"])
    assert other("GET", "/users/me").json["code"] == "session_revoked"
    for old in (elsewhere, signed_in.session):
        body = {"refreshToken": old["refreshToken"]}
        assert anonymous("POST", "/auth/refresh", body).json["code"] == "refresh_invalid"
    here = Caller(anonymous.client, changed.json["accessToken"])
    sessions = here("GET", "/auth/sessions").json["items"]
    assert [(s["id"], s["current"]) for s in sessions] == [(changed.json["sessionId"], True)]
    assert login(anonymous).json["code"] == "invalid_credentials"
    assert login(anonymous, OTHER).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "status", "code"),
    [
        pytest.param(OTHER, OTHER, 401, "invalid_credentials", id="wrong"),
        pytest.param(PASSWORD, "short", 422, "password_too_weak", id="short"),
        pytest.param(PASSWORD, "ann ann ann ann", 422, "password_too_weak", id="name"),
        pytest.param(PASSWORD, PASSWORD, 422, "password_reused", id="same"),
    ],
)
def test_a_refused_change_changes_nothing(  # noqa: PLR0913, PLR0917 - one row of the table
    signed_in: Caller, anonymous: Caller, current: str, new: str, status: int, code: str
) -> None:
    refused = change(signed_in, current, new)

    assert (refused.status_code, refused.json["code"]) == (status, code)
    assert signed_in("GET", "/users/me").status_code == 200
    assert login(anonymous).status_code == 200


# --- Forgotten -----------------------------------------------------------------------------------


def test_a_forgotten_password_is_set_anew_by_mail(signed_in: Caller, anonymous: Caller) -> None:
    started = forgot(anonymous)
    assert started.status_code == 202

    assert reset(anonymous, started.json["resetId"], mailed_code(ANN)).status_code == 204

    assert signed_in("GET", "/users/me").json["code"] == "session_revoked"
    body = {"refreshToken": signed_in.session["refreshToken"]}
    assert anonymous("POST", "/auth/refresh", body).json["code"] == "refresh_invalid"
    assert login(anonymous).json["code"] == "invalid_credentials"
    assert login(anonymous, OTHER).status_code == 200


def test_an_unknown_address_gets_the_same_answer_and_a_mail_without_a_code(
    signed_in: Caller, anonymous: Caller
) -> None:
    del signed_in
    known, unknown = forgot(anonymous), forgot(anonymous, "nobody@example.com")

    assert known.status_code == unknown.status_code == 202
    assert known.json.keys() == unknown.json.keys()
    assert len(known.json["resetId"]) == len(unknown.json["resetId"])
    assert "no\naccount with it" in mailed("nobody@example.com")[-1]
    refused = reset(anonymous, unknown.json["resetId"], "AAAAAAAA")
    assert (refused.status_code, refused.json["code"]) == (401, "code_invalid")


def test_a_code_goes_to_the_confirmed_spelling_of_an_address(
    signed_in: Caller, anonymous: Caller
) -> None:
    """A look-alike that normalises to the same text can be another's mailbox."""
    del signed_in
    forgot(anonymous, "ANN@example.com")

    assert mailed("ANN@example.com") == []
    assert "code" in mailed(ANN)[-1]


def test_a_reset_code_has_three_tries(signed_in: Caller, anonymous: Caller) -> None:
    del signed_in
    started = forgot(anonymous).json["resetId"]
    for _ in range(3):
        assert reset(anonymous, started, "AAAAAAAA").json["code"] == "code_invalid"

    assert reset(anonymous, started, mailed_code(ANN)).json["code"] == "code_invalid"


def test_a_weak_new_password_uses_up_no_try(signed_in: Caller, anonymous: Caller) -> None:
    del signed_in
    started, code = forgot(anonymous).json["resetId"], mailed_code(ANN)
    for _ in range(4):
        weak = reset(anonymous, started, code, "password1234")
        assert (weak.status_code, weak.json["code"]) == (422, "password_too_weak")

    assert reset(anonymous, started, code).status_code == 204


def test_a_reset_code_works_once_and_for_fifteen_minutes(
    signed_in: Caller, anonymous: Caller, clock: ManualClock
) -> None:
    del signed_in
    started, code = forgot(anonymous).json["resetId"], mailed_code(ANN)
    assert reset(anonymous, started, code).status_code == 204
    assert reset(anonymous, started, code).json["code"] == "code_invalid"

    started, code = forgot(anonymous).json["resetId"], mailed_code(ANN)
    clock.advance(minutes=15)
    assert reset(anonymous, started, code).json["code"] == "code_invalid"


def test_the_code_of_an_older_reset_dies_with_the_password(
    signed_in: Caller, anonymous: Caller
) -> None:
    """Two were asked for; once one has set a password, the other is for a password long gone."""
    del signed_in
    first, first_code = forgot(anonymous).json["resetId"], mailed_code(ANN)
    second, second_code = forgot(anonymous).json["resetId"], mailed_code(ANN)
    assert reset(anonymous, second, second_code).status_code == 204

    assert reset(anonymous, first, first_code, PASSWORD).json["code"] == "code_invalid"


def test_an_address_gets_three_mails_an_hour_and_the_same_answer_after(
    signed_in: Caller, anonymous: Caller
) -> None:
    del signed_in
    before = len(mailed(ANN))
    answers = [forgot(anonymous) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {202}
    assert len(mailed(ANN)) - before == 3


def test_each_step_leaves_its_audit_row(signed_in: Caller, anonymous: Caller, trail: Trail) -> None:
    started = forgot(anonymous).json["resetId"]
    reset(anonymous, started, mailed_code(ANN))
    here = Caller(anonymous.client, login(anonymous, OTHER).json["accessToken"])
    change(here, OTHER, PASSWORD)

    assert trail(signed_in)[1:] == [
        Event.PASSWORD_RESET_REQUESTED,
        Event.PASSWORD_RESET,
        Event.LOGIN,
        Event.PASSWORD_CHANGED,
    ]


def test_no_password_and_no_code_is_stored_or_logged(
    signed_in: Caller, anonymous: Caller, stored: Callable[[], str], lines: Any
) -> None:
    del signed_in
    started = forgot(anonymous).json["resetId"]
    code = mailed_code(ANN)
    assert code not in stored()
    reset(anonymous, started, code)

    seen = stored() + lines.getvalue()
    assert OTHER not in seen
    assert code not in seen
