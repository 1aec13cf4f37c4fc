from __future__ import annotations

import http.server
import json
import re
import threading
from typing import TYPE_CHECKING

import pytest

from localcloud.client import Client
from localcloud.emulator.process import free_port
from localcloud.failure import LocalCloudError
from localcloud.smoke import smoke_test

if TYPE_CHECKING:
    from collections.abc import Iterator

Reply = tuple[int, dict[str, str], object]

ACCOUNT = {"id": "a1", "balance": {"amount": "-12.30", "currency": "EUR"}}
PROBLEM = {"content-type": "application/problem+json"}
JSON = {"content-type": "application/json"}


class Service:
    """Answers as the service does, except where a test says otherwise; remembers the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.replies: dict[str, Reply] = {
            "GET /health/ready": (200, JSON, {}),
            "GET /health/live": (200, JSON, {}),
            "GET /swagger-ui.html": (200, {}, "page"),
            "GET /openapi.json": (200, JSON, {"openapi": "3.1.1"}),
            "GET /api/v1/nothing": (404, PROBLEM, {"code": "not_found"}),
            "POST /api/v1/accounts": (201, JSON, ACCOUNT),
            "POST /api/v1/transactions": (201, JSON, {"id": "t1"}),
            "GET /api/v1/accounts/a1": (200, JSON | {"etag": '"7"'}, ACCOUNT),
            "GET /api/v1/transactions/t1": (200, JSON | {"etag": '"3"'}, {"id": "t1"}),
            "DELETE /api/v1/transactions/t1": (204, {}, ""),
            "DELETE /api/v1/accounts/a1": (204, {}, ""),
        }

    def answer(self, method: str, path: str, headers: dict[str, str]) -> Reply:
        self.calls.append((method, path, headers))
        if path == "/api/v1/accounts" and "authorization" not in headers:
            return 401, PROBLEM, {"code": "unauthenticated"}
        return self.replies[f"{method} {path.partition('?')[0]}"]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            sent = {name.lower(): value for name, value in self.headers.items()}
            status, headers, body = service.answer(self.command, self.path, sent)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode() if status != 204 else b"")

        do_GET = do_POST = do_DELETE = reply  # noqa: N815 - the base class's spelling

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Client(server.server_address[1], token="secret")
        server.shutdown()
        thread.join()


def test_a_service_that_keeps_its_promises_passes_and_is_left_clean(
    service: Service, client: Client
) -> None:
    smoke_test(client, client)

    method, path, headers = service.calls[-1]
    assert (method, path) == ("DELETE", "/api/v1/accounts/a1")
    assert headers["if-match"] == '"7"'


@pytest.mark.parametrize(
    ("call", "reply", "said"),
    [
        ("GET /health/ready", (503, PROBLEM, {"code": "not_ready"}), "readiness.*503 not_ready"),
        ("GET /swagger-ui.html", (404, {}, ""), "Swagger UI.*404"),
        ("GET /openapi.json", (200, JSON, {"openapi": "3.0.3"}), "OpenAPI version"),
        ("GET /api/v1/nothing", (404, {"content-type": "text/html"}, ""), "problem document"),
        ("POST /api/v1/accounts", (500, PROBLEM, {"code": "internal"}), "new account.*500"),
        (
            "DELETE /api/v1/accounts/a1",
            (409, PROBLEM, {"code": "x"}),
            "removal of /api/v1/accounts/a1.*409",
        ),
    ],
)
def test_a_broken_promise_is_named(
    service: Service, client: Client, call: str, reply: Reply, said: str
) -> None:
    service.replies[call] = reply

    with pytest.raises(LocalCloudError) as caught:
        smoke_test(client, client)

    assert re.search(said, f"{caught.value.what} {caught.value.why}")
    assert caught.value.remedy == "python -m localcloud logs service"


def test_a_wrong_balance_is_named_and_the_account_still_removed(
    service: Service, client: Client
) -> None:
    balance = {"amount": "-12.3", "currency": "EUR"}
    service.replies["GET /api/v1/accounts/a1"] = (
        200,
        JSON | {"etag": "1"},
        ACCOUNT | {"balance": balance},
    )

    with pytest.raises(LocalCloudError, match="exact balance"):
        smoke_test(client, client)

    assert service.calls[-1][0] == "DELETE"


def test_where_nobody_answers_the_client_raises_an_os_error() -> None:
    with pytest.raises(OSError, match="refused"):
        Client(free_port()).call("GET", "/health/ready")


def test_the_token_is_not_shown_with_the_client() -> None:
    assert "secret" not in repr(Client(1, token="secret"))
