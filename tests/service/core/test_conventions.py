"""What holds for every route: problems, headers, strict JSON, versions, methods."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from budgetbuddy.domain.access import BUCKETS

from ..conftest import Caller  # noqa: TID252 - fixtures' module

LOGIN = "/api/v1/auth/login"
JSON = {"Content-Type": "application/json"}


def require_problem(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == code
    assert answer.json["type"] == f"urn:budgetbuddy:problem:{code.replace('_', '-')}"
    assert answer.json["status"] == status
    assert answer.json["requestId"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/users/me/", 404, "not_found"),
        ("GET", "/api/v1//users/me", 404, "not_found"),
        ("PUT", "/api/v1/users/me", 405, "method_not_allowed"),
        ("TRACE", "/api/v1/users/me", 405, "method_not_allowed"),
        ("OPTIONS", "/api/v1/users/me", 405, "method_not_allowed"),
        ("GET", "/api/v1/users/me", 401, "token_missing"),
        ("GET", f"/{'x' * 5_000}", 414, "uri_too_long"),
    ],
)
def test_a_failure_is_a_problem_document(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    require_problem(client.open(path, method=method), status, code)


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    allowed = client.put("/api/v1/users/me").headers["Allow"]

    assert set(allowed.split(", ")) == {"GET", "HEAD", "PATCH"}


def test_a_refused_token_says_how_to_authenticate(client: FlaskClient) -> None:
    answer = client.get("/api/v1/users/me", headers={"Authorization": "Basic YTpi"})

    require_problem(answer, 401, "token_invalid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_token_is_asked_for_before_anything_is_read(client: FlaskClient) -> None:
    answer = client.patch("/api/v1/users/me", data=b"{", headers={"Content-Type": "text/plain"})

    require_problem(answer, 401, "token_missing")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"email":"a@example.com","email":"b@example.com"}', id="duplicate key"),
        pytest.param(b'{"email":{"a":1,"a":2}}', id="duplicate key inside"),
        pytest.param(b'{"email":NaN}', id="NaN"),
        pytest.param(b'{"email":-Infinity}', id="Infinity"),
        pytest.param(b'{"email":1e400}', id="beyond a double"),
        pytest.param(b'{"email":' + b"9" * 5_000 + b"}", id="a number of 5000 digits"),
        pytest.param(b'{"email":"\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"email":"\xff"}', id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"email":"a"}', id="byte order mark"),
        pytest.param(b'{"email":' + b"[" * 10_000 + b"]" * 10_000 + b"}", id="deep"),
        pytest.param(b'{"email":"a\x00b"}', id="control character"),
        pytest.param(b"{'email':'a'}", id="single quotes"),
        pytest.param(b'{"email":"a",}', id="trailing comma"),
        pytest.param(b'"text"', id="a string"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
    ],
)
def test_what_is_no_sound_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = client.post(LOGIN, data=body, headers=JSON)

    assert answer.status_code in {400, 422}
    assert answer.mimetype == "application/problem+json"


def test_sixteen_levels_are_read_and_seventeen_are_not(client: FlaskClient) -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)

    require_problem(client.post(LOGIN, data=nested(16), headers=JSON), 422, "validation_failed")
    require_problem(client.post(LOGIN, data=nested(17), headers=JSON), 400, "malformed_request")


def test_brackets_inside_strings_are_no_nesting(client: FlaskClient) -> None:
    body = json.dumps({"email": "a@example.com", "password": '[{"\\' * 50}).encode()

    require_problem(client.post(LOGIN, data=body, headers=JSON), 401, "invalid_credentials")


def test_each_wrong_field_is_named(client: FlaskClient) -> None:
    answer: Any = client.post(LOGIN, json={"email": "no address", "surprise": 1})

    require_problem(answer, 422, "validation_failed")
    named = {(error["pointer"], error["code"]) for error in answer.json["errors"]}
    assert named == {
        ("/email", "value_error"),
        ("/password", "required"),
        ("/surprise", "unknown_field"),
    }


def test_field_names_are_camel_case_only(anonymous: Caller) -> None:
    body = {"email": "a@example.com", "password": "x", "device_name": "x"}

    assert anonymous("POST", "/auth/login", body).status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
def test_another_content_type_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    require_problem(client.post(LOGIN, data=b"{}", headers=headers), 415, "unsupported_media_type")


def test_a_body_over_its_limit_is_refused(client: FlaskClient) -> None:
    body = b'{"email":"' + b"x" * 256 * 1_024 + b'"}'

    require_problem(client.post(LOGIN, data=body, headers=JSON), 413, "payload_too_large")


def test_headers_over_their_limit_are_refused(client: FlaskClient) -> None:
    answer = client.get("/health/live", headers={"X-Filler": "x" * 9_000})

    require_problem(answer, 431, "headers_too_large")


def test_a_client_that_refuses_json_is_told_so(client: FlaskClient) -> None:
    answer = client.post(LOGIN, json={}, headers={"Accept": "text/html"})

    require_problem(answer, 406, "not_acceptable")


def test_a_body_where_none_belongs_is_refused(signed_in: Caller) -> None:
    require_problem(signed_in("POST", "/auth/logout", {"x": 1}), 400, "malformed_request")


def test_an_unknown_query_parameter_is_refused(signed_in: Caller) -> None:
    require_problem(signed_in("GET", "/users/me?verbose=1"), 422, "validation_failed")


def test_every_answer_carries_the_security_headers(client: FlaskClient) -> None:
    for path in ("/health/live", "/nothing", "/api/v1/users/me"):
        headers = client.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-site"
        assert not {"X-Powered-By", "X-XSS-Protection"} & set(headers.keys())


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abcdefgh-123", True), ("short", False), ("x" * 65, False), ("evil\theader", False)],
)
def test_a_sound_request_id_is_kept_and_others_are_replaced(
    client: FlaskClient,
    given: str,
    kept: bool,  # noqa: FBT001 - a case
) -> None:
    returned = client.get("/health/live", headers={"X-Request-ID": given}).headers["X-Request-ID"]

    assert (returned == given) is kept
    assert len(returned) >= 8


def test_head_answers_where_get_does(signed_in: Caller) -> None:
    answer = signed_in("HEAD", "/users/me")

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ("*", 400, "invalid_header"),
        ("1", 400, "invalid_header"),
        ('W/"1"', 400, "invalid_header"),
        ('"1", "2"', 400, "invalid_header"),
        ('"7"', 412, "version_conflict"),
    ],
)
def test_a_change_names_exactly_one_version(
    signed_in: Caller, value: str | None, status: int, code: str
) -> None:
    headers = {} if value is None else {"If_Match": value}

    require_problem(signed_in("PATCH", "/users/me", {"locale": "de"}, **headers), status, code)


def test_a_route_whose_answer_holds_a_secret_takes_no_idempotency_key(anonymous: Caller) -> None:
    body = {"email": "a@example.com", "password": "x"}
    answer = anonymous("POST", "/auth/login", body, key="k" * 20)

    require_problem(answer, 400, "idempotency_key_not_supported")


def test_what_nobody_foresaw_is_a_500_without_details(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode() -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setitem(app.view_functions, "health_live", explode)
    answer = client.get("/health/live")

    require_problem(answer, 500, "internal_error")
    assert "hunter2" not in answer.text


def test_rate_limit_headers_say_what_is_left(signed_in: Caller) -> None:
    first, second = signed_in("GET", "/users/me"), signed_in("GET", "/users/me")

    assert first.headers["RateLimit-Policy"] == '"read";q=600;w=60'
    left = [int(a.headers["RateLimit"].split("r=")[1].split(";")[0]) for a in (first, second)]
    assert left[1] == left[0] - 1


def test_beyond_a_limit_the_client_is_told_when_to_return(client: FlaskClient) -> None:
    answers = [client.post(LOGIN, json={}) for _ in range(BUCKETS["public"].limit + 1)]

    assert answers[-2].status_code == 422
    require_problem(answers[-1], 429, "rate_limited")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_a_forged_forwarded_address_changes_nothing(client: FlaskClient) -> None:
    def call(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return client.post(LOGIN, json={}, headers=headers).status_code

    for number in range(BUCKETS["public"].limit):
        assert call(f"10.0.0.{number}, 203.0.113.9") == 422

    assert call("10.9.9.9, 203.0.113.9") == 429
    assert call("203.0.113.9, 198.51.100.7") == 422
