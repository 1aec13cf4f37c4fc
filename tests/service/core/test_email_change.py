"""Another e-mail address: nobody learns who has it, and it is true once it has answered."""

from collections.abc import Callable
from typing import Any

from ..conftest import PASSWORD, Caller, ManualClock, Trail, mailed, mailed_code  # noqa: TID252 - fixtures' module

OLD, NEW = "ann@example.com", "ann@example.org"


def request(caller: Caller, email: str = NEW) -> Any:
    return caller("POST", "/users/me/email", {"newEmail": email})


def confirm(caller: Caller, change_id: str, code: str) -> Any:
    body = {"changeId": change_id, "code": code}
    return caller("POST", "/users/me/email/confirm", body)


def login(caller: Caller, email: str) -> int:
    answer = caller("POST", "/auth/login", {"email": email, "password": PASSWORD})
    return int(answer.status_code)


def test_the_address_is_another_once_its_code_came_back(
    signed_in: Caller, anonymous: Caller, trail: Trail
) -> None:
    asked = request(signed_in)
    assert (asked.status_code, signed_in("GET", "/users/me").json["email"]) == (202, OLD)
    assert "another e-mail address" in mailed(OLD)[-1]

    done = confirm(signed_in, asked.json["changeId"], mailed_code(NEW).lower())

    assert (done.status_code, done.json["email"], done.headers["ETag"]) == (200, NEW, '"2"')
    assert signed_in("GET", "/users/me").json == done.json
    assert (login(anonymous, NEW), login(anonymous, OLD)) == (200, 401)
    assert trail(signed_in)[-3:-1] == ["user.email_change_requested", "user.email_changed"]


def test_the_old_address_is_free_for_somebody_else(
    signed_in: Caller, sign_up: Callable[..., Caller]
) -> None:
    asked = request(signed_in)
    confirm(signed_in, asked.json["changeId"], mailed_code(NEW))

    assert sign_up(OLD).session["user"]["email"] == OLD


def test_an_address_that_is_taken_is_answered_alike_and_gets_no_code(
    signed_in: Caller, sign_up: Callable[..., Caller]
) -> None:
    sign_up("bob@example.com")

    taken, free = request(signed_in, "BOB@example.com"), request(signed_in)

    assert taken.status_code == free.status_code == 202
    assert taken.json.keys() == free.json.keys()
    assert "has an\naccount already" in mailed("BOB@example.com")[-1]
    refused = confirm(signed_in, taken.json["changeId"], mailed_code(NEW))
    assert (refused.status_code, refused.json["code"]) == (401, "code_invalid")


def test_of_two_who_ask_for_an_address_the_first_to_confirm_has_it(
    signed_in: Caller, sign_up: Callable[..., Caller]
) -> None:
    bob = sign_up("bob@example.com")
    mine, my_code = request(signed_in), mailed_code(NEW)
    theirs, their_code = request(bob), mailed_code(NEW)

    assert confirm(bob, theirs.json["changeId"], their_code).status_code == 200
    late = confirm(signed_in, mine.json["changeId"], my_code)

    assert (late.status_code, late.json["code"]) == (409, "email_unavailable")
    assert signed_in("GET", "/users/me").json["email"] == OLD


def test_a_code_is_good_for_its_user_and_five_tries(
    signed_in: Caller, sign_up: Callable[..., Caller]
) -> None:
    bob = sign_up("bob@example.com")
    asked, code = request(signed_in), mailed_code(NEW)
    change_id = asked.json["changeId"]

    assert confirm(bob, change_id, code).json["code"] == "code_invalid"
    for _ in range(5):
        assert confirm(signed_in, change_id, "WRONGONE").json["code"] == "code_invalid"
    assert confirm(signed_in, change_id, code).json["code"] == "code_invalid"


def test_a_code_is_good_for_fifteen_minutes(
    signed_in: Caller, anonymous: Caller, clock: ManualClock
) -> None:
    asked, code = request(signed_in), mailed_code(NEW)
    clock.advance(minutes=15)
    body = {"email": OLD, "password": PASSWORD}
    again = Caller(signed_in.client, anonymous("POST", "/auth/login", body).json["accessToken"])

    assert confirm(again, asked.json["changeId"], code).json["code"] == "code_invalid"


def test_a_reset_that_the_old_mailbox_asked_for_dies_with_the_change(
    signed_in: Caller, anonymous: Caller
) -> None:
    reset = anonymous("POST", "/auth/password/forgot", {"email": OLD}).json
    reset_code = mailed_code(OLD)
    asked = request(signed_in)
    assert confirm(signed_in, asked.json["changeId"], mailed_code(NEW)).status_code == 200
    body = {"resetId": reset["resetId"], "code": reset_code, "newPassword": PASSWORD + " again"}

    answer = anonymous("POST", "/auth/password/reset", body)

    assert (answer.status_code, answer.json["code"]) == (401, "code_invalid")


def test_used_up_codes_change_nothing_again(signed_in: Caller) -> None:
    asked, code = request(signed_in), mailed_code(NEW)

    assert confirm(signed_in, asked.json["changeId"], code).status_code == 200
    assert confirm(signed_in, asked.json["changeId"], code).json["code"] == "code_invalid"


def test_whoever_asks_has_shown_all_factors_just_now(signed_in: Caller, clock: ManualClock) -> None:
    clock.advance(seconds=301)

    answer = request(signed_in)

    assert (answer.status_code, answer.json["code"]) == (401, "reauthentication_required")


def test_addresses_are_stored_sealed(signed_in: Caller, stored: Callable[[], str]) -> None:
    request(signed_in)

    assert NEW not in stored()
