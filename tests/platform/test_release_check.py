"""The check of a release: what ECS is told, and that it leaves to ECS what it cannot judge."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.lambdas import release_check
from infra.lambdas.release_check import (
    ATTEMPTS,
    NOWHERE,
    PRIVATE,
    READY,
    Answer,
    find_problems,
    handler,
    verdict,
)

RELEASE = "0123abc"
DETAILS = {"host": "origin.example.com", "port": 9443, "release": RELEASE}
TOLD = {"strict-transport-security": "max-age=31536000", "x-content-type-options": "nosniff"}
PROBLEM = {"content-type": "application/problem+json; charset=utf-8"}

Asked = Callable[[str], Answer]


def answers(**changes: Answer) -> Asked:
    """A sound release; keywords replace the answer of a path."""
    ready = json.dumps({"status": "up", "release": RELEASE}).encode()
    sound = {
        READY: Answer(status=200, headers=TOLD, body=ready),
        NOWHERE: Answer(status=404, headers=PROBLEM, body=b"{}"),
        PRIVATE: Answer(status=401, headers=PROBLEM, body=b"{}"),
    }
    names = {"ready": READY, "nowhere": NOWHERE, "private": PRIVATE}
    return {**sound, **{names[name]: answer for name, answer in changes.items()}}.__getitem__


def body(release: str) -> bytes:
    return json.dumps({"release": release}).encode()


def test_a_sound_release_may_meet_clients() -> None:
    assert find_problems(DETAILS, answers()) == []
    assert verdict(DETAILS, []) == {"hookStatus": "SUCCEEDED"}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ready": Answer(status=503, headers=TOLD, body=b"")}, "answers 503"),
        ({"ready": Answer(status=200, headers=TOLD, body=body("old"))}, "release old answers"),
        ({"ready": Answer(status=200, headers={}, body=body(RELEASE))}, "lacks the header"),
        ({"nowhere": Answer(status=200, headers=PROBLEM, body=b"")}, "not 404"),
        ({"nowhere": Answer(status=404, headers={}, body=b"")}, "not 404 application/problem"),
        ({"private": Answer(status=200, headers={}, body=b"{}")}, "not 401"),
        ({"private": Answer(status=500, headers=PROBLEM, body=b"{}")}, "not 401"),
    ],
)
def test_what_is_wrong_is_said_in_words(changes: dict[str, Answer], word: str) -> None:
    problems = find_problems(DETAILS, answers(**changes))

    assert problems
    assert all(word in each for each in problems)


def test_a_release_that_does_not_answer_is_a_problem_not_an_accident() -> None:
    def refuse(path: str) -> Answer:
        raise ConnectionRefusedError(path)

    assert find_problems(DETAILS, refuse) == ["no answer: ConnectionRefusedError"]


def test_ecs_asks_again_with_the_number_of_the_attempt_until_it_is_over() -> None:
    details: Mapping[str, Any] = DETAILS
    seen = []
    for _ in range(ATTEMPTS):
        told = verdict(details, ["no answer"])
        seen.append(told["hookStatus"])
        details = told.get("hookDetails", details)

    assert seen == ["IN_PROGRESS"] * (ATTEMPTS - 1) + ["FAILED"]
    assert {key: details[key] for key in DETAILS} == DETAILS


def test_without_its_details_the_check_fails_so_that_ecs_rolls_back() -> None:
    with pytest.raises(KeyError):
        handler({"lifecycleStage": "POST_TEST_TRAFFIC_SHIFT"}, None)


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """A sound release on loopback."""
    told = answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = told(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name.title(), value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield "127.0.0.1", served.server_address[1]
    served.shutdown()
    served.server_close()
    thread.join()


def test_the_function_asks_over_the_wire(
    server: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_check, "HTTPSConnection", HTTPConnection)
    host, port = server

    told = handler({"hookDetails": {"host": host, "port": port, "release": RELEASE}}, None)

    assert told == {"hookStatus": "SUCCEEDED"}


def test_a_server_without_tls_is_no_release(server: tuple[str, int]) -> None:
    host, port = server
    details = {"host": host, "port": port, "release": RELEASE, "attempt": ATTEMPTS}

    assert handler({"hookDetails": details}, None) == {"hookStatus": "FAILED"}
