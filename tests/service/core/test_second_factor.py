"""The second factor: no way to a session leads around it, and no code is good twice."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from budgetbuddy.domain.audit import Event
from budgetbuddy.security.totp import TotpCodes, code_at

from ..conftest import (  # noqa: TID252 - fixtures' module
    PASSWORD,
    Caller,
    ManualClock,
    Phone,
    Trail,
    mailed_code,
)

ANN = "ann@example.com"
OTHER = "another sentence nobody knows 7"
RFC_6238 = [  # appendix B, SHA-1, the last six of its eight digits
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
]


def login(caller: Caller, password: str = PASSWORD) -> Any:
    return caller("POST", "/auth/login", {"email": ANN, "password": password})


def verify(caller: Caller, challenge: Any, code: str, method: str = "totp") -> Any:
    body = {"mfaToken": challenge.json["mfaToken"], "method": method, "code": code}
    return caller("POST", "/auth/mfa/verify", body)


@pytest.fixture
def phone(signed_in: Caller, clock: ManualClock) -> Phone:
    """Ann's app, with her second factor on; `signed_in` is the session it was switched on in."""
    begun = signed_in("POST", "/auth/mfa/totp")
    assert begun.status_code == 201, begun.json
    app = Phone(begun.json["secret"], clock)
    confirmed = signed_in("POST", "/auth/mfa/totp/confirm", {"code": app.code()})
    assert confirmed.status_code == 200, confirmed.json
    signed_in.session["backupCodes"] = confirmed.json["backupCodes"]
    return app


@pytest.mark.parametrize(("at", "code"), RFC_6238)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    secret = b"12345678901234567890"

    assert code_at(secret, at // 30) == code
    assert TotpCodes().step_of(secret, code, datetime.fromtimestamp(at, tz=UTC)) == at // 30


def test_a_code_is_good_one_step_early_and_late_and_no_longer() -> None:
    codes, secret, now = TotpCodes(), b"s" * 20, datetime(2026, 6, 15, tzinfo=UTC)
    step = int(now.timestamp()) // 30

    found = [codes.step_of(secret, code_at(secret, step + off), now) for off in range(-2, 3)]

    assert found == [None, step - 1, step, step + 1, None]


def test_the_secret_comes_as_text_and_as_the_uri_of_a_picture(signed_in: Caller) -> None:
    begun = signed_in("POST", "/auth/mfa/totp").json

    parts = urlsplit(begun["otpauthUri"])
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/BudgetBuddy%3Aann%40example.com"
    query = parse_qs(parts.query)
    assert query["secret"] == [begun["secret"]]
    assert (query["issuer"], query["digits"], query["period"]) == (["BudgetBuddy"], ["6"], ["30"])


def test_nothing_changes_before_a_code_came_back(signed_in: Caller, anonymous: Caller) -> None:
    signed_in("POST", "/auth/mfa/totp")

    assert login(anonymous).json["status"] == "authenticated"
    assert signed_in("GET", "/auth/mfa").json == {
        "totp": {"enabled": False, "enrolledAt": None},
        "backupCodesLeft": 0,
    }
    wrong = signed_in("POST", "/auth/mfa/totp/confirm", {"code": "000000"})
    assert (wrong.status_code, wrong.json["code"]) == (401, "mfa_code_invalid")


def test_a_secret_waits_ten_minutes(signed_in: Caller, clock: ManualClock) -> None:
    app = Phone(signed_in("POST", "/auth/mfa/totp").json["secret"], clock)
    clock.advance(minutes=10, seconds=1)
    again = signed_in("POST", "/auth/reauthenticate", {"password": PASSWORD})
    fresh = Caller(signed_in.client, again.json["accessToken"])

    answer = fresh("POST", "/auth/mfa/totp/confirm", {"code": app.code()})

    assert (answer.status_code, answer.json["code"]) == (409, "mfa_not_enabled")


def test_switched_on_it_shows_and_cannot_be_switched_on_again(
    signed_in: Caller, phone: Phone
) -> None:
    state = signed_in("GET", "/auth/mfa").json
    assert (state["totp"]["enabled"], state["backupCodesLeft"]) == (True, 10)
    me = signed_in("GET", "/users/me")
    assert (me.json["mfaEnabled"], me.headers["ETag"]) == (True, '"2"')

    fresh = reauthenticated(signed_in, phone.next_code())
    for path, body in (("totp", None), ("totp/confirm", {"code": phone.next_code()})):
        answer = fresh("POST", f"/auth/mfa/{path}", body)
        assert (answer.status_code, answer.json["code"]) == (409, "mfa_already_enabled")


def reauthenticated(caller: Caller, code: str) -> Caller:
    answer = caller("POST", "/auth/reauthenticate", {"password": PASSWORD, "mfaCode": code})
    assert answer.status_code == 200, answer.json
    return Caller(caller.client, answer.json["accessToken"], caller.session)


# --- No way around -------------------------------------------------------------------------------


def test_a_log_in_answers_with_a_challenge_and_no_token(phone: Phone, anonymous: Caller) -> None:
    challenge = login(anonymous)

    assert challenge.status_code == 200
    assert challenge.json.keys() == {"status", "mfaToken", "methods", "expiresIn"}
    assert (challenge.json["status"], challenge.json["expiresIn"]) == ("mfa_required", 300)
    done = verify(anonymous, challenge, phone.next_code())
    assert (done.status_code, done.json["status"]) == (200, "authenticated")
    me = Caller(anonymous.client, done.json["accessToken"])("GET", "/users/me")
    assert me.json["email"] == ANN


def test_a_wrong_password_is_told_before_any_challenge(phone: Phone, anonymous: Caller) -> None:
    del phone
    assert login(anonymous, OTHER).json["code"] == "invalid_credentials"


def test_the_token_of_a_challenge_opens_nothing(phone: Phone, anonymous: Caller) -> None:
    del phone
    token = login(anonymous).json["mfaToken"]

    assert Caller(anonymous.client, token)("GET", "/users/me").json["code"] == "token_invalid"
    refreshed = anonymous("POST", "/auth/refresh", {"refreshToken": token})
    assert refreshed.json["code"] == "refresh_invalid"


def test_sessions_from_before_it_was_on_end(
    sign_up: Callable[..., Caller], anonymous: Caller, clock: ManualClock
) -> None:
    here = sign_up(ANN)
    elsewhere = login(anonymous).json
    app = Phone(here("POST", "/auth/mfa/totp").json["secret"], clock)
    here("POST", "/auth/mfa/totp/confirm", {"code": app.code()})

    other = Caller(anonymous.client, elsewhere["accessToken"])
    assert other("GET", "/users/me").json["code"] == "session_revoked"
    body = {"refreshToken": elsewhere["refreshToken"]}
    assert anonymous("POST", "/auth/refresh", body).json["code"] == "refresh_invalid"
    assert here("GET", "/users/me").status_code == 200
    body = {"refreshToken": here.session["refreshToken"]}
    assert anonymous("POST", "/auth/refresh", body).status_code == 200
    assert len(here("GET", "/auth/sessions").json["items"]) == 1


def test_a_reset_password_opens_no_session_and_leaves_it_on(
    phone: Phone, anonymous: Caller
) -> None:
    started = anonymous("POST", "/auth/password/forgot", {"email": ANN}).json
    body = {"resetId": started["resetId"], "code": mailed_code(ANN), "newPassword": OTHER}
    done = anonymous("POST", "/auth/password/reset", body)

    assert (done.status_code, done.data) == (204, b"")
    challenge = login(anonymous, OTHER)
    assert challenge.json["status"] == "mfa_required"
    assert verify(anonymous, challenge, phone.next_code()).status_code == 200


@pytest.mark.parametrize("code", [None, "000000", "AAAAAAAA"])
def test_signing_in_again_wants_the_code_too(
    signed_in: Caller, phone: Phone, code: str | None
) -> None:
    del phone
    body = {"password": PASSWORD} | ({"mfaCode": code} if code else {})
    answer = signed_in("POST", "/auth/reauthenticate", body)

    assert (answer.status_code, answer.json["code"]) == (401, "mfa_code_invalid")


@pytest.mark.parametrize("code", [None, "000000"])
def test_changing_the_password_wants_the_code_too(
    signed_in: Caller, phone: Phone, anonymous: Caller, code: str | None
) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": OTHER} | ({"mfaCode": code} if code else {})
    refused = signed_in("POST", "/auth/password/change", body)
    assert (refused.status_code, refused.json["code"]) == (401, "mfa_code_invalid")
    assert login(anonymous, OTHER).json["code"] == "invalid_credentials"

    body["mfaCode"] = phone.next_code()
    assert signed_in("POST", "/auth/password/change", body).status_code == 200


def test_a_password_alone_is_not_fresh_once_it_is_on(signed_in: Caller, phone: Phone) -> None:
    """The token of the session it was switched on in shows the password only."""
    answer = signed_in("POST", "/auth/mfa/backup-codes", {"code": phone.next_code()})

    assert (answer.status_code, answer.json["code"]) == (401, "reauthentication_required")


def test_a_challenge_dies_with_the_password_it_was_for(phone: Phone, anonymous: Caller) -> None:
    challenge = login(anonymous)
    started = anonymous("POST", "/auth/password/forgot", {"email": ANN}).json
    body = {"resetId": started["resetId"], "code": mailed_code(ANN), "newPassword": OTHER}
    assert anonymous("POST", "/auth/password/reset", body).status_code == 204

    answer = verify(anonymous, challenge, phone.next_code())

    assert (answer.status_code, answer.json["code"]) == (401, "mfa_challenge_expired")


# --- Codes are good once, and for few tries ------------------------------------------------------


def test_a_code_that_was_used_is_refused(phone: Phone, anonymous: Caller) -> None:
    code = phone.next_code()
    assert verify(anonymous, login(anonymous), code).status_code == 200

    again = verify(anonymous, login(anonymous), code)

    assert (again.status_code, again.json["code"]) == (401, "mfa_code_invalid")


def test_the_code_it_was_switched_on_with_is_used_up(phone: Phone, anonymous: Caller) -> None:
    assert verify(anonymous, login(anonymous), phone.code()).json["code"] == "mfa_code_invalid"


def test_a_challenge_is_answered_once(phone: Phone, anonymous: Caller) -> None:
    challenge = login(anonymous)
    assert verify(anonymous, challenge, phone.next_code()).status_code == 200

    again = verify(anonymous, challenge, phone.next_code())

    assert (again.status_code, again.json["code"]) == (401, "mfa_challenge_expired")


def test_a_challenge_has_five_tries(phone: Phone, anonymous: Caller) -> None:
    challenge = login(anonymous)
    for _ in range(5):
        assert verify(anonymous, challenge, "000000").json["code"] == "mfa_code_invalid"

    answer = verify(anonymous, challenge, phone.next_code())

    assert (answer.status_code, answer.json["code"]) == (401, "mfa_challenge_expired")


def test_a_challenge_is_good_for_five_minutes(
    phone: Phone, anonymous: Caller, clock: ManualClock
) -> None:
    challenge = login(anonymous)
    clock.advance(minutes=5)

    answer = verify(anonymous, challenge, phone.code())

    assert (answer.status_code, answer.json["code"]) == (401, "mfa_challenge_expired")


def test_an_account_has_twenty_tries_an_hour(phone: Phone, anonymous: Caller) -> None:
    for _ in range(4):  # with the one that switched it on, 21
        challenge = login(anonymous)
        statuses = [verify(anonymous, challenge, "000000").status_code for _ in range(5)]
    assert statuses[-1] == 429

    assert verify(anonymous, login(anonymous), phone.next_code()).status_code == 429


def test_a_backup_code_signs_in_once(signed_in: Caller, phone: Phone, anonymous: Caller) -> None:
    del phone
    code = signed_in.session["backupCodes"][3].lower()  # as somebody types it
    assert verify(anonymous, login(anonymous), code, "backup_code").status_code == 200

    again = verify(anonymous, login(anonymous), code, "backup_code")

    assert (again.status_code, again.json["code"]) == (401, "mfa_code_invalid")
    assert signed_in("GET", "/auth/mfa").json["backupCodesLeft"] == 9


def test_all_ten_backup_codes_can_be_used_up(
    signed_in: Caller, phone: Phone, anonymous: Caller, clock: ManualClock
) -> None:
    del phone
    for code in signed_in.session["backupCodes"]:
        assert verify(anonymous, login(anonymous), code, "backup_code").status_code == 200
        clock.advance(minutes=1)

    assert signed_in("GET", "/auth/mfa").json["backupCodesLeft"] == 0


def test_new_backup_codes_end_the_old_ones(
    signed_in: Caller, phone: Phone, anonymous: Caller
) -> None:
    fresh = reauthenticated(signed_in, phone.next_code())
    renewed = fresh("POST", "/auth/mfa/backup-codes", {"code": phone.next_code()})
    assert (renewed.status_code, len(set(renewed.json["backupCodes"]))) == (200, 10)

    old, new = signed_in.session["backupCodes"][0], renewed.json["backupCodes"][0]
    assert verify(anonymous, login(anonymous), old, "backup_code").status_code == 401
    assert verify(anonymous, login(anonymous), new, "backup_code").status_code == 200


# --- Off again -----------------------------------------------------------------------------------


def test_switched_off_a_password_is_enough_again(
    signed_in: Caller, phone: Phone, anonymous: Caller
) -> None:
    fresh = reauthenticated(signed_in, phone.next_code())
    wrong = fresh("POST", "/auth/mfa/totp/disable", {"code": "000000"})
    assert (wrong.status_code, wrong.json["code"]) == (401, "mfa_code_invalid")
    body = {"code": phone.next_code()}
    assert fresh("POST", "/auth/mfa/totp/disable", body).status_code == 204

    assert login(anonymous).json["status"] == "authenticated"
    assert fresh("GET", "/users/me").json["mfaEnabled"] is False


def test_what_is_off_is_neither_switched_off_nor_renewed(signed_in: Caller) -> None:
    for path in ("totp/disable", "backup-codes", "totp/confirm"):
        answer = signed_in("POST", f"/auth/mfa/{path}", {"code": "123456"})
        assert (answer.status_code, answer.json["code"]) == (409, "mfa_not_enabled"), path


def test_each_step_leaves_its_audit_row(
    signed_in: Caller, phone: Phone, anonymous: Caller, trail: Trail
) -> None:
    verify(anonymous, login(anonymous), "000000")
    verify(anonymous, login(anonymous), signed_in.session["backupCodes"][0], "backup_code")
    fresh = reauthenticated(signed_in, phone.next_code())
    fresh("POST", "/auth/mfa/backup-codes", {"code": phone.next_code()})
    fresh("POST", "/auth/mfa/totp/disable", {"code": phone.next_code()})

    assert trail(signed_in)[1:] == [
        Event.MFA_ENROLLED,
        Event.MFA_FAILED,
        Event.BACKUP_CODE_USED,
        Event.REAUTHENTICATED,
        Event.BACKUP_CODES_RENEWED,
        Event.MFA_DISABLED,
    ]


def test_neither_secret_nor_codes_are_stored_in_clear(
    signed_in: Caller, phone: Phone, stored: Callable[[], str]
) -> None:
    del phone
    everything = stored()

    assert all(code not in everything for code in signed_in.session["backupCodes"])
    assert "secret" not in everything
