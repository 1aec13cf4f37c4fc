"""Registration, log-in, refresh and the ends of sessions, through the API."""

from typing import Any


def test_a_confirmed_registration_is_signed_in_and_sees_its_profile(signed_in: Any) -> None:
    answer = signed_in("GET", "/users/me")

    assert answer.status_code == 200
    assert answer.json["email"] == "ann@example.com"
    assert answer.json["displayName"] == "Ann"
    assert answer.headers["ETag"] == '"1"'
